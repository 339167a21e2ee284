"""Time as the show sees it, so that tests can hold it still."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds on a clock that only goes forward."""

    def now(self) -> float:
        """Return the instant, in seconds since an arbitrary start."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after `seconds`; at once where they are not positive."""
        ...


class MonotonicClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return the instant, in seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`; return at once where they are not positive."""
        if seconds > 0:
            time.sleep(seconds)
