"""Several processes train as one does, and the first of them alone writes and speaks."""

import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from changed_params import changed
from repository import ROOT
from safetensors.torch import load_file

from srgan_ab.common import files
from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.errors import UserError
from srgan_ab.common.joining import join
from srgan_ab.common.launch import is_first
from srgan_ab.common.packs import new_array
from srgan_ab.common.params import parse
from srgan_ab.common.runtime import Runtime, prepare
from srgan_ab.common.schema import RuntimeParams
from srgan_ab.srgan import trainings

PATH = [ROOT / "src", ROOT / "tests", ROOT / "tests/unit"]
COUNTS = (1, 2, 3)
# Their gradient is 0 whatever they are, so that Adam makes whole steps of rounding errors: biases
# before BatchNorm, with the means that follow them, and the last one of a discriminator whose
# outputs are compared with each other. Nothing that a network gives depends on them.
MEANINGLESS = (
    *("body.0.bias", "body.3.bias", "join.0.bias", "discriminator.head.4.bias"),
    *("body.1.running_mean", "body.4.running_mean", "join.1.running_mean"),
)
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "x",
    **{"RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "2"},
}
SRUN = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"}


def runtime(**changes):
    plain = dict(
        **{"portable": False, "device": "cpu", "precision": "fp32", "compile": None},
        **{"threads": None, "workers": None, "devices": 1, "nodes": 1, "strategy": "auto"},
        **{"streaming": "auto"},
    )
    return RuntimeParams.model_validate(plain | changes)


@pytest.fixture
def environment(monkeypatch):
    def have(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return have


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Number of processes to the folder of what they made."""
    folders = {count: tmp_path_factory.mktemp(f"by_{count}") for count in COUNTS}
    script = str(ROOT / "tests/training_together.py")
    for count, folder in folders.items():
        done = subprocess.run(
            [sys.executable, script, str(count), str(folder)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATH))},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("count", COUNTS[1:])
@pytest.mark.parametrize(
    "training", ["srresnet", "relativistic", "normalised", "classifier", "timm"]
)
def test_several_processes_train_as_one_does(trained, training, count):
    """Ten updates in fp32, of crops, noise, dropout and augmentation drawn at random."""
    one, several = (
        {
            name: values
            for name, values in load_file(trained[n] / "trained.safetensors").items()
            if name.startswith(training) and not name.endswith(MEANINGLESS)
        }
        for n in (1, count)
    )
    assert len(one) > 10
    for name, values in one.items():
        torch.testing.assert_close(several[name], values, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("count", COUNTS[1:])
def test_what_is_shared_by_whole_batches_is_the_same_to_the_bit(trained, count):
    one, several = (load_file(trained[n] / "trained.safetensors") for n in (1, count))
    names = [name for name in one if name.startswith("batches/")]
    assert len(names) == 9
    for name in names:
        assert torch.equal(several[name], one[name]), name


@pytest.mark.slow
def test_all_processes_end_with_the_same_bits(trained):
    for count, folder in trained.items():
        digests = [(folder / f"digest_{rank}").read_text() for rank in range(count)]
        assert len(set(digests)) == 1


def test_one_process_computes_what_it_did_without_the_others(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)  # to import it would fail
    alone = prepare(runtime(), seed=0, together=True)
    assert alone.processes == ALONE
    values, rows = {"loss": torch.ones(())}, torch.rand(3, 2)
    assert alone.processes.averaged(values) == values
    for method in (ALONE.share, ALONE.gather, ALONE.mean):
        assert method(rows) is rows
    assert ALONE.by_first(lambda: 5) == 5
    assert type(alone.autocast()) is torch.autocast


def test_every_batch_has_one_process():
    starts = range(0, 500, 64)
    each = [Processes(rank, 3).mine(starts) for rank in range(3)]
    assert [list(some) for some in each] == [[0, 192, 384], [64, 256, 448], [128, 320]]
    assert ALONE.mine(starts) == starts
    found = [torch.zeros(2)]
    assert ALONE.collect(found) is found


def test_results_of_batches_are_put_together_and_none_is_kept():
    """Those that were kept would lie between large tensors, and break up the heap."""
    images, kept = torch.arange(70.0).view(10, 7), []

    def compute(rows):
        assert all(reference() is None for reference in kept)
        found = images[rows] * 2
        kept.append(weakref.ref(found))
        return found

    assert torch.equal(ALONE.by_batches(10, 4, compute), images * 2)
    assert len(kept) == 3


def test_every_row_of_a_batch_has_one_process():
    batch = torch.arange(12)
    shares = [Processes(rank, 3).share(batch) for rank in range(3)]
    assert [len(share) for share in shares] == [4, 4, 4]
    assert torch.equal(torch.cat(shares), batch)


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    Processes(0, 3).check(6, "srgan.batch_size")
    with pytest.raises(UserError, match=r"srgan.batch_size is 8, which 3 .* a multiple of 3"):
        Processes(0, 3).check(8, "srgan.batch_size")


def test_compiled_batch_normalisation_is_refused_where_it_would_be_shared(monkeypatch):
    together = Runtime(torch.device("cpu"), "fp32", "default", Processes(0, 2))
    monkeypatch.setattr(trainings, "prepare", lambda *a, **k: together)
    params = parse(changed({"srgan.discriminator.normalization": "batch"}))
    with pytest.raises(UserError, match=r"runtime.compile .* set it to null, or srgan.generator"):
        trainings.prepare_trainings(params, Path("state"), None, None)


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, True),
        ({"SLURM_PROCID": "3"}, True),  # a batch script's, of a job with several tasks
        (TORCHRUN, True),
        (TORCHRUN | {"RANK": "1"}, False),
        (SRUN, False),
        (SRUN | {"SLURM_PROCID": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "1", "LOCAL_RANK": "0"}, False),
    ],
)
def test_the_launcher_says_which_process_is_the_first(environment, variables, first):
    environment(variables)
    assert is_first() == first


@pytest.mark.parametrize(
    ("variables", "changes", "device", "sentence"),
    [
        (TORCHRUN, {"portable": True}, "cpu", "runtime.portable .* by one process, and here are 2"),
        ({"NODE_RANK": "1"}, {}, "cpu", "runtime.nodes are 1: raise them, or unset"),
        ({}, {"devices": 2}, "mps", "set runtime.devices to 1"),
        ({}, {"devices": 512}, "cuda", "512 processes .* want a GPU each, but torch sees"),
        (SRUN, {}, "cpu", "give srun --ntasks-per-node"),
    ],
)
def test_processes_that_cannot_be_had_are_refused(
    environment, variables, changes, device, sentence
):
    environment(variables)
    with pytest.raises(UserError, match=sentence):
        join(runtime(**changes), device)


def test_who_is_not_the_first_writes_nothing(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment({"LOCAL_RANK": "1"})
    shape = (1_000_000, 512, 512, 3)  # more than any memory
    with new_array(Path("images.npy"), shape) as images:
        images[999_999] = 5
        images[np.array([3, 7])] = np.full((2, 512, 512, 3), 6, np.uint8)
    assert images.shape == shape
    files.link_or_copy(Path("no file"), Path("file"))
    with files.atomic_file(Path("folder/file.txt")) as temporary:
        temporary.write_text("x")
    with files.atomic_directory(Path("other")) as temporary:
        (temporary / "file.txt").write_text("x")
    assert list(tmp_path.iterdir()) == []
