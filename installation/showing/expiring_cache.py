"""What was used within the last second, and nothing older: no visitor's words outlast them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

KEPT_S = 0.4
"""How long what nobody asks for is kept at least, s; at most it is twice that and two pictures."""


class ExpiringCache(Generic[K, V]):
    """What was made, for as long as it is asked for again and again; for one thread.

    There are two generations. What is asked for is young; at each turn the old are dropped, who
    have not been asked for since the last one, and the young are old.
    """

    def __init__(self) -> None:
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._turned_at = -float("inf")

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return what belongs to `key`; what `make` returns where it was not asked for lately."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            self._young[key] = value = make() if value is None else value
        return value

    def evict(self, now: float) -> None:
        """Drop what was not asked for lately. To be called with each picture, at `now` (s)."""
        if now - self._turned_at >= KEPT_S:
            self._turned_at = now
            self._young, self._old = {}, self._young
