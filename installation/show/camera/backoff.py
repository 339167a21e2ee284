"""The delays between attempts to open a camera again."""

from __future__ import annotations

DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""The delays before the first, the second, and each later attempt, s; the last one is repeated.
They are so short that the mirror is back within ten seconds after a camera works again.
"""

STEADY_S = 60.0
"""After a camera has run for this time without failing, the delays begin again at the first, s."""


class Backoff:
    """Counts the attempts to open a camera, and returns the delay before each."""

    def __init__(self) -> None:
        self._attempts = 0

    def next_s(self, ran_s: float = 0.0) -> float:
        """Return the delay before the next attempt; the camera ran for `ran_s` before it failed."""
        if ran_s >= STEADY_S:
            self._attempts = 0
        delay = DELAYS_S[min(self._attempts, len(DELAYS_S) - 1)]
        self._attempts += 1
        return delay
