"""A screen on which a test can wait for the next steps of the show."""

from __future__ import annotations

import threading

from installation.showing.scene import Size
from installation.showing.window import OffScreen, ScreenEvents


class CountingScreen(OffScreen):
    """A screen that counts the show's steps, and lets other threads wait for them.

    Each step begins with one call of `poll`. Not each step paints: a scene without a picture that
    does not change is painted three times a second.
    """

    def __init__(self, size: Size = (320, 180)) -> None:
        super().__init__(size)
        self._steps = 0
        self._changed = threading.Condition()

    def poll(self, now: float) -> ScreenEvents:
        with self._changed:
            self._steps += 1
            self._changed.notify_all()
        return super().poll(now)

    def wait(self, times: int) -> None:
        """Return when `times` further steps have begun, and so all before the last have ended."""
        with self._changed:
            enough = self._steps + times
            assert self._changed.wait_for(lambda: self._steps >= enough, 20), (
                "the show stands still"
            )
