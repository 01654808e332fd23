"""What the C library does with the memory of freed tensors."""

import ctypes


def keep_freed_memory() -> None:
    """Let glibc use the memory of freed tensors again instead of returning it to the system.

    Taking large blocks anew at every layer costs a page fault per 4 KB: a tenth to a quarter of a
    training step on a CPU. Other C libraries, such as those of macOS and musl, have no such switch.
    """
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    if change is not None:
        change(-3, 2**30)  # M_MMAP_THRESHOLD, bytes
        change(-1, 2**31 - 1)  # M_TRIM_THRESHOLD, bytes
