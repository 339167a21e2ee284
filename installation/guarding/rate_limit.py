"""Limits the rate of lines: a token bucket that counts the lines it omits."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """Admits `burst` lines at once and `lines_per_s` after that.

    `now` returns the time in seconds.
    """

    def __init__(
        self, lines_per_s: float, burst: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._lines_per_s = lines_per_s
        self._burst = burst
        self._now = now
        self._tokens, self._refilled_at = float(burst), now()
        self._left_out = 0

    def admit(self, line: str) -> list[str]:
        """Return the lines to write for `line`: none if it is omitted, otherwise `line` itself.

        A line that counts the lines omitted since the last admitted one precedes it, if any were.
        """
        now = self._now()
        gained = (now - self._refilled_at) * self._lines_per_s
        self._tokens, self._refilled_at = min(self._burst, self._tokens + gained), now
        if self._tokens < 1:
            self._left_out += 1
            return []
        self._tokens -= 1
        return [*self.skipped(), line]

    def skipped(self) -> list[str]:
        """Return a line that counts the lines omitted since the last call; nothing if none were."""
        count, self._left_out = self._left_out, 0
        return [f"({count} lines were omitted)"] if count else []

    def refill(self) -> None:
        """Refill the bucket, so that a whole burst is admitted again."""
        self._tokens = float(self._burst)
