"""What a stage has finished, part by part, so that one that was stopped computes only the rest."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from srgan_ab.common.checkpoints import computed_by
from srgan_ab.common.files import atomic_file, remove_parts, whole
from srgan_ab.common.launch import is_first
from srgan_ab.common.runtime import Runtime

Value = TypeVar("Value")
Keep: TypeAlias = Callable[[str, Callable[[], Any]], Any]  # `Parts.value`, or one that forgets


def forget(_name: str, compute: Callable[[], Value]) -> Value:
    """`Parts.value` for those who keep nothing."""
    return compute()


class Parts:
    """Values and files by name; they belong to one stage, one set of params, inputs and code.

    And to what computes them: on another device, in another precision, by another torch or number
    of threads, all are computed anew. How many processes share it does not matter by itself (with
    `runtime.threads: null` they have fewer threads), as they compute the same batches: all ask for
    the same parts in the same order, and the first keeps them.

    Args:
        directory: where they are; it need not exist yet.
        runtime: what computes them.
    """

    def __init__(self, directory: Path, runtime: Runtime):
        facts = {k: v for k, v in computed_by(runtime).items() if k != "processes"}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        self.directory, self.processes = Path(directory) / digest[:16], runtime.processes

    def part(self, name: str) -> "Parts":
        """Those below a name, in a directory of their own."""
        below = copy.copy(self)
        below.directory = self.directory / name
        return below

    def value(self, name: str, compute: Callable[[], Any]) -> Any:
        """What `compute` gave, now or in a run that was stopped.

        Args:
            name: of the part; may be a path.
            compute: gives what JSON can hold; floats come back to the bit.

        Raises:
            UserError: what was kept is damaged.
        """
        path = self.directory / f"{name}.json"
        if self._lacks(path):
            with atomic_file(path) as temporary:
                temporary.write_text(json.dumps(compute()))

        def read() -> Any:
            with whole(path):
                return json.loads(path.read_text())

        return self.processes.by_first(read)

    def _lacks(self, path: Path) -> bool:
        """What the first process sees: another might look when that has already written it."""
        return self.processes.by_first(lambda: not path.exists())

    def file(self, name: str, write: Callable[[Path], None]) -> Path:
        """The file that `write` made of an empty path, now or in a run that was stopped."""
        path = self.directory / name
        if self._lacks(path):
            if is_first():
                remove_parts([path])  # of a run that was killed
            with atomic_file(path) as temporary:
                write(temporary)
        return path
