"""Checks that the show is alive: capture, analysis and screen must each make progress."""

from __future__ import annotations

from installation.running.progress import Progress, State

START_S = 180.0
"""The longest time until a show's sandbox is complete, s; a slow virtual machine took 38 s."""

LIMITS_S = {"screen": 5.0, "capture": 15.0, "analysis": 30.0}
"""The longest time that each part may go without progress, s.

The show itself reopens its camera after 2 s and replaces its analysis after 10 s. So the limits of
capture and analysis matter only if these repairs fail. The show does not repair a hanging screen.
"""

MAX_STEP_S = 1.0
"""One check adds at most this time, in seconds, to a part's time without progress. If more time has
passed since the last check, the whole machine was suspended or overloaded. That does not mean
that the show hangs.
"""


class Heartbeat:
    """Measures how long each part of the show has made no progress."""

    def __init__(self, now: float) -> None:
        self._looked_at = now
        self._progress: Progress | None = None
        self._still_s = dict.fromkeys(LIMITS_S, 0.0)
        self._starting_s = 0.0

    def update(self, progress: Progress) -> None:
        """Store the newest figures of the show."""
        before, self._progress = self._progress or Progress(), progress
        moved = {
            "screen": progress.painted != before.painted,
            "capture": progress.captured != before.captured,
            "analysis": progress.analysed != before.analysed,
        }
        running = progress.state == State.RUNNING
        for part, has_moved in moved.items():
            if has_moved or (part != "screen" and not running):
                self._still_s[part] = 0.0

    def stalled(self, now: float) -> str | None:
        """Return the part that has made no progress for too long at the instant `now`, or None."""
        step_s = min(max(now - self._looked_at, 0.0), MAX_STEP_S)
        self._looked_at = now
        if self._progress is None or self._progress.state == State.STARTING:
            self._starting_s += step_s
            return "start" if self._starting_s >= START_S else None
        for part in self._still_s:
            self._still_s[part] += step_s
        return next((part for part, s in self._still_s.items() if s >= LIMITS_S[part]), None)

    def is_alive(self) -> bool:
        """Return whether capture, analysis and screen have progressed recently; true at the start.

        Each must have progressed within half of its limit in `LIMITS_S`.
        """
        return all(still_s < LIMITS_S[part] / 2 for part, still_s in self._still_s.items())
