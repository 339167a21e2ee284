"""A mailbox that holds one value and drops the older one.

Threads hand over frames and sightings through it. A queue would keep every value and let the
mirror fall behind; here the reader always gets what is newest.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest value of one writer, for one reader."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._fresh = False
        self._closed = False
        self._received = 0
        self._dropped = 0

    def __repr__(self) -> str:
        return f"<Latest, {'fresh' if self._fresh else 'taken'}, {self._dropped} dropped>"

    @property
    def received(self) -> int:
        """How many values were put."""
        return self._received

    @property
    def dropped(self) -> int:
        """How many values were replaced before anybody took them."""
        return self._dropped

    @property
    def ended(self) -> bool:
        """Whether nothing waits here and nothing more will come."""
        with self._changed:
            return self._closed and not self._fresh

    def put(self, value: T) -> None:
        """Leave `value` for the reader in place of any older one. Never blocks."""
        with self._changed:
            self._received += 1
            self._dropped += self._fresh
            self._value = value
            self._fresh = True
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T | None:
        """Return the value that came since the last take, waiting up to `timeout` seconds for it.

        None where none came in time, or where the mailbox is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._fresh or self._closed, timeout)
            if not self._fresh:
                return None
            value, self._value = self._value, None
            self._fresh = False
            return value

    def forget(self) -> None:
        """Drop the value that waits, if there is one; it counts as dropped."""
        with self._changed:
            self._dropped += self._fresh
            self._value, self._fresh = None, False

    def close(self) -> None:
        """Wake the reader; a value that waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
