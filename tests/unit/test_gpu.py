"""The benchmark of a GPU: rehearsed on a CPU; what fails in it is said and keeps nothing else."""

import json
import sys
import time

import pytest
import typer
from commands import documented, parse

COMMANDS = [command for command in documented() if "benchmarks/gpu.py" in command]


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_options_are_known(module, command):
    parse(module("gpu").main, command)


def test_a_section_that_is_not_there_is_refused(module, tmp_path):
    with pytest.raises(typer.BadParameter, match="no section is called parities: parity quiet"):
        module("gpu").main(tmp_path / "gpu", "cpu", small=True, only=["parities"])
    assert not (tmp_path / "gpu").exists()


@pytest.mark.slow
def test_what_fails_is_said_and_the_rest_goes_on(module, tmp_path, monkeypatch):
    """One section errs, one is killed, one does not end nor does its child, and one is done."""
    gpu, late = module("gpu"), tmp_path / "late"
    sleeper = f"import time, pathlib; time.sleep(3); pathlib.Path({str(late)!r}).touch()"
    scripts = {
        "parity": "raise ValueError('three | four')",
        "quiet": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "repeat": "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', "
        f"{sleeper!r}]); time.sleep(60)",
        "settings": "import json, sys; open(sys.argv[1], 'w').write(json.dumps("
        "{'device': 'a card', 'torch': '2', 'tables': {'t': {'row': {'some_ms': 1.5}}}}))",
    }
    monkeypatch.setattr(
        gpu, "command", lambda name, part, *_: [sys.executable, "-c", scripts[name], str(part)]
    )
    monkeypatch.setattr(gpu, "LIMITS", gpu.LIMITS | {"repeat": 1})
    with pytest.raises(SystemExit) as ended:
        gpu.main(tmp_path, "cuda", only=list(scripts))
    assert ended.value.code == 1
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert {name: section["failed"] for name, section in found["sections"].items()} == {
        "parity": "ValueError: three | four",
        "quiet": "ended with status -9",
        "repeat": "not done after 1 s",
        "settings": None,
    }
    assert found["device"] == "a card"
    assert found["sections"]["settings"]["tables"] == {"t": {"row": {"some_ms": 1.5}}}
    text = (tmp_path / "gpu.md").read_text()
    assert "Measured on: a card, torch 2" in text and "| t | some ms |" in text
    assert "failed (ValueError: three | four)" in text
    time.sleep(3)
    assert not late.exists()  # its child was ended too


def test_what_was_found_before_a_failure_is_kept(module, tmp_path, monkeypatch):
    gpu, checks = module("gpu"), module("gpu_checks")

    def parity(device, small):
        yield "t", "first", {"losses": 0.5, "failed": "too far"}
        yield "t", "second", {"losses": 0.0}
        raise ValueError("third")

    monkeypatch.setattr(checks, "parity", parity)
    with pytest.raises(ValueError, match="third"):
        gpu.child("parity", tmp_path / "part.json", "cpu", True)
    found = json.loads((tmp_path / "part.json").read_text())
    assert list(found["tables"]["t"]) == ["first", "second"]

    rows = [("t", "first", {"failed": "too far"}), ("t", "second", {})]
    monkeypatch.setattr(checks, "parity", lambda *_: iter(rows))
    with pytest.raises(SystemExit, match="first: too far"):
        gpu.child("parity", tmp_path / "part.json", "cpu", True)


@pytest.mark.slow
def test_a_network_that_computes_otherwise_is_found(module, monkeypatch):
    """When an activation has another slope on one side."""
    checks = module("gpu_checks")

    def changed(network, device):
        for m in network.modules():
            if hasattr(m, "negative_slope"):
                m.negative_slope = 0.21
        return network

    monkeypatch.setattr(checks, "_as_written", changed)
    rows = {row: values for _, row, values in checks.updates_beside_a_cpu(checks.CPU, True)}
    for name in ("srresnet, paper", "srresnet, other"):  # they have no such activation
        assert "failed" not in rows[name]
    for name in ("srgan, paper", "srgan, other"):
        assert rows[name]["failed"].startswith("losses differ by more than")
        assert 1e-3 < rows[name]["losses"] < 1


@pytest.mark.long
@pytest.mark.slow
def test_a_rehearsal_of_the_checks(module, tmp_path):
    module("gpu").main(tmp_path, "cpu", small=True, only=["parity", "quiet", "repeat"])
    found = json.loads((tmp_path / "gpu.json").read_text())["sections"]
    assert all(section["failed"] is None for section in found.values())
    updates = found["parity"]["tables"]["updates, relative difference"]
    assert len(updates) == 4
    assert all(0 < row["bf16"] < 0.2 for row in updates.values())  # it is computed in bf16
    repeated = found["repeat"]["tables"]["the same bits, deterministic algorithms on"]
    assert len(repeated) == 5
    assert all(row["again"] and row["gone_on"] for row in repeated.values())


@pytest.mark.long
@pytest.mark.slow
def test_a_rehearsal_of_the_timings(module, tmp_path):
    module("gpu").main(tmp_path, "cpu", small=True, only=["settings", "classifier", "speed"])
    found = json.loads((tmp_path / "gpu.json").read_text())["sections"]
    updates = found["settings"]["tables"]["an update, batch 4, crop 32"]
    assert len(updates) == 4 and all(row["srgan_ms"] > 0 for row in updates.values())
    assert found["settings"]["tables"]["kernels of srgan"]
    assert len(found["classifier"]["tables"]["classifier, 64 pixels"]) == 4
    assert found["speed"]["tables"]["case"]["srgan_step"]["ratio"] > 0
