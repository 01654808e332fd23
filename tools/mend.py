"""Mend what a kill can leave half-written of DVC's own files: `make repro` does it first.

DVC writes its list of running commands, `.dvc/tmp/rwlock`, and `dvc.lock` in place
(treeverse/dvc#7615). Killed in that instant it leaves them empty or cut off, and then refuses to
run at all. The list is removed; `dvc.lock` becomes the committed one again, and DVC takes stages
that were finished since then from its cache.

    python tools/mend.py
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from srgan_ab.common.files import write_text  # noqa: E402

RUNNING, LOCK = Path(".dvc/tmp/rwlock"), Path("dvc.lock")
CONFLICT = "<<<<<<< "  # of git
PATIENCE = 1.0  # seconds: another DVC may be writing just now, which takes it a moment


def whole_list(text: str) -> None:
    """Raise what says that the list of running commands is not whole."""
    if not isinstance(json.loads(text), dict):
        raise ValueError("no mapping")


def whole_lock(text: str) -> None:
    """Raise what says that DVC would not read this `dvc.lock`, or that its last line is a piece."""
    COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(text))
    if not text.endswith("\n"):
        raise ValueError("half a line")


def cut_off(path: Path, read: Callable[[str], None]) -> bool:
    """Whether a file is there, cannot be read as whole, and stays so."""
    ends = time.monotonic() + PATIENCE
    while path.exists():
        try:
            read(path.read_text(encoding="utf-8"))
        except (ValueError, yaml.YAMLError, Invalid):
            pass
        else:
            return False
        if time.monotonic() > ends:
            return True
        time.sleep(0.05)
    return False


def committed(path: Path) -> str | None:
    """The text of a file in the last commit; None where it holds none."""
    words = ["git", "show", f"HEAD:./{path}"]  # seen from here: the project may be in a folder
    shown = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    return shown.stdout if shown.returncode == 0 else None


def main() -> None:
    """Mend both files of the project in this folder, and say so."""
    if cut_off(RUNNING, whole_list):
        RUNNING.unlink()
        print(f"mend: removed {RUNNING}, which a DVC that was killed had left cut off")
    if cut_off(LOCK, whole_lock):
        if CONFLICT in LOCK.read_text(encoding="utf-8", errors="replace"):
            sys.exit(f"mend: {LOCK} has a merge conflict: `git checkout --ours {LOCK}`, or theirs")
        left, text = f"mend: {LOCK} was not whole, as a kill can leave it", committed(LOCK)
        if text is None:
            LOCK.unlink()
            print(f"{left}, and is removed, as none is committed")
        else:
            write_text(LOCK, text)
            print(f"{left}, and is as committed again")


if __name__ == "__main__":
    main()
