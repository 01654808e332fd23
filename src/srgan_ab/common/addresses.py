"""What `data.path` may be beside a path: an address in a bucket, which wants the extra s3."""

from importlib.util import find_spec

from srgan_ab.common.errors import UserError


def is_bucket(path: str) -> bool:
    """Whether that is the address of something in a bucket: `s3://bucket/key`."""
    return path.lower().startswith("s3://")


def require_s3(path: str) -> None:
    """Make sure of what speaks S3.

    Raises:
        UserError: it is not installed.
    """
    if find_spec("s3fs") is None:
        raise UserError(
            f"data.path {path} is in a bucket, and s3fs, which speaks S3, is not installed: "
            "install the extra s3 (docs/data.md), or copy what is there and name the copy"
        )
