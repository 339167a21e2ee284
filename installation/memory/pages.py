"""Memory for pictures: whole pages, locked where that is allowed, and in no core dump."""

from __future__ import annotations

import ctypes
import mmap
import sys


def pages(size: int) -> tuple[mmap.mmap, bool]:
    """Return `size` bytes of zeroed memory on pages of their own, and whether they are locked.

    Locked memory is never written to swap; how much may be locked is a limit of the user.
    """
    if sys.platform != "linux":
        return mmap.mmap(-1, size), False
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_DONTDUMP)
    memory.madvise(mmap.MADV_DONTFORK)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    refused = ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(size))
    return memory, refused == 0
