"""The state of a training, on disk, so that one that was stopped goes on where it stood."""

import shutil
import time
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from tqdm import tqdm

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file, remove_parts
from srgan_ab.common.runtime import Runtime

SECONDS = 60.0  # at most so much work is lost to a kill


def computed_by(runtime: Runtime) -> dict[str, str]:
    """What the last bits of a result depend on, beside what it is computed from."""
    return {
        "device": runtime.device.type,
        "precision": runtime.precision,
        "torch": str(torch.__version__),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "processes": str(runtime.processes.size),
    }


class Checkpoints:
    """One file, replaced as a whole; it belongs to one stage, one set of params, inputs and code.

    It also says what it was computed on: a training that went on elsewhere would be neither the
    one nor the other.

    Args:
        directory: where the file is; it need not exist yet.
        runtime: where the training is computed.
        interval: seconds between two saves inside an epoch.
    """

    def __init__(self, directory: Path, runtime: Runtime, interval: float = SECONDS):
        self.path, self.runtime, self.interval = Path(directory) / "state.pt", runtime, interval
        self.saved = time.monotonic()

    def part(self, name: str) -> "Checkpoints":
        """Of one of several trainings of the same stage: a directory of its own, in this one."""
        return Checkpoints(self.path.parent / name, self.runtime, self.interval)

    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self.saved >= self.interval

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file by a nested dict of tensors, numbers, strings, lists and None."""
        if self.runtime.processes.rank:  # the first has the same state
            return
        # opened here, because torch's own writer does not say that a disk is full
        with atomic_file(self.path) as temporary, temporary.open("wb") as file:
            torch.save({"computed_by": computed_by(self.runtime), "state": state}, file)
        self.saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What was saved last, on the CPU; None at the start.

        Raises:
            UserError: the file cannot be read, or was computed on another kind of device or in
                another precision.
        """
        remove_parts([self.path])
        if not self.path.exists():
            return None
        try:
            if not zipfile.is_zipfile(self.path):
                raise UnpicklingError("it is not whole")
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            before, state = content["computed_by"], content["state"]
        except (RuntimeError, UnpicklingError, KeyError, TypeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"{self.path} cannot be read ({reason}): delete it, and the training starts anew"
            ) from None
        self._compare(before)
        return state

    def discard(self) -> None:
        """Remove the file and those of the parts: nobody will go on from there."""
        shutil.rmtree(self.path.parent, ignore_errors=True)

    def _compare(self, before: dict[str, str]) -> None:
        now = computed_by(self.runtime)
        for key in ("device", "precision"):
            if now[key] != before.get(key):
                raise UserError(
                    f"this training began with {key} {before.get(key)} and would go on with "
                    f"{now[key]}: set runtime.{key} to {before.get(key)}, or delete "
                    f"{self.path.parent} to begin anew"
                )
        for key in ("torch", "instructions", "threads", "processes"):
            if now[key] != before.get(key):
                tqdm.write(
                    f"this training began with {key} {before.get(key)} and goes on with "
                    f"{now[key]}, so its last bits are those of neither: delete "
                    f"{self.path.parent} to begin anew"
                )
