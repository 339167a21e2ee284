"""The few pieces of memory that pictures of visitors live in, one after the other.

A picture's memory comes back when nothing refers to it any more, and the next picture is written
over it, oldest first: with ten pieces and 30 pictures a second nothing of a picture is there a
second later. Python's own memory would leave pictures lying about wherever they were freed.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections import deque
from mmap import mmap

import numpy as np

from installation.guarding.memory import pages
from installation.seeing.frame import Pixels


class Pool:
    """Memory for pictures; used by one thread that makes them and any number that let them go."""

    def __init__(self) -> None:
        # A picture may come back while its thread takes another: when garbage is collected.
        self._lock = threading.RLock()
        self._free: deque[mmap] = deque()
        self._closed = False
        self._size = 0
        self.made = 0
        """How many pieces there are, free or not."""
        self.locked = 0
        """How many of them are locked into memory."""

    def __repr__(self) -> str:
        return f"<Pool, {self.made} of {self._size} bytes, {self.locked} locked>"

    def take(self, height: int, width: int) -> Pixels:
        """Return a picture to be written over, `(height, width, 3)` uint8; what it holds is old."""
        size = math.prod((height, width, 3))
        with self._lock:
            self._closed = False
            if size > self._size:
                self._forget(size)
            memory = self._free.popleft() if self._free else self._make()
        whole = np.frombuffer(memory, np.uint8, size)
        # Every view of it refers to this array, so it goes when the last of them does.
        weakref.finalize(whole, self._give_back, memory).atexit = False
        return whole.reshape(height, width, 3)

    def close(self) -> None:
        """Zero every piece: those in use as soon as they come back."""
        with self._lock:
            self._closed = True
            for memory in self._free:
                _zero(memory)

    def _make(self) -> mmap:
        memory, locked = pages(self._size)
        self.made += 1
        self.locked += locked
        return memory

    def _forget(self, size: int) -> None:
        """Go over to larger pieces."""
        for memory in self._free:
            _zero(memory)
        self._free.clear()
        self._size, self.made, self.locked = size, 0, 0

    def _give_back(self, memory: mmap) -> None:
        with self._lock:
            if self._closed or len(memory) != self._size:
                _zero(memory)
            if len(memory) == self._size:
                self._free.append(memory)


def _zero(memory: mmap) -> None:
    np.frombuffer(memory, np.uint8).fill(0)
