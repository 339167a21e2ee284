"""The clock of the show, a Protocol so that tests can move time by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock that only goes forward."""

    def now(self) -> float:
        """Return the current time, in seconds since an arbitrary start."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for `seconds`; return at once if `seconds` is not positive."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return the current time of the monotonic clock, in seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`; return at once if `seconds` is not positive."""
        if seconds > 0:
            time.sleep(seconds)
