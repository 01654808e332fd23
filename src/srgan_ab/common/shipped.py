"""The generators that come with the project, and the lists of pictures that a generator has seen.

They lie in `src/srgan_ab/generators`; `tools/box.py` puts them there.
"""

import lzma
import re
from collections.abc import Iterable
from pathlib import Path

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file

NONE = "none"  # in the place of a name
SHIPPED = ("photo", "faithful", "rough", "small")
DIRECTORY = Path(__file__).parents[1] / "generators"


def weights_of(named: str) -> Path:
    """The file of a shipped generator; any other name is a path itself.

    Raises:
        UserError: this version does not bring that generator.
    """
    if named not in SHIPPED:
        return Path(named)
    path = DIRECTORY / f"{named}.safetensors"
    if not path.is_file():
        there = [name for name in SHIPPED if (DIRECTORY / f"{name}.safetensors").is_file()]
        raise UserError(
            f"the generator {named} does not come with this version, "
            + (f"which has {', '.join(there)}" if there else "and neither does any other")
            + ": train one with `dvc repro train_srgan`, or give the path of its .safetensors file"
        )
    return path


def seen_list(weights: Path) -> Path:
    """Where the pictures that a generator has seen are listed: beside its weights."""
    return weights.with_name(f"{weights.stem}.seen.txt.xz")


def write_seen(path: Path, pictures: Iterable[str]) -> None:
    """Write SHA-256s of pixels, as `data/manifest.csv` has them: sorted, one a line, each once."""
    text = "".join(f"{picture}\n" for picture in sorted(set(pictures)))
    with atomic_file(path) as temporary:
        temporary.write_bytes(lzma.compress(text.encode("ascii")))


def read_seen(path: Path) -> list[str] | None:
    """Read what `write_seen` wrote; None where there is no list.

    Raises:
        UserError: it is damaged.
    """
    if not path.exists():
        return None
    try:
        pictures = lzma.decompress(path.read_bytes()).decode("ascii").split()
        if not all(re.fullmatch("[0-9a-f]{64}", picture) for picture in pictures):
            raise ValueError("a line is no SHA-256")
    except (lzma.LZMAError, ValueError) as error:
        raise UserError(
            f"{path} is no list of the pictures that a generator has seen ({error}): copy it anew"
        ) from None
    return pictures
