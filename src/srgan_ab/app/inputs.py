"""Which pictures are meant, and where the result of each goes."""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from srgan_ab.app.formats import FORMAT_OF_PILLOW, SUFFIXES, USUAL, format_of, readable
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import is_litter

STREAM = Path("-")  # standard input, or output
RESULT = re.compile(r"(.+)-x\d+(\.\d+)?")  # stem of a result that lies beside its original
GLOB = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Found:
    """One picture: its path, its place below the folder that was named, and whether one was."""

    path: Path
    below: Path
    searched: bool = False


@dataclass(frozen=True)
class Naming:
    """Where results go.

    Attributes:
        output: what `--output` says, a file, a folder or `-`; None = beside each picture.
        folder: whether that is a folder.
        suffix: between the name and the ending; None = the scale beside the picture, nothing in
            another folder.
        format: of all results; None = by the output's name, else that of each picture.
        scale: of the results.
    """

    output: Path | None
    folder: bool
    suffix: str | None
    format: str | None
    scale: float


@dataclass(frozen=True)
class Task:
    """One picture and its result.

    Attributes:
        source: of the picture.
        target: of the result.
        format: of the result; None = that in which the picture comes, as far as it is written.
        pixels: of the picture, as its header says; 0 if it does not.
    """

    source: Path
    target: Path
    format: str | None
    pixels: int = 0

    @property
    def name(self) -> str:
        """Of the picture, for sentences."""
        return "standard input" if self.source == STREAM else str(self.source)


def find(names: Sequence[str], recursive: bool) -> tuple[list[Found], list[str]]:
    """Files of all names, each once, in the order of the names.

    Args:
        names: files, folders, globs, or `-`; a name that is none of them counts as a file.
        recursive: whether folders in folders are looked through.

    Returns:
        What was found, and sentences on what was passed over.

    Raises:
        UserError: a folder or a glob gives no picture.
    """
    found: dict[Path, Found] = {}
    passed = []
    for name in names:
        path = Path(name)
        if path == STREAM:
            new = [Found(STREAM, Path("stdin"))]
        elif path.is_dir():
            new, others = _in_folder(path, recursive)
            if others:
                passed.append(f"{path}: {others} files are no pictures by their names")
        elif GLOB.search(name) and not path.exists():
            matches = glob.glob(name, recursive=True)  # noqa: PTH207 - Path's are relative ones
            matching = sorted(match for match in map(Path, matches) if match.is_file())
            if not matching:
                raise UserError(f"{name} matches no file: check the path")
            new = [Found(p, Path(p.name), searched=True) for p in matching]
        else:
            new = [Found(path, Path(path.name))]
        for one in new:
            found.setdefault(one.path if one.path == STREAM else one.path.resolve(), one)
    return list(found.values()), passed


def _in_folder(folder: Path, recursive: bool) -> tuple[list[Found], int]:
    """Pictures by their names, and how many other files there are."""
    known = readable()
    endings = {end for end, format in Image.registered_extensions().items() if format in known}
    files = [file for file in folder.glob("**/*" if recursive else "*") if file.is_file()]
    files = sorted(file for file in files if not is_litter(file.relative_to(folder)))
    pictures = [file for file in files if file.suffix.lower() in endings]
    if not pictures:
        hint = "" if recursive else ", or say --recursive to look into the folders in it"
        raise UserError(f"{folder} holds no picture: give a folder with pictures in it{hint}")
    found = [Found(file, file.relative_to(folder), searched=True) for file in pictures]
    return found, len(files) - len(pictures)


def naming(
    output: str | None, suffix: str | None, format: str | None, scale: float, several: bool
) -> Naming:
    """What the options on results mean together.

    Raises:
        UserError: they contradict each other.
    """
    folder = output is not None and (output.endswith(("/", os.sep)) or Path(output).is_dir())
    path = None if output is None else Path(output)
    if suffix is not None and re.search(r"[/\\]", suffix):
        raise UserError(f"--suffix is {suffix}: it is part of a file's name, so leave the / out")
    if path is not None and not folder:
        if several:
            raise UserError(
                f"--output is {output}, one file for several pictures: give a folder, which ends "
                "with /"
            )
        if path != STREAM:
            by_name = format_of(path)
            if not by_name and not format:
                raise UserError(
                    f"{output} does not say its format: let it end in "
                    f"{', '.join(SUFFIXES)}, or give --format"
                )
            if by_name and format and by_name != format:
                raise UserError(
                    f"{output} is {by_name} by its name and {format} by --format: give one of them"
                )
            format = format or by_name
    return Naming(path, folder, suffix, format, scale)


def plan(found: Sequence[Found], naming: Naming) -> tuple[list[Task], list[str], int]:
    """The result's name of every picture.

    Pictures that were found in a folder or by a glob and are results of another run are left out.

    Returns:
        What is to be made; a sentence for each picture that is refused; how many were left out.
    """
    sources = {one.path.resolve() for one in found}
    kept = [one for one in found if not (one.searched and _is_result(one, naming, sources))]
    sources = {one.path.resolve() for one in kept}
    tasks, refused = [], []
    taken: dict[Path, Path] = {}
    for one in kept:
        came_in, pixels = _header(one.path)
        format = naming.format or came_in
        if one.path != STREAM or naming.folder:
            format = format or "png"
        target = _target(one, naming, format or "png")
        place = target.resolve()
        if target != STREAM and place in sources:
            refused.append(
                f"{one.path} would be written over {target}, which is itself to be enlarged: give "
                "another --output or --suffix"
            )
        elif target != STREAM and place in taken:
            refused.append(
                f"{one.path} would be written to {target}, as {taken[place]} is: give another "
                "--suffix, or enlarge it on its own"
            )
        else:
            taken[place] = one.path
            tasks.append(Task(one.path, target, format, pixels))
    return tasks, refused, len(found) - len(kept)


def _is_result(one: Found, naming: Naming, sources: set[Path]) -> bool:
    if naming.folder and naming.output is not None:
        output = naming.output.resolve()
        inside = output in one.path.resolve().parents
        if inside and any(output not in source.parents for source in sources):
            return True
    stem = one.path.stem
    bases = set()
    if found := RESULT.fullmatch(stem):
        bases.add(found[1])
    if naming.suffix and stem.endswith(naming.suffix):
        bases.add(stem.removesuffix(naming.suffix))
    beside = one.path.resolve().parent
    return any(source.parent == beside and source.stem in bases for source in sources)


def _target(one: Found, naming: Naming, format: str) -> Path:
    if naming.output is not None and not naming.folder:
        return naming.output
    if one.path == STREAM and naming.output is None:
        return STREAM
    suffix, place = naming.suffix, one.path
    if naming.output is not None:
        suffix, place = suffix or "", naming.output / one.below
    elif suffix is None:
        suffix = f"-x{naming.scale:g}"
    ending = place.suffix if format_of(place) == format else USUAL[format]
    return place.with_name(f"{place.stem}{suffix}{ending}")


def _header(path: Path) -> tuple[str | None, int]:
    """Format and pixels, without decoding; nothing of what cannot be read: decoding says why."""
    if path == STREAM:
        return None, 0
    try:
        with Image.open(path, formats=readable()) as image:
            return FORMAT_OF_PILLOW.get(image.format or ""), image.width * image.height
    except Exception:  # damaged files raise about everything
        return None, 0
