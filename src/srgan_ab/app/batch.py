"""Many pictures one after another: the next are read and the last are written meanwhile."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

import typer

from srgan_ab.common.errors import FULL, MEMORY_TEXT, UserError
from srgan_ab.common.errors import sentence as told

TOGETHER = 64 * 1024**2  # pixels of results in memory beside the one that is computed

Task = TypeVar("Task")
Read = TypeVar("Read")


class Result(NamedTuple):
    """An enlarged picture that is to be written; `write` returns what is to be told of it."""

    pixels: int
    write: Callable[[], str]


class Done(NamedTuple, Generic[Task]):
    """A task that is over: what is to be told of it, or why it failed."""

    task: Task
    said: str | None = None
    failed: str | None = None


def explain(error: Exception, name: str) -> str:
    """One sentence on a picture that failed.

    Raises:
        Exception: the same error, if it is the program's, or would meet every other picture too.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError) or MEMORY_TEXT.search(str(error)):
        return f"{name} takes more memory than there is: lower --tile, --scale or --jobs"
    said = told(error)
    if isinstance(error, FileNotFoundError):
        said = f"{name} is no file: check the path"
    if said is None or getattr(error, "errno", None) in FULL:
        raise error
    return said


def in_turn(
    tasks: Sequence[Task],
    read: Callable[[Task], Read],
    compute: Callable[[Task, Read], Result],
    jobs: int,
    name: Callable[[Task], str] = str,
) -> Iterator[Done[Task]]:
    """Go through all tasks; one that fails stops no other.

    Results wait in memory for a thread that writes them: `jobs` at most, and no more than
    `TOGETHER` pixels of them while another is computed.

    Args:
        tasks: what is to be done.
        read: is called in a thread, of `jobs` tasks ahead.
        compute: is called in this thread.
        jobs: threads that read and write.
        name: of a task, for sentences.

    Yields:
        The tasks in their order, each once.
    """
    pool = ThreadPoolExecutor(jobs)
    ahead: deque[Future[Read]] = deque()
    behind: deque[tuple[Task, Future[str] | str, int]] = deque()
    coming = iter(tasks)

    def oldest() -> Done[Task]:
        task, future, _ = behind.popleft()
        if isinstance(future, str):
            return Done(task, failed=future)
        try:
            return Done(task, said=future.result())
        except Exception as error:
            return Done(task, failed=explain(error, name(task)))

    try:
        for task in tasks:
            while len(ahead) < jobs and (further := next(coming, None)) is not None:
                ahead.append(pool.submit(read, further))
            while behind and (len(behind) >= jobs or sum(p for *_, p in behind) > TOGETHER):
                yield oldest()
            try:
                result = compute(task, ahead.popleft().result())
            except Exception as error:
                behind.append((task, explain(error, name(task)), 0))
            else:
                behind.append((task, pool.submit(result.write), result.pixels))
        while behind:
            yield oldest()
    finally:
        pool.shutdown(cancel_futures=True)  # what is being written is finished


def conclude(count: int, failed: Sequence[str]) -> None:
    """Name what failed, at the end.

    Args:
        count: of all pictures.
        failed: a sentence for each that failed.

    Raises:
        UserError: one did: exit code 1.
    """
    if len(failed) == count == 1:
        raise UserError(failed[0])
    for sentence in failed:
        typer.echo(f"srgan-ab: {sentence}", err=True)
    if failed:
        raise UserError(f"{len(failed)} of {count} pictures failed, as said above")
