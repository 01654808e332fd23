"""Downloads that go on where they were cut off, and are checked before they count."""

import errno
import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from srgan_ab.common.bars import bar
from srgan_ab.common.errors import UserError

ATTEMPTS = 5  # in a row without a new byte
BACK_OFF = 1.0  # seconds before the second attempt, doubled each time
PATIENCE = 60.0  # seconds at most, if the server says how many it wants
TIMEOUT = httpx.Timeout(60, connect=15)  # seconds

REFUSALS = {
    401: "the server wants other credentials",
    403: "the server refuses access",
    404: "there is no such file: the address may have changed",
    410: "the file was withdrawn",
}


class _Again(Exception):
    """The server asks to come back later: after so many seconds, if it says how many."""

    def __init__(self, problem: str, seconds: float = 0.0):
        super().__init__(problem)
        self.seconds = seconds


def check(path: Path, checksum: str, advice: str) -> None:
    """Compare a file with `sha256:<hex>` or `md5:<hex>`.

    Raises:
        UserError: they differ; the sentence ends with `advice`.
    """
    algorithm, _, expected = checksum.partition(":")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, algorithm).hexdigest()
    if found != expected:
        raise UserError(f"{path} has {algorithm} {found}, not {expected}: {advice}")


def fetch(
    address: str,
    target: Path,
    checksum: str | None = None,
    token: Callable[[], tuple[str, str]] | None = None,
    refusals: dict[int, str] | None = None,
    name: str | None = None,
) -> Path:
    """Download `address` to `target`, unless it is there.

    Received bytes stay in `<target>.part`; a later call asks for the rest only (RFC 9110, range
    requests, guarded by If-Range, and by the answer's own tag where a server passes that over, so
    that two versions of a file are never mixed).

    Args:
        address: http or https.
        target: appears when the download is complete and verified.
        checksum: `sha256:<hex>` or `md5:<hex>`.
        token: gives user and password, if the server wants them.
        refusals: what to say for an HTTP status, besides the usual.
        name: what messages call it, where the address holds a signature; None = the address.

    Raises:
        UserError: the file cannot be had, is not what the checksum says, or the disk is full.
    """
    if target.exists():
        if checksum:
            check(target, checksum, "delete it, and it is fetched again")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    sentences = REFUSALS | (refusals or {})
    auth, name = token() if token else None, name or address
    try:
        with httpx.Client(follow_redirects=True, timeout=TIMEOUT, auth=auth) as client:
            _receive_all(client, address, name, part, sentences, target)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UserError(
            f"the disk is full: make room in {part.parent}, then run again, and {target.name} goes "
            f"on after the {part.stat().st_size} bytes received"
        ) from None
    if checksum:
        try:
            check(
                part,
                checksum,
                f"either {name} changed or the download was damaged; run again, and if it "
                "persists give the new checksum in data.sha256 once you trust the file",
            )
        except UserError:
            _forget(part)
            raise
    part.replace(target)
    _forget(part)
    return target


def _receive_all(
    client: httpx.Client,
    address: str,
    name: str,
    part: Path,
    sentences: dict[int, str],
    target: Path,
) -> None:
    by_hand = f"check the network, or put the file at {target} by hand"
    most, attempts = -1, 0
    while True:
        asked = 0.0
        try:
            if _receive(client, address, name, part, sentences):
                return
            problem = "the connection was cut"
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise UserError(f"{name} is no address to fetch from ({error}): mend it") from None
        except (httpx.RequestError, _Again) as error:
            problem, asked = str(error) or type(error).__name__, getattr(error, "seconds", 0.0)
            if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)) and most < 0:
                raise UserError(f"{name} cannot be reached ({problem}): {by_hand}") from None
        received = part.stat().st_size if part.exists() else 0
        attempts = 1 if received > most else attempts + 1
        most = max(most, received)
        if attempts >= ATTEMPTS:
            raise UserError(
                f"{name} broke off {attempts} times after {most} bytes ({problem}): run again "
                f"later, what was received is kept; or {by_hand}"
            )
        time.sleep(max(BACK_OFF * 2 ** (attempts - 1), min(asked, PATIENCE)))


def _receive(
    client: httpx.Client, address: str, name: str, part: Path, sentences: dict[int, str]
) -> bool:
    """Make one request and append what comes. True when the file is complete."""
    # which version of the file `part` holds: without that it cannot be continued
    version = _version_file(part)
    start = part.stat().st_size if part.exists() and version.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": version.read_text()}
    with client.stream("GET", address, headers=headers) as response:
        status = response.status_code
        span, _, total = response.headers.get("Content-Range", "").partition("/")
        if status == 416:
            if total == str(start):
                return True
            _forget(part)
            raise _Again("the server lost the range")
        if status == 429 or status >= 500:
            wanted = response.headers.get("Retry-After", "")  # seconds, or a date
            raise _Again(f"HTTP status {status}", float(wanted) if wanted.isdigit() else 0.0)
        if status not in (200, 206):
            reason = sentences.get(status, "see what the server wants")
            raise UserError(f"{name} answers with HTTP status {status}: {reason}")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise UserError(
                f"{name} answers with a web page in place of a file: give the address of the "
                "file itself, or download it in a browser"
            )
        if status == 206 and not (
            span.startswith(f"bytes {start}-") and _is_of(version.read_text(), response.headers)
        ):
            _forget(part)
            raise _Again("the server sent another range, or one of another file")
        if status == 200:
            start, total = 0, response.headers.get("Content-Length", "")
            _forget(part)
            tag = response.headers.get("ETag", "")
            stamp = response.headers.get("Last-Modified", "")
            if tag.startswith('"') or stamp:  # weak tags cannot guard a range
                version.write_text(tag if tag.startswith('"') else stamp)
        size = int(total) if total.isdigit() else None
        free = shutil.disk_usage(part.parent).free
        if size is not None and size - start > free:
            raise UserError(
                f"{part.name} needs {size - start} more bytes and {part.parent} has {free}: make "
                "room"
            )
        with (
            part.open("ab") as stream,
            bar(label=part.stem, total=size, initial=start, unit="byte", scaled=True) as progress,
        ):
            for block in response.iter_raw():
                stream.write(block)
                progress.update(len(block))
            return size is None or stream.tell() == size


def _is_of(version: str, headers: httpx.Headers) -> bool:
    """Whether an answer says that it is of that version, or does not say of which it is."""
    return headers.get("ETag" if version.startswith('"') else "Last-Modified", version) == version


def _version_file(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)
