"""Which generator its user names: a shipped one, a file, or an address with a digest."""

import os
import re
import zipfile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from srgan_ab.common import paths
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.common.shipped import SHIPPED
from srgan_ab.common.shipped import weights_of as shipped_or_file

NAMES = (
    f"A generator that comes with this project, {', '.join(SHIPPED)}, the path of one's weights, "
    "or their address, URL#sha256=DIGEST"
)
IN_RELEASE = f"srgan-ab/{paths.GENERATOR.as_posix()}"  # tools/release.py puts it there
LARGEST = 2**28  # bytes that are taken out of a release


def weights_of(named: str) -> Path:
    """The file of a generator's weights; one at an address is downloaded once and kept.

    Args:
        named: `photo`, `faithful`, `rough` or `small`; the path of a .safetensors file; or the http
            or https address of one, or of a release of this project, with `#sha256=` and its digest
            behind it.

    Raises:
        UserError: this version does not bring that generator; an address has no digest, cannot be
            had, or gives something else than the digest says.
    """
    if re.match(r"[a-z][a-z0-9+.-]*://", named, re.IGNORECASE):
        return _downloaded(named)
    return shipped_or_file(named)


def cache() -> Path:
    """The folder of downloaded generators, outside of every project.

    Raises:
        UserError: the user has no home folder.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # relative paths are to be ignored, says the XDG Base Directory Specification
        base = given if given.is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        raise UserError(
            "there is no home folder to keep a downloaded model in: name a folder in the "
            "environment variable XDG_CACHE_HOME"
        ) from None
    return base / "srgan-ab"


def _downloaded(named: str) -> Path:
    address, _, fragment = named.partition("#")
    digest = fragment.removeprefix("sha256=").lower()
    if not re.match("https?://", address, re.IGNORECASE):
        raise UserError(f"{address} is no http or https address: download it yourself, give a path")
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise UserError(
            f"{address} is an address without the digest of what lies there: write "
            f"{address}#sha256= and the 64 hex digits that its owner tells, or that `sha256sum` "
            "gives of a copy you trust"
        )
    try:
        name = PurePosixPath(unquote(urlsplit(address).path)).name
    except ValueError as error:
        raise UserError(f"{address} is no address ({error}): check how it is written") from None
    name = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[-100:].strip(".")
    name = name or "generator.safetensors"
    folder = cache() / digest
    file = _fetched(address, digest, folder / name)
    return _taken_out(file, named) if zipfile.is_zipfile(file) else file


def _fetched(address: str, digest: str, target: Path) -> Path:
    from srgan_ab.data.fetch import check, fetch  # httpx takes a while to import

    if target.exists():
        check(target, f"sha256:{digest}", "delete it, and it is fetched again")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / ".lock"):
        if target.exists():  # another process has just fetched it
            return target
        unchecked = fetch(address, target.with_name(f"{target.name}.unchecked"))
        try:
            check(
                unchecked,
                f"sha256:{digest}",
                f"{address} holds something else than was meant, or the digest belongs to another "
                "file: ask its owner for both, and use neither until they agree",
            )
        except UserError:
            unchecked.unlink()
            raise
        return unchecked.replace(target)


def _taken_out(release: Path, named: str) -> Path:
    """The generator in a release; its file is called by the release, as cards and results are."""
    unpacked = release.with_name(f"{release.name}.unpacked")
    target = unpacked / f"{release.stem}.safetensors"
    try:
        with zipfile.ZipFile(release) as archive:
            member = archive.getinfo(IN_RELEASE)
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it is compressed there")
            if member.file_size > LARGEST:
                raise ValueError(f"it has {member.file_size:,} bytes there")
            weights = archive.read(member)
    except (KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{named} is an archive, and no release of this project with {IN_RELEASE} "
            f"({error.args[0]}): give the address of a .safetensors file, or of a release"
        ) from None
    if not target.exists() or target.read_bytes() != weights:
        unpacked.mkdir(exist_ok=True)
        with atomic_file(target) as temporary:
            temporary.write_bytes(weights)
    return target
