"""A small pool of memory blocks that a camera's pictures reuse in turn.

As soon as nothing refers to a picture, its block is zeroed and becomes free for the next picture.
Ordinary arrays would leave copies of pictures in freed memory all over the heap.
"""

from __future__ import annotations

import math
import threading
import weakref
from mmap import mmap

import numpy as np
import numpy.typing as npt

from installation.memory.pages import allocate_pages


class Pool:
    """A pool of memory blocks for pictures.

    One thread takes pictures; any thread may drop the last reference to a picture.
    """

    def __init__(self) -> None:
        # Reentrant: the garbage collector may return a block while this thread takes another.
        self._lock = threading.RLock()
        self._free: list[mmap] = []
        self._all: weakref.WeakSet[mmap] = weakref.WeakSet()
        self._size = 0
        self.allocated = 0
        """The number of blocks in the pool, both free and in use."""
        self.locked = 0
        """The number of locked blocks, which are never written to swap."""

    def __repr__(self) -> str:
        return f"<Pool, {self.allocated} of {self._size} bytes, {self.locked} locked>"

    def take(self, height: int, width: int) -> npt.NDArray[np.uint8]:
        """Return a zeroed picture for the caller to fill, `(height, width, 3)` uint8."""
        size = math.prod((height, width, 3))
        with self._lock:
            if size > self._size:
                # Smaller blocks that are in use are dropped when they come back.
                self._free, self._size, self.allocated, self.locked = [], size, 0, 0
            memory = self._free.pop() if self._free else self._allocate()
        whole = np.frombuffer(memory, np.uint8, size)
        # Every view of the picture refers to this array, so it is freed after the last of them.
        weakref.finalize(whole, self._give_back, memory).atexit = False
        return whole.reshape(height, width, 3)

    def forget(self) -> None:
        """Zero every picture, including those that are still in use.

        Frames that are still in use turn black, so call this only when no frame will be shown or
        read any more.
        """
        with self._lock:
            for memory in self._all:
                np.frombuffer(memory, np.uint8).fill(0)

    def _allocate(self) -> mmap:
        memory, locked = allocate_pages(self._size)
        self._all.add(memory)
        self.allocated += 1
        self.locked += locked
        return memory

    def _give_back(self, memory: mmap) -> None:
        np.frombuffer(memory, np.uint8).fill(0)
        with self._lock:
            if len(memory) == self._size:
                self._free.append(memory)
