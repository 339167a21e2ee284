"""The few pieces of memory that pictures of visitors live in, one after the other.

A picture's memory comes back when nothing refers to it any more, is zeroed at once, and the next
picture is written there. Python's own memory would leave pictures lying about wherever they were
freed.
"""

from __future__ import annotations

import math
import threading
import weakref
from mmap import mmap

import numpy as np
import numpy.typing as npt

from installation.memory.pages import pages


class Pool:
    """Memory for pictures; used by one thread that makes them and any number that let them go."""

    def __init__(self) -> None:
        # A picture may come back while its thread takes another: when garbage is collected.
        self._lock = threading.RLock()
        self._free: list[mmap] = []
        self._all: weakref.WeakSet[mmap] = weakref.WeakSet()
        self._size = 0
        self.made = 0
        """How many pieces there are, free or not."""
        self.locked = 0
        """How many of them are locked into memory."""

    def __repr__(self) -> str:
        return f"<Pool, {self.made} of {self._size} bytes, {self.locked} locked>"

    def take(self, height: int, width: int) -> npt.NDArray[np.uint8]:
        """Return a picture to be written over, `(height, width, 3)` uint8, all zero."""
        size = math.prod((height, width, 3))
        with self._lock:
            if size > self._size:
                # Smaller pieces that are in use are dropped when they come back.
                self._free, self._size, self.made, self.locked = [], size, 0, 0
            memory = self._free.pop() if self._free else self._make()
        whole = np.frombuffer(memory, np.uint8, size)
        # Every view of it refers to this array, so it goes when the last of them does.
        weakref.finalize(whole, self._give_back, memory).atexit = False
        return whole.reshape(height, width, 3)

    def forget(self) -> None:
        """Zero every picture, those that are still referred to included.

        A frame in use turns black, so this is for when no frame is to be shown or read any more.
        """
        with self._lock:
            for memory in self._all:
                np.frombuffer(memory, np.uint8).fill(0)

    def _make(self) -> mmap:
        memory, locked = pages(self._size)
        self._all.add(memory)
        self.made += 1
        self.locked += locked
        return memory

    def _give_back(self, memory: mmap) -> None:
        np.frombuffer(memory, np.uint8).fill(0)
        with self._lock:
            if len(memory) == self._size:
                self._free.append(memory)
