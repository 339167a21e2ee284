"""Whole pages of memory for pictures.

On Linux the pages are excluded from core dumps, and locked if possible.
"""

from __future__ import annotations

import ctypes
import mmap
import sys


def allocate_pages(size: int) -> tuple[mmap.mmap, bool]:
    """Return `size` bytes of zeroed memory on separate pages, and whether the pages are locked.

    Locked memory is never written to swap. RLIMIT_MEMLOCK limits how much memory a user may lock.
    On Linux the pages are also excluded from core dumps and from child processes.
    """
    if sys.platform != "linux":
        return mmap.mmap(-1, size), False
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_DONTDUMP)
    memory.madvise(mmap.MADV_DONTFORK)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    error = ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(size))
    return memory, error == 0
