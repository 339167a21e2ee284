"""The rate limit of lines: a token bucket that counts the lines it leaves out."""

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
        """Return what to write for `line`: nothing if it is left out, otherwise `line`.

        Before it comes a line that counts those left out since the last admitted one.
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
        """Return one line that counts the lines left out since the last call, if there are any."""
        count, self._left_out = self._left_out, 0
        return [f"({count} lines were left out)"] if count else []

    def refill(self) -> None:
        """Admit a whole burst again."""
        self._tokens = float(self._burst)
