"""A mailbox between two threads that holds only the newest value.

Threads pass frames and the results of the analysis to each other through these mailboxes. A reader
always gets the newest value. Rejected: a queue, which keeps every value, so that the picture on the
screen would be delayed more and more.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """A mailbox that holds the newest value of one writer for one reader."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._full = False
        self._closed = False
        self._received = 0
        self._dropped = 0

    def __repr__(self) -> str:
        return f"<Latest, {'full' if self._full else 'empty'}, {self._dropped} dropped>"

    @property
    def received(self) -> int:
        """The number of values that have been put."""
        return self._received

    @property
    def dropped(self) -> int:
        """The number of values that were replaced or forgotten before the reader took them."""
        return self._dropped

    @property
    def ended(self) -> bool:
        """Whether the mailbox is closed and empty."""
        with self._changed:
            return self._closed and not self._full

    def put(self, value: T) -> None:
        """Store `value` for the reader, replacing any older value. Never blocks."""
        with self._changed:
            self._received += 1
            self._dropped += self._full
            self._value = value
            self._full = True
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T | None:
        """Return the newest value put since the last `take`; wait up to `timeout` seconds for one.

        Returns None if no value was put in time, or if the mailbox is closed and empty. A `timeout`
        of None waits without limit.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._full or self._closed, timeout)
            if not self._full:
                return None
            value, self._value = self._value, None
            self._full = False
            return value

    def forget(self) -> None:
        """Drop the stored value, if any, and count it as dropped."""
        with self._changed:
            self._dropped += self._full
            self._value, self._full = None, False

    def close(self) -> None:
        """Close the mailbox and wake the reader, which can still take the stored value."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
