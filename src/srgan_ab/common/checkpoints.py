"""The state of a training, on disk, so that one that was stopped goes on where it stood."""

import time
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file, remove_parts

SECONDS = 60.0  # at most so much work is lost to a kill


class Checkpoints:
    """One file, replaced as a whole; it belongs to one stage, one set of params, inputs and code.

    Args:
        directory: where the file is; it need not exist yet.
        interval: seconds between two saves inside an epoch.
    """

    def __init__(self, directory: Path, interval: float = SECONDS):
        self.path, self.interval = Path(directory) / "state.pt", interval
        self.saved = time.monotonic()

    def part(self, name: str) -> "Checkpoints":
        """Of one of several trainings of the same stage: a directory of its own."""
        return Checkpoints(self.path.parent / name, self.interval)

    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self.saved >= self.interval

    def save(self, state: dict) -> None:
        """Replace the file by a nested dict of tensors, numbers, strings, lists and None."""
        with atomic_file(self.path) as temporary:
            torch.save(state, temporary)
        self.saved = time.monotonic()

    def load(self) -> dict | None:
        """What was saved last, on the CPU; None at the start.

        Raises:
            UserError: the file cannot be read.
        """
        remove_parts([self.path])
        if not self.path.exists():
            return None
        try:
            if not zipfile.is_zipfile(self.path):
                raise UnpicklingError("it is not whole")
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, UnpicklingError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"{self.path} cannot be read ({reason}): delete it, and the training starts anew"
            ) from None
