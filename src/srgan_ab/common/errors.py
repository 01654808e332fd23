"""What a user is meant to read: mistakes in the input, and what the machine refuses."""

import errno
import re

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
OPEN_FILES = (errno.EMFILE, errno.ENFILE)
BROKEN = (errno.EIO, errno.ESTALE)

# what libraries say in errors of other types, or without a number
FULL_TEXT = re.compile(r"No space left on device|\d+ requested and \d+ written")
MEMORY_TEXT = re.compile(r"can't allocate memory|not enough memory|out of memory", re.IGNORECASE)
WANTED = re.compile(r"allocate ([\d.]+ ?[a-z]+)", re.IGNORECASE)


class UserError(Exception):
    """A mistake in the input: one sentence that names the file or the key, and the mend."""


class Lost(UserError):
    """Another process of the same stage has ended, and this one cannot go on without it."""


def sentence(error: BaseException) -> str | None:
    """What to tell the user of an error, with the mend.

    Returns:
        None for an error that is nobody's but the program's, and deserves its traceback.
    """
    if isinstance(error, UserError):
        return str(error)
    # libraries write in their own layers: the first error of the disk's may lie below
    below = error
    while below is not None:
        if getattr(below, "errno", None) in FULL or FULL_TEXT.search(str(below)):
            return "the disk is full: make room, then run again"
        below = below.__cause__ or below.__context__
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError) or number == errno.ENOMEM or MEMORY_TEXT.search(str(error)):
        wanted = WANTED.search(str(error))
        return (
            f"there is not enough memory{f' for {wanted[1]} more' if wanted else ''}: lower what "
            "it is taken for in params.yaml, batch_size, channels, srgan.crop or "
            "srgan.adversarial.history, or take a larger machine"
        )
    if not isinstance(error, OSError) or number is None:
        return None
    name = error.filename2 or error.filename or "a file"
    for numbers, mend in (
        (FORBIDDEN, "look at its owner, its mode, and whether its disk is mounted read-only"),
        (IN_THE_WAY, "a file lies where a folder belongs, or the other way round: move it away"),
        (OPEN_FILES, "raise the limit with `ulimit -n 4096`, or lower runtime.workers"),
        (BROKEN, "look after the disk"),
        ((errno.EFBIG,), "take a file system and a `ulimit -f` that allow so large a file"),
    ):
        if number in numbers:
            return f"{name} cannot be used ({error.strerror}): {mend}, then run again"
    return None
