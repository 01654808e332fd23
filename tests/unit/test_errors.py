"""What the machine refuses is one sentence; what the program does wrong keeps its traceback."""

import errno
import os

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from srgan_ab.common.errors import UserError, sentence


def chained(outer: Exception, inner: Exception) -> Exception:
    outer.__context__ = inner
    return outer


def raised(call, *arguments) -> BaseException:
    with pytest.raises(Exception) as caught:
        call(*arguments)
    return caught.value


def refused(number: int, path: str | None = "data/x") -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (UserError("params.yaml: mend it"), "params.yaml: mend it"),
        (refused(errno.ENOSPC, None), "the disk is full"),
        (refused(errno.EDQUOT), "the disk is full"),
        # as safetensors, NumPy, and torch with a Python file say it
        (SafetensorError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (OSError("1000000 requested and 131056 written"), "the disk is full"),
        (chained(RuntimeError("unexpected pos 704"), refused(errno.ENOSPC)), "the disk is full"),
        (refused(errno.EROFS), "data/x cannot be used (Read-only file system): look at its owner"),
        (refused(errno.EACCES), "data/x cannot be used (Permission denied): look at its owner"),
        (refused(errno.EEXIST, ".locks"), ".locks cannot be used (File exists): a file lies where"),
        (refused(errno.ENOTDIR), "a file lies where a folder belongs"),
        (refused(errno.EMFILE), "`ulimit -n 4096`"),
        (refused(errno.EIO, None), "a file cannot be used (Input/output error)"),
        (refused(errno.EFBIG), "allow so large a file"),
        (refused(errno.ENOMEM), "not enough memory"),
        (MemoryError(), "there is not enough memory: lower"),
        (raised(np.zeros, 2**50), "not enough memory for 8.00 PiB more"),
        (raised(torch.empty, 2**58), f"not enough memory for {2**60} bytes more"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has"),
            "not enough memory for 20.00 GiB more",
        ),
    ],
)
def test_a_sentence(error, named):
    said = sentence(error)
    assert named in said and "\n" not in said


@pytest.mark.parametrize(
    "error",
    [
        ValueError("shapes differ"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        KeyError("x"),
        FileNotFoundError(errno.ENOENT, "No such file", "x"),
        chained(KeyError("x"), FileNotFoundError(errno.ENOENT, "No such file", "x")),
        OSError("image file is truncated"),
    ],
)
def test_a_fault_of_the_program_has_none(error):
    assert sentence(error) is None
