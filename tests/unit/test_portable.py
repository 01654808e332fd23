"""`runtime.portable`: which kernels libraries take is pinned, whatever the machine would choose."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from srgan_ab.common import portable
from srgan_ab.common.errors import UserError
from srgan_ab.common.params import parse
from srgan_ab.common.runtime import prepare

ROOT = Path(__file__).resolve().parents[2]
AVX2 = "AVX2" in torch.backends.cpu.get_cpu_capability() or (
    torch.backends.cpu.get_cpu_capability() == "AVX512"
)
# what other processors would choose by themselves, as far as one processor can be told to
MACHINES = [
    {},
    {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    {"MKL_CBWR": "AVX2", "OPENBLAS_CORETYPE": "Prescott", "OMP_NUM_THREADS": "1"},
    {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR", "MKL_DYNAMIC": "TRUE"},
]

# Two updates of every network of the project and a few numbers of NumPy, as a stage computes them.
TRAINING = """
import _bootstrap
import hashlib, json
import numpy as np, torch
from pathlib import Path
from srgan_ab.classifier.backbones import build
from srgan_ab.common.params import load
from srgan_ab.common.runtime import prepare
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator

params = load(Path("params.yaml"))
prepare(params.runtime, 0)
def digest(*arrays):
    return hashlib.md5(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()
torch.manual_seed(0)
networks = dict(
    generator=Generator(**params.srgan.generator.architecture(params.images.scale)),
    discriminator=Discriminator(**params.srgan.discriminator.model_dump()),
    small_cnn=build("small_cnn", None, "none"), mobilenet_v2=build("mobilenet_v2", None, "none"),
)
found = {"threads": torch.get_num_threads()}
for name, network in networks.items():
    network.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    for _ in range(2):
        side = 16 if name == "generator" else 64
        x = torch.rand(4, 3, side, side).contiguous(memory_format=torch.channels_last)
        loss = network(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found[name] = digest(*(v.numpy() for v in network.state_dict().values()))
x = np.random.default_rng(0).random((300, 300))
found["numpy"] = digest(np.exp(x), np.log(x + 1), np.sin(x), x @ x, np.linalg.svd(x)[1])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Root of a copy of the scripts, `src` by a link, and portable params."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "stages").mkdir()
    (root / "stages/_bootstrap.py").write_text((ROOT / "stages/_bootstrap.py").read_text())
    (root / "stages/train.py").write_text(TRAINING)
    (root / "src").symlink_to(ROOT / "src")
    return root


def write_params(root: Path, params: dict, **runtime) -> None:
    values = params | {"runtime": params["runtime"] | runtime}
    (root / "params.yaml").write_text(yaml.safe_dump(values))


@pytest.fixture(scope="module")
def params():
    return yaml.safe_load((ROOT / "tests/params.yaml").read_text())


def trained(root: Path, environment: dict[str, str]) -> dict:
    result = subprocess.run(
        [sys.executable, str(root / "stages/train.py")],
        env={k: v for k, v in os.environ.items() if k not in portable.PINNED} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not AVX2, reason="this processor has no AVX2, which runtime.portable is of")
def test_portable_training_has_the_same_bits_whatever_the_machine_would_choose(checkout, params):
    write_params(checkout, params, portable=True)
    first, *others = [trained(checkout, machine) for machine in MACHINES]
    assert first["threads"] == portable.THREADS
    assert others == [first] * len(others)


@pytest.mark.slow
def test_what_is_pinned_is_what_makes_the_difference(checkout, params):
    write_params(checkout, params, portable=False, threads=1)
    plain, old = (trained(checkout, machine) for machine in MACHINES[:2])
    assert plain != old


def test_only_true_asks_for_it(tmp_path):
    file = tmp_path / "params.yaml"
    assert not portable.is_asked_for(file)
    for text in ("", "[", "runtime: 3", "runtime: {portable: false}", "\xff", "runtime: {}"):
        file.write_text(text, encoding="latin-1")
        assert not portable.is_asked_for(file), text
    file.write_text("runtime: {portable: true}")
    assert portable.is_asked_for(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [("device", "cuda"), ("device", "mps"), ("precision", "bf16"), ("compile", "default")],
)
def test_what_is_not_portable_is_refused(params, key, value):
    runtime = params["runtime"] | {"portable": True, key: value}
    with pytest.raises(UserError, match=f"runtime.{key} is {value}: set runtime.portable to false"):
        parse(params | {"runtime": runtime})


def test_portable_means_fp32_on_the_cpu_by_two_threads(params, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    threads = torch.get_num_threads()
    try:
        runtime = prepare(
            parse(params | {"runtime": params["runtime"] | {"portable": True}}).runtime, 0
        )
        assert torch.get_num_threads() == portable.THREADS
    finally:
        torch.set_num_threads(threads)
    assert (runtime.device.type, runtime.precision) == ("cpu", "fp32")


def test_kernels_that_are_not_the_pinned_ones_are_said(params, monkeypatch, capsys):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    threads = torch.get_num_threads()
    try:
        prepare(parse(params | {"runtime": params["runtime"] | {"portable": True}}).runtime, 0)
    finally:
        torch.set_num_threads(threads)
    assert "kernels for AVX512 here" in capsys.readouterr().err


def test_the_processor_has_a_name():
    assert len(portable.processor()) > 3
