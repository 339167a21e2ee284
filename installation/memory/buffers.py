"""Arrays for the computations on a frame; the same arrays are overwritten for the next frame.

Whatever a detector or a classifier computes from a visitor's picture is stored in these arrays, so
that it can be zeroed when the work on a frame is done. If new arrays were allocated for each frame,
their content would stay in freed memory.
"""

from __future__ import annotations

import ctypes
import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from installation.memory.pages import allocate_pages

_M_PERTURB = -6
"""glibc's option to fill freed memory with a byte; malloc.h, mallopt(3)."""

_M_TRIM_THRESHOLD = -1
"""glibc's option for a limit in bytes: if the free end of an arena is at least as long as this
limit, glibc returns this end to the system (malloc.h, mallopt(3)).
"""

_M_MMAP_THRESHOLD = -3
"""glibc's option for a limit in bytes: a block of at least this size gets pages of its own
(malloc.h, mallopt(3)).
"""

MMAP_BYTES = 32 * 2**20
"""The value that the kiosk sets for `_M_MMAP_THRESHOLD`, bytes. If the option is not set, glibc
raises the value to the size of each larger block that is freed, up to 32 MiB.
"""

TRIM_BYTES = 8 * 2**20
"""The value that the kiosk sets for `_M_TRIM_THRESHOLD`, bytes. If the option is not set, glibc
raises the value to twice the size of large blocks that are freed, up to 64 MiB. The default show's
networks need 7 MB for a frame. This is less than the kiosk's value, so the memory stays in the
arena, and the next frame needs no new pages. Rejected: 16 MiB. It saved no measurable processor
time, and the arenas of busy days grew by twice as much before they reached the limit.
"""

END_BYTES = 2**17
"""The size in bytes of a block that is allocated only in order to be freed. When glibc frees a
block of at least 64 KiB, it also checks whether to return the free end of the block's arena to the
system.
"""


class Buffers:
    """Named arrays, each on separate memory pages. Use them from one thread only."""

    def __init__(self) -> None:
        self._blocks: dict[str, npt.NDArray[np.uint8]] = {}

    def __repr__(self) -> str:
        return f"<Buffers, {', '.join(self._blocks) or 'none'}>"

    def take(
        self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8
    ) -> npt.NDArray[Any]:
        """Return the array `name` for the caller to overwrite; it may still contain old data.

        The array is valid until `name` is taken again. Its memory grows to the largest shape taken.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        block = self._blocks.get(name)
        if block is None or block.size < size:
            if block is not None:
                block.fill(0)
            memory, _ = allocate_pages(max(1, size))
            block = self._blocks[name] = np.frombuffer(memory, np.uint8)
        return block[:size].view(dtype).reshape(shape)

    def forget(self) -> None:
        """Zero every array."""
        for block in self._blocks.values():
            block.fill(0)


def overwrite_freed_memory() -> bool:
    """Make the C library overwrite memory as soon as it is freed; return whether it supports this.

    Networks compute from a visitor's picture layer by layer and free each layer's results. Without
    overwriting, the results would stay in freed memory until it is allocated again. Of the C
    libraries, only glibc supports this. Blocks of up to 1,032 bytes are overwritten only if glibc's
    cache for such blocks is off (GLIBC_TUNABLES); turning it off has no measurable cost.

    Measured on two cores of an AMD EPYC: detecting and reading a face takes 10 % more CPU time than
    without overwriting, and painting a frame (3.6 ms) at most 3 % more. Rejected: `malloc_trim`
    after a visitor has left, which is faster (2–6 ms) but does not remove blocks of less than a
    page; rows of pictures were found in such blocks.
    """
    library = _glibc()
    return library is not None and bool(library.mallopt(_M_PERTURB, 0xFF))


def return_freed_memory() -> None:
    """Return the C library's freed pages to the system, if it is glibc; takes some milliseconds.

    Each thread may have an arena of its own. `malloc_trim` returns the free pages of all arenas,
    but not those at the end of an arena, see `return_end_of_arena`. Rejected: one arena for all
    threads. It did not grow either, but on a busy machine the thread that paints the screen waited
    10 to 80 ms for the arena while the analysis overwrote memory.
    """
    return_end_of_arena()
    if library := _glibc():
        library.malloc_trim(0)


def return_end_of_arena() -> None:
    """Return the free end of the calling thread's arena to the system, if the C library is glibc.

    A thread that has used networks calls this when it ends, because the next thread may have
    another arena. Without this, the ends of some arenas grew by 30 MB in a test of eight hours. It
    takes about 0.1 ms.
    """
    library = _glibc()
    if library is None:
        return
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    library.free.restype, library.free.argtypes = None, (ctypes.c_void_p,)
    library.mallopt(_M_TRIM_THRESHOLD, 0)
    library.free(library.malloc(END_BYTES))
    # Once an option is set, glibc no longer raises the other one, which may still be small.
    library.mallopt(_M_MMAP_THRESHOLD, MMAP_BYTES)
    library.mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)


def _glibc() -> ctypes.CDLL | None:
    """Return the process's C library; None if it is not glibc."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "gnu_get_libc_version") else None
