"""A run that is killed again and again, at any moment and in any way, ends in the same bits.

`make chaos` kills 200 times.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS = int(os.environ.get("SRGAN_AB_KILLS", "20"))
LONGEST = 9.0  # seconds until a kill
PATIENCE = 60  # runs after the last kill; one that meets an orphan's lock ends at once


def outputs(project) -> dict[str, dict[str, str]]:
    """Digest of every output, by stage, as `dvc.lock` has them."""
    stages = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return {
        name: {out["path"]: out.get("md5", out.get("hash")) for out in stage.get("outs", [])}
        for name, stage in stages.items()
    }


def processes(session: int) -> dict[int, str]:
    """Command lines of a session's processes, by number."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == session:
                found[int(entry.name)] = (
                    (entry / "cmdline").read_bytes().decode().replace("\0", " ")
                )
        except OSError:  # it has just ended
            continue
    return found


def kill(started: subprocess.Popen, how: str) -> None:
    """End a `dvc repro`, which leads a session, or a part of it."""
    if how == "dvc alone":
        os.kill(started.pid, signal.SIGKILL)
    elif how == "stage alone":
        for number, command in processes(started.pid).items():
            if number != started.pid and "stages/" in command:
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:  # it has just ended
                    continue
    else:
        os.killpg(started.pid, signal.Signals[how])


WAYS = ("SIGKILL", "SIGTERM", "SIGINT", "dvc alone", "stage alone")


def repro(project, log) -> subprocess.Popen:
    return subprocess.Popen(
        # as `make repro` does; what is killed, and counts as DVC, is then DVC itself
        ["sh", "-c", f"{sys.executable} tools/mend.py && exec {sys.executable} -m dvc repro"],
        cwd=project.root,
        env=project.environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # where the tests run in the background, Ctrl-C is ignored, and that is inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc: Linux has it")
def test_killed_at_random_moments_it_ends_in_the_same_bits(project, tmp_path):
    random, killed, rounds = Random(1), 0, 0
    while killed < KILLS:
        rounds += 1
        clone = project.clone(tmp_path / f"round{rounds}")  # with an empty cache
        with (tmp_path / f"round{rounds}.txt").open("w") as log:
            while killed < KILLS:
                started = repro(clone, log)
                try:
                    if started.wait(random.uniform(0, LONGEST)) == 0:
                        break
                    time.sleep(1)  # an orphan holds the lock of its stage
                except subprocess.TimeoutExpired:
                    kill(started, random.choice(WAYS))
                    started.wait()
                    killed += 1
            for _ in range(PATIENCE):
                ended = repro(clone, log).wait()
                if ended == 0:
                    break
                time.sleep(1)
        said = (tmp_path / f"round{rounds}.txt").read_text()
        assert ended == 0, said
        assert outputs(clone) == outputs(project), said
        assert clone.planned() == set()
        assert clone.run("git", "status", "--porcelain") == "", said
    print(f"{killed} kills in {rounds} rounds: nothing lost, nothing differs")
