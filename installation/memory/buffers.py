"""Memory that a part works in: each piece is made once and written over by what comes next.

Whatever a detector or a classifier makes of a visitor lies in such pieces, so that all of it can be
zeroed when the work on a frame is done. Fresh arrays for each frame would be left about wherever
they were freed.
"""

from __future__ import annotations

import ctypes
import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from installation.memory.pages import pages

_PERTURB = -6
"""M_PERTURB of glibc's malloc.h: freed memory is filled with a byte, mallopt(3)."""


class Buffers:
    """Pieces of memory by name, on pages of their own. For one thread."""

    def __init__(self) -> None:
        self._pieces: dict[str, npt.NDArray[np.uint8]] = {}

    def __repr__(self) -> str:
        return f"<Buffers, {', '.join(self._pieces) or 'none'}>"

    def take(
        self, name: str, shape: tuple[int, ...], kind: npt.DTypeLike = np.uint8
    ) -> npt.NDArray[Any]:
        """Return the piece `name` as an array of `shape`, to be written over; what it holds is old.

        The array is valid until the same name is taken again. A piece grows to the largest that is
        asked of it.
        """
        size = math.prod(shape) * np.dtype(kind).itemsize
        piece = self._pieces.get(name)
        if piece is None or piece.size < size:
            if piece is not None:
                piece.fill(0)
            memory, _ = pages(max(1, size))
            piece = self._pieces[name] = np.frombuffer(memory, np.uint8)
        return piece[:size].view(kind).reshape(shape)

    def forget(self) -> None:
        """Zero every piece."""
        for piece in self._pieces.values():
            piece.fill(0)


def overwrite_freed() -> bool:
    """Have the C library write over memory as soon as it is freed; tell whether it will.

    The networks free what they made of a visitor's picture, layer by layer, and it would lie about
    until somebody else was given the same place. Pieces of up to 1,032 bytes are left out unless
    the launcher has turned off the cache that keeps them (GLIBC_TUNABLES), which costs nothing that
    could be measured. Measured on two cores of an AMD EPYC: finding and reading a face takes a
    tenth more of the processor's time, painting a frame no more than 3 % (3.6 ms). The other way,
    `malloc_trim` once a visitor has left, is quicker (2–6 ms) but leaves pieces of less than a
    page, in which rows of pictures were found. Only glibc can do either.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    return hasattr(library, "gnu_get_libc_version") and bool(library.mallopt(_PERTURB, 0xFF))
