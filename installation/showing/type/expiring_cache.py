"""A cache that drops values soon after their last use, so that no data about a visitor stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

KEPT_S = 0.4
"""The least time for which a value is kept after its last use, s; the longest is twice that and two
frames, so that all values are gone within a second.
"""


class ExpiringCache(Generic[K, V]):
    """A cache of recently used values. Use it from one thread only.

    There are two generations. A value that is used is in the young one. Every `KEPT_S` the old
    generation is dropped and the young one becomes the old.
    """

    def __init__(self) -> None:
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._evicted_at = -float("inf")

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def __contains__(self, key: K) -> bool:
        return key in self._young or key in self._old

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`; if it is not in the cache, `make` is called to create it."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            self._young[key] = value = make() if value is None else value
        return value

    def evict(self, now: float) -> None:
        """Drop values that were not used recently; call this on each frame.

        `now` is in s, monotonic.
        """
        if now - self._evicted_at >= KEPT_S:
            self._evicted_at = now
            self._young, self._old = {}, self._young
