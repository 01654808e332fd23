"""Photographs in a bucket: `s3://bucket/folder` and `s3://bucket/file.zip`, by S3's protocol.

Whose keys and which server is told as Amazon's own tools are told: by the environment, or ~/.aws.
"""

import errno
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from srgan_ab.common.addresses import require_s3
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.data.archives import Entry, safe_path, too_large
from srgan_ab.data.fetch import fetch

SIGNED_FOR = 7 * 24 * 3600  # seconds, the most that S3 allows: a download goes on by one address
REFUSALS = {
    301: "the bucket is in another region: name it in AWS_DEFAULT_REGION",
    400: "the server does not take the keys so: look at AWS_DEFAULT_REGION and the keys",
    403: "the keys may not read it, or are no longer valid",
    404: "it is no longer there",
}


@dataclass(frozen=True)
class Stored:
    """An object of a bucket.

    Attributes:
        key: bucket and key.
        size: in bytes.
        tag: its ETag, another one for other content.
    """

    key: str
    size: int
    tag: str


def file_system(path: str) -> Any:
    """S3's, of fsspec.

    Raises:
        UserError: what speaks S3 is not installed.
    """
    require_s3(path)
    from s3fs import S3FileSystem  # pyright: ignore[reportMissingImports]

    return S3FileSystem(
        use_listings_cache=False,
        skip_instance_cache=True,
        max_concurrency=1,  # in parts of a file, for which it would ask for its size first
        config_kwargs={"signature_version": "s3v4"},  # the older one is refused in most regions
    )


@contextmanager
def _told(path: str) -> Generator[None]:
    """What a bucket answers, or does not, as sentences.

    Raises:
        UserError: there are no keys, or the server refuses or cannot be reached.
    """
    from botocore.exceptions import (  # pyright: ignore[reportMissingImports]
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
    )

    try:
        yield
    except FileNotFoundError as error:
        if error.errno is not None:
            raise  # of this machine's disk
        raise UserError(
            f"{path} is not there ({error}): mend data.path, or look at AWS_ENDPOINT_URL"
        ) from None
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise UserError(
            f"there are no keys for {path} ({error}): set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials"
        ) from None
    except (PermissionError, ClientError) as error:
        if getattr(error, "filename", None):
            raise  # of this machine's disk
        raise UserError(
            f"{path} is refused ({error}): look at the keys, at what they may read, and at "
            "AWS_DEFAULT_REGION"
        ) from None
    except (BotoCoreError, OSError) as error:
        if getattr(error, "filename", None) or getattr(error, "errno", None) == errno.ENOSPC:
            raise  # of this machine's disk
        raise UserError(
            f"{path} cannot be reached ({error}): check the network and AWS_ENDPOINT_URL, then run "
            "again; what was received is kept"
        ) from None


def stored(path: str) -> list[Stored]:
    """The objects below a folder of a bucket, or the one that is named, sorted.

    Raises:
        UserError: there is none, or the bucket cannot be asked.
    """
    files = file_system(path)
    with _told(path):
        found = files.find(path, detail=True) or {path: files.info(path)}
    facts = [Stored(fact["name"], fact["size"], fact["ETag"]) for fact in found.values()]
    return sorted(facts, key=lambda fact: fact.key)


def fetch_archive(path: str, folder: Path, checksum: str | None) -> Path:
    """A file of a bucket, in `folder`: downloaded once, gone on with where it was cut off.

    Args:
        path: `s3://bucket/key`.
        folder: where it is kept. Another object at the same address gets another name there.
        checksum: `sha256:<hex>`.

    Raises:
        UserError: it cannot be had, or is not what the checksum says.
    """
    files = file_system(path)
    with _told(path):
        fact = files.info(path)
        if fact["type"] != "file":
            raise FileNotFoundError("that is a folder, not a zip or tar file")
        address = files.sign(path, expiration=SIGNED_FOR)
    digest = sha256(f"{path} {fact['ETag']}".encode()).hexdigest()
    target = folder / f"{digest[:8]}-{PurePosixPath(path).name}"
    return fetch(address, target, checksum, refusals=REFUSALS, name=path)


def list_objects(path: str, folder: Path) -> list[Entry]:
    """The files below a folder of a bucket; each is downloaded once, when it is read.

    Args:
        path: `s3://bucket/folder`.
        folder: where those are kept that were read; what is no longer in the bucket goes.

    Raises:
        UserError: the bucket cannot be asked. `read` of an entry, if the object cannot be had.
    """
    root = PurePosixPath(path.removeprefix("s3://"))
    kept = folder / sha256(str(root).encode()).hexdigest()[:8]
    files, entries, wanted = file_system(path), [], set()
    for fact in stored(path):
        name, problem = safe_path(fact.key.removeprefix(f"{root}/"))
        copy = kept / sha256(f"{fact.key} {fact.tag}".encode()).hexdigest()
        wanted.add(copy.name)
        read = partial(_read, files, fact, copy)
        entries.append(Entry(name, read, problem or too_large(fact.size)))
    _remove_others(kept, wanted)
    return entries


def _remove_others(folder: Path, wanted: Iterable[str]) -> None:
    for file in folder.glob("*"):
        if file.name not in wanted:
            file.unlink()


def _read(files: Any, fact: Stored, copy: Path) -> bytes:
    if copy.exists():
        return copy.read_bytes()
    with _told(f"s3://{fact.key}"):
        data = files.cat_file(fact.key)
    if len(data) != fact.size:
        raise UserError(
            f"s3://{fact.key} has {len(data)} bytes, and had {fact.size} when it was listed: run "
            "again when nobody writes there"
        )
    with atomic_file(copy) as temporary:
        temporary.write_bytes(data)
    return data
