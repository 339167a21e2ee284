"""A cache that drops values soon after their last use, so that no data about a visitor stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

GENERATIONS = 3
KEPT_S = 0.6
"""The least time for which a value is kept after its last use, s.

The show searches for new positions of panels once every `compose.CHANGE_S`. Each search uses the
cached texts again. `KEPT_S` is longer than `CHANGE_S`, so that no text on the screen has to be
typeset twice. The longest time for which a value is kept is 1.5 × `KEPT_S` plus three frames: one
second at 30 frames a second.
"""


class ExpiringCache(Generic[K, V]):
    """A cache of recently used values. Use it from one thread only.

    The values are in `GENERATIONS` generations. Each use of a value moves it to the youngest
    generation. When that generation is old enough, a new one begins, and the oldest is dropped.
    """

    def __init__(self) -> None:
        self._generations: list[dict[K, V]] = [{} for _ in range(GENERATIONS)]
        """The values, grouped by the time of their last use: the most recently used ones first."""
        self._evicted_at = -float("inf")

    def __len__(self) -> int:
        return len({key for generation in self._generations for key in generation})

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`; if it is not in the cache, `make` is called to create it."""
        youngest, *older = self._generations
        value = youngest.get(key)
        if value is None:
            found = (generation[key] for generation in older if key in generation)
            value = next(found, None)
            youngest[key] = value = make() if value is None else value
        return value

    def evict(self, now: float) -> None:
        """Drop values that were not used recently; call this on each frame.

        `now` is in seconds, on the monotonic clock.
        """
        if now - self._evicted_at >= KEPT_S / (GENERATIONS - 1):
            self._evicted_at = now
            self._generations = [{}, *self._generations[:-1]]

    def clear(self) -> None:
        """Drop all values now."""
        self._generations = [{} for _ in range(GENERATIONS)]


def remembered(kept: dict[K, V], key: K, make: Callable[[], V], most: int) -> V:
    """Return `kept[key]`; if it is missing, `make` is called to create it.

    `kept` is a value of an `ExpiringCache`, with the results for one text in different sizes. Some
    texts, such as the countdown, are used all day, beside squares of all sizes. So if `kept` has
    `most` results, it is emptied before another one is stored.
    """
    if key not in kept:
        if len(kept) >= most:
            kept.clear()
        kept[key] = make()
    return kept[key]
