"""Decides when the supervisor starts the show again after it has ended.

The first failures are probably accidents, and visitors are waiting, so the show is restarted
quickly. A show that fails repeatedly would only make the screen flicker, so the delays grow.
"""

from __future__ import annotations

import signal
from collections import deque

RESTART = 75
"""The exit status of a show that only needs to be started again, such as one whose sandbox does not
let it open a camera or a display that appeared after its start. (EX_TEMPFAIL of sysexits.h.)
"""

REFUSED = 2
"""The exit status of a show that rejects its files or devices."""

FAST_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""The delays after the first five failures within `WINDOW_S`, s. If a show fails about four seconds
after each start, all five delays pass within `WINDOW_S`.
"""

WINDOW_S = 60.0
"""The time within which failures are counted together, s."""

SLOW_DELAYS_S = (15.0, 30.0, 60.0, 120.0, 300.0)
"""The delays that follow `FAST_DELAYS_S`, s. The first of them follows the sixth failure within
`WINDOW_S`; the last one is repeated.
"""

STEADY_S = 600.0
"""If a show has run for this long, s, all earlier failures are forgotten, and the first of
`FAST_DELAYS_S` applies again. If a show fails sooner after a slow delay, the next slow delay
follows. If there was no slow delay yet, the number of failures within `WINDOW_S` selects the delay.
"""


class RestartPolicy:
    """Decides how long to wait before each restart."""

    def __init__(self) -> None:
        self._failed_at: deque[float] = deque(maxlen=len(FAST_DELAYS_S) + 1)
        self._slow = 0
        self.count = 0
        """The number of restarts."""

    @property
    def is_slow(self) -> bool:
        """Whether the show has failed so often that visitors see the card of a paused show."""
        return self._slow > 0

    def delay_s(self, now: float, ran_s: float) -> float:
        """Return the delay, s, before the restart of a show that ended at `now`.

        `ran_s` is the time for which the show ran, s.
        """
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


def fault_of_end(code: int) -> str:
    """Return the fault of a show that ended with the exit status `code`, one of `health.FAULTS`."""
    if code < 0:
        return "killed" if code == -signal.SIGKILL else "crashed"
    return "refused" if code == REFUSED else "ended"


def words_of_end(code: int) -> str:
    """Return how a process with the exit status `code` ended: `status 1`, or a signal's name."""
    if code >= 0:
        return f"status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
