"""Stages whose training several processes share: however they are started, and when one is killed.

Of a small network rounding makes little: what two processes have trained is what one has.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from safetensors.torch import load_file

from srgan_ab.common.files import content, sha256

pytestmark = [pytest.mark.slow, pytest.mark.long]

TOGETHER = {"runtime.device": "cpu", "runtime.precision": "fp32", "runtime.threads": 1}
LONGER = TOGETHER | {"srgan.pretraining.epochs": 6}
SENTENCE = "another process of this stage has ended"
GENERATOR = "models/srgan/generator.safetensors"
FAULTY = """
from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import prepare
from srgan_ab.common.stage import run

def train_srgan(params, directory):
    processes = prepare(params.runtime, 0, together=True).processes
    rank = processes.rank
    if {wrong}:
        raise UserError("it is wrong")
    processes.wait()

run(train_srgan, resumable=True)
"""


def strays(project):
    """Files that neither git nor DVC knows."""
    lines = project.run("git", "status", "--porcelain", "--untracked-files=all").splitlines()
    return {line for line in lines if line.startswith("??")}


def params(project, **changes):
    return project.edited("params.yaml", project.params_with(changes))


def train(project, *command, **environment):
    return subprocess.Popen(
        command or [sys.executable, "stages/train_srgan.py"],
        cwd=project.root,
        env=project.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(*processes):
    for process in processes:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said


def weights(project):
    return load_file(project.root / GENERATOR)


def validated(project):
    """What was measured on validation images after each epoch."""
    curve = pd.read_csv(project.root / "plots/srgan.csv")
    return curve.filter(like="val_").to_numpy()


def assert_alike(ours, theirs):
    for name, values in theirs.items():
        torch.testing.assert_close(ours[name], values, rtol=1e-3, atol=1e-3, msg=name)


@pytest.fixture(scope="module")
def alone(project):
    """The generator that one process trains, and how it was validated."""
    with params(project, **TOGETHER):
        done(train(project))
    return weights(project), validated(project)


@pytest.fixture(scope="module")
def alone_longer(project):
    """The same, for longer."""
    with params(project, **LONGER):
        done(train(project))
    return weights(project)


def started_plainly(project):
    done(train(project))


def started_by_torchrun(project):
    project.shell("torchrun --nproc-per-node 2 stages/train_srgan.py")


def started_by_srun(project):
    """Two tasks with the variables that SLURM gives them."""
    with socket.socket() as free:
        free.bind(("", 0))
        port = str(free.getsockname()[1])
    job = {"SLURM_JOB_ID": "1", "SLURM_NODELIST": "127.0.0.1", "SLURM_NNODES": "1"}
    job |= dict.fromkeys(("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_STEP_NUM_TASKS"), "2")
    tasks = [{"SLURM_PROCID": n, "SLURM_LOCALID": n, "SLURM_NODEID": "0"} for n in "01"]
    done(*[train(project, **job, **task, MASTER_PORT=port) for task in tasks])


@pytest.mark.parametrize(
    ("start", "devices"),
    [(started_plainly, 2), (started_by_torchrun, 1), (started_by_srun, 1)],
)
def test_the_same_stage_is_shared_however_it_is_started(project, alone, start, devices):
    (project.root / GENERATOR).unlink()
    with params(project, **TOGETHER | {"runtime.devices": devices}):
        start(project)
    facts = (project.root / "metrics/provenance/train_srgan.json").read_text()
    assert '"processes": 2' in facts
    assert_alike(weights(project), alone[0])
    np.testing.assert_allclose(validated(project), alone[1], rtol=1e-2)
    assert not strays(project)


def begun(project, stage="train_srgan", kept="state.pt"):
    """A stage of two processes that has left something, and the other process."""
    process = train(project, sys.executable, f"stages/{stage}.py")
    states = project.root / ".checkpoints" / stage
    while not list(states.rglob(kept)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    (child,) = psutil.Process(process.pid).children()
    return process, child


@pytest.mark.parametrize("killed", ["the first", "the other"])
def test_when_one_is_killed_the_other_ends_and_one_alone_goes_on(project, alone_longer, killed):
    with params(project, **LONGER | {"runtime.devices": 2}):
        process, child = begun(project)
        os.kill(process.pid if killed == "the first" else child.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        child.wait(timeout=60)
    assert process.returncode != 0
    assert said.count(SENTENCE) == 1
    with params(project, **LONGER):
        process = train(project)
        said, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    assert "goes on in epoch" in said
    assert_alike(weights(project), alone_longer)
    assert not list(Path(project.root, "models").rglob("*.part*"))


@pytest.mark.parametrize("wrong", ["rank == 1", "True"])
def test_a_fault_is_said_once_whoever_finds_it(project, tmp_path, wrong):
    script = tmp_path / "train_srgan.py"
    script.write_text(FAULTY.format(wrong=wrong))
    environment = {"PYTHONPATH": str(project.root / "src")}
    with params(project, **TOGETHER | {"runtime.devices": 2}):
        process = train(project, sys.executable, str(script), **environment)
        _, said = process.communicate(timeout=100)
    assert process.returncode == 1, said
    assert said.count("train_srgan: it is wrong") == 1
    assert said.count(SENTENCE) == (wrong != "True")


def digests(project, *names):
    """SHA-256 of every file that is named, or is in a folder that is."""
    files = [file for name in names for file in content(project.root / name)]
    assert files
    return {str(file.relative_to(project.root)): sha256(file) for file in files}


@pytest.mark.parametrize(
    ("stage", "written"),
    [
        ("generate_sr", ("data/generated", "metrics/sr.json", "plots/sr_samples.png")),
        ("evaluate", ("data/predictions.csv", "data/predictions_val.csv", "metrics/a.json")),
    ],
)
def test_what_needs_no_training_is_the_same_to_the_bit(project, stage, written):
    """Each process computes whole batches, which are those of one."""
    found = []
    for count in (1, 2, 3):
        with params(project, **TOGETHER | {"runtime.devices": count}):
            done(train(project, sys.executable, f"stages/{stage}.py"))
        facts = (project.root / f"metrics/provenance/{stage}.json").read_text()
        assert f'"processes": {count}' in facts
        found.append(digests(project, *written))
    assert found[0] == found[1] == found[2]
    assert not strays(project)


def test_what_two_processes_have_enlarged_one_alone_goes_on_from(project):
    written = "data/generated", "metrics/sr.json"
    with params(project, **TOGETHER):
        done(train(project, sys.executable, "stages/generate_sr.py"))
    alone = digests(project, *written)
    with params(project, **TOGETHER | {"runtime.devices": 2}):
        process, child = begun(project, "generate_sr", "train/sr.npy")
        os.kill(child.pid, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert said.count(SENTENCE) == 1
    kept = {file.stat().st_ino for file in project.root.glob(".checkpoints/generate_sr/**/*.npy")}
    with params(project, **TOGETHER):
        done(train(project, sys.executable, "stages/generate_sr.py"))
    # not computed again: what was kept got a second name
    assert kept & {file.stat().st_ino for file in project.root.glob("data/generated/*/*.npy")}
    assert digests(project, *written) == alone
