"""A checkpoint says what it was computed by, and is gone on from only by the same."""

import errno
import re
from pathlib import Path

import pytest
import torch
from repository import ROOT

from srgan_ab.common.checkpoints import Checkpoints
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime

CPU = Runtime(torch.device("cpu"), "fp32")
STATE = {"epoch": 2, "names": ["a", None], "weights": {"x": torch.arange(3)}}


def test_no_stage_reads_the_clock_of_the_day():
    """One that is set back, as by a time server, changes nothing: time is measured otherwise."""
    for file in (*(ROOT / "src").rglob("*.py"), *(ROOT / "stages").glob("*.py")):
        assert not re.search(r"\btime\.time\b|\bdatetime\b", file.read_text()), file


def test_what_was_saved_last_comes_back(tmp_path):
    kept = Checkpoints(tmp_path / "state", CPU)
    assert kept.load() is None
    for epoch in (1, 2):
        kept.save(STATE | {"epoch": epoch})
    found = kept.load()
    assert found.keys() == STATE.keys() and found["epoch"] == 2
    assert torch.equal(found["weights"]["x"], STATE["weights"]["x"])


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Runtime(torch.device("cpu"), "bf16"), "precision fp32 .* bf16: set runtime.precision to"),
        (Runtime(torch.device("cuda"), "fp32"), "device cpu .* cuda: set runtime.device to cpu"),
    ],
)
def test_on_another_device_or_in_another_precision_it_is_refused(tmp_path, other, named):
    Checkpoints(tmp_path / "state", CPU).save(STATE)
    with pytest.raises(UserError, match=f"began with {named}.*, or delete .*state to begin anew"):
        Checkpoints(tmp_path / "state", other).load()


@pytest.mark.parametrize(
    ("owner", "name", "other"),
    [
        (torch, "__version__", "9.8.7"),
        (torch, "get_num_threads", lambda: 97),
        (torch.backends.cpu, "get_cpu_capability", lambda: "AVX97"),
    ],
)
def test_other_bits_go_on_and_it_is_said(tmp_path, monkeypatch, capfd, owner, name, other):
    kept = Checkpoints(tmp_path, CPU)
    kept.save(STATE)
    kept.load()
    assert not "".join(capfd.readouterr())
    monkeypatch.setattr(owner, name, other)
    assert kept.load()["epoch"] == 2
    said = "".join(capfd.readouterr())
    now = other if isinstance(other, str) else other()
    assert f"goes on with {now}, so its last bits" in said and said.count("\n") == 1


@pytest.mark.parametrize("content", [{"state": STATE}, {"epoch": 1}, [1, 2], None])
def test_a_file_that_holds_something_else_is_named(tmp_path, content):
    kept = Checkpoints(tmp_path, CPU)
    torch.save(content, kept.path)
    with pytest.raises(UserError, match=r"state\.pt cannot be read .*: delete it"):
        kept.load()


def test_discarded_it_takes_its_parts_along(tmp_path):
    kept = Checkpoints(tmp_path / "stage" / "digest", CPU)
    kept.save(STATE)
    kept.part("without_fold_0").save(STATE)
    kept.discard()
    assert list((tmp_path / "stage").iterdir()) == []
    kept.discard()  # nothing is there, and nothing happens


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a full disk")
def test_a_full_disk_is_an_error_that_says_so(tmp_path):
    kept = Checkpoints(tmp_path, CPU)
    kept.save(STATE)
    genuine = Path.open
    with pytest.raises(OSError) as caught, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda self, mode: genuine(Path("/dev/full"), mode))
        kept.save(STATE)
    assert caught.value.errno == errno.ENOSPC
    assert kept.load()["epoch"] == 2  # the one before
