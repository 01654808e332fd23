"""Pictures one after another: their order, what waits in memory, and errors that stop all."""

import errno
import threading

import pytest

from srgan_ab.app import batch
from srgan_ab.app.batch import Result, explain, in_turn
from srgan_ab.common.errors import UserError


def run(tasks, compute, jobs=2):
    return list(in_turn(tasks, lambda task: task, compute, jobs))


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_all_are_done_in_their_order(jobs):
    done = run(range(20), lambda task, read: Result(1, lambda: f"{read}!"), jobs)
    assert [(d.task, d.said) for d in done] == [(n, f"{n}!") for n in range(20)]


def test_one_that_fails_in_any_step_stops_no_other():
    def fail():
        raise PermissionError(errno.EACCES, "Permission denied", "some.png")

    def read(task):
        if task == 0:
            raise UserError("the first cannot be read")
        return task

    def compute(task, read):
        if task == 1:
            raise MemoryError
        return Result(1, fail if task == 2 else lambda: "well")

    done = list(in_turn(range(4), read, compute, 2))
    assert [bool(d.failed) for d in done] == [True, True, True, False]
    assert done[0].failed == "the first cannot be read"
    assert done[1].failed.startswith("1 takes more memory than there is")
    assert "some.png cannot be used" in done[2].failed


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ZeroDivisionError()]
)
def test_a_full_disk_and_a_mistake_of_the_program_stop_all(error):
    computed = []

    def compute(task, read):
        computed.append(task)
        raise error

    with pytest.raises(type(error)):
        run(range(9), compute)
    assert computed == [0]


def test_what_waits_to_be_written_is_bounded(monkeypatch):
    """No result is computed while more than so many pixels of others are in memory."""
    monkeypatch.setattr(batch, "TOGETHER", 10)
    alive, most, lock = [0], [0], threading.Lock()

    def change(by):
        with lock:
            alive[0] += by
            most[0] = max(most)

    def compute(task, read):
        most.append(alive[0])
        change(4)

        def write():
            change(-4)
            return "well"

        return Result(4, write)

    run(range(40), compute, jobs=8)
    assert max(most) <= 12


def test_an_interrupt_ends_it_at_once():
    written = []

    def compute(task, read):
        if task == 3:
            raise KeyboardInterrupt
        return Result(1, lambda: written.append(task) or "well")

    with pytest.raises(KeyboardInterrupt):
        run(range(100), compute)
    assert set(written) <= {0, 1, 2}


def test_memory_of_a_gpu_is_memory_too():
    error = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert explain(error, "a.png").startswith("a.png takes more memory")
