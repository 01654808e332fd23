import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repository import ROOT

from srgan_ab.common.errors import UserError
from srgan_ab.data.processes import cores, in_order

STAGE = """
import os, sys, time
from srgan_ab.data.processes import in_order

if __name__ == "__main__":
    try:
        for task, result in in_order(time.sleep, iter([0.2] * 10000), 2):
            print("working", flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
else:
    print(os.getpid(), flush=True)
    time.sleep(2)  # what a worker spends on its imports
"""


def started(folder: Path) -> tuple[subprocess.Popen, list[int]]:
    """A stage that works in two processes, as soon as these have begun to start."""
    (folder / "stage.py").write_text(STAGE)
    stage = subprocess.Popen(
        [sys.executable, "stage.py"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    return stage, [int(stage.stdout.readline()) for _ in range(2)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["starting", "working"])
def test_ctrl_c_ends_all_processes_without_a_traceback(tmp_path, moment):
    stage, workers = started(tmp_path)
    if moment == "working":
        assert stage.stdout.readline() == "working\n"
    os.killpg(stage.pid, signal.SIGINT)
    _, stderr = stage.communicate(timeout=300)
    assert (stage.returncode, stderr) == (130, "")
    assert not any(map(alive, workers))


@pytest.mark.slow
def test_a_killed_stage_leaves_no_processes(tmp_path):
    stage, workers = started(tmp_path)
    assert stage.stdout.readline() == "working\n"
    stage.kill()
    stage.wait()
    deadline = time.monotonic() + 300  # not how fast, but that they end
    while any(map(alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stage.communicate()


def test_a_killed_worker_is_one_sentence():
    with pytest.raises(UserError, match=r"runtime\.workers"):
        list(in_order(os._exit, [1, 1, 1], workers=1))


def test_order_and_exceptions():
    assert list(in_order(abs, [-3, 1, -2], workers=2)) == [(-3, 3), (1, 1), (-2, 2)]
    with pytest.raises(ValueError, match="hexadecimal"):
        list(in_order(float.fromhex, ["0x1", "no"], workers=1))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which cores a process has")
def test_cores_are_those_that_the_process_may_use():
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, mine)
    assert cores() == len(mine)
