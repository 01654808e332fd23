"""Work for all cores, with bounded memory and in a fixed order."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from srgan_ab.common.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use: a scheduler of jobs may give it fewer than there are."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int | None
) -> Iterator[tuple[Task, Result]]:
    """Compute `function` of every task in processes; yield task and result in the tasks' order.

    Tasks are drawn only as results are taken: two per process, and one, are held at most.

    Args:
        function: at the top level of a module, so that processes can import it.
        tasks: drawn one by one.
        workers: processes; None for one per core.

    Raises:
        UserError: a process was killed, most likely for want of memory.
    """
    workers = workers or cores()
    # spawned, not forked: forking is unsafe once a library has started threads
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_parent)
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    try:
        for task in tasks:
            waiting.append((task, _submit(pool, function, task)))
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        for last, future in waiting:
            yield last, future.result()
    except BrokenProcessPool:
        raise UserError(
            "a process that works on images was killed, probably for want of memory: set "
            "runtime.workers to a lower number"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor, function: Callable[[Task], Result], task: Task
) -> Future[Result]:
    """Submit a task; a process that is started for it leaves Ctrl-C to the stage."""
    # a new process inherits what is blocked here, and needs no handler from its first moment on
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(function, task)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Stop a worker whose stage was killed, instead of waiting for tasks forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
