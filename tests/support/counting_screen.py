"""A screen on which a test can wait for the next paints."""

from __future__ import annotations

import threading

from installation.showing.scene import Size
from installation.showing.window import OffScreen


class CountingScreen(OffScreen):
    """A screen that counts its paints, and lets other threads wait for them."""

    def __init__(self, size: Size = (320, 180)) -> None:
        super().__init__(size)
        self._painted = 0
        self._changed = threading.Condition()

    def flip(self) -> None:
        with self._changed:
            self._painted += 1
            self._changed.notify_all()

    def wait(self, times: int) -> None:
        """Return after the screen has been painted `times` more."""
        with self._changed:
            enough = self._painted + times
            assert self._changed.wait_for(lambda: self._painted >= enough, 20), "nothing is painted"
