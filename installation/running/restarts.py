"""When the supervisor starts the show again after it has ended.

The first failures are most likely accidents, and visitors wait, so the show is started at once. A
show that ends again and again would only make the wall flicker, so it is started more and more
seldom.
"""

from __future__ import annotations

from collections import deque

FAST_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""The delays after the first failures within a minute, s; a start takes some four seconds."""

WINDOW_S = 60.0
"""The time in which failures count together, s."""

SLOW_DELAYS_S = (15.0, 30.0, 60.0, 120.0, 300.0)
"""The delays once there were more failures than that, s."""

STEADY_S = 600.0
"""How long the show must run until the delays begin anew after a slow phase, s."""


class RestartPolicy:
    """Decides how long to wait before each restart."""

    def __init__(self) -> None:
        self._failed_at: deque[float] = deque(maxlen=len(FAST_DELAYS_S) + 1)
        self._slow = 0
        self.count = 0
        """How often the show was started again after a failure."""

    @property
    def is_slow(self) -> bool:
        """Whether there were too many failures, so that visitors are to be told."""
        return self._slow > 0

    def delay_s(self, now: float, ran_s: float) -> float:
        """Return how long to wait after a failure at `now`, s; the show ran for `ran_s`."""
        self.count += 1
        if ran_s >= STEADY_S:
            self._slow = 0
            self._failed_at.clear()
        self._failed_at.append(now)
        recent = sum(now - at < WINDOW_S for at in self._failed_at)
        if not self._slow and recent <= len(FAST_DELAYS_S):
            return FAST_DELAYS_S[recent - 1]
        delay = SLOW_DELAYS_S[min(self._slow, len(SLOW_DELAYS_S) - 1)]
        self._slow += 1
        return delay
