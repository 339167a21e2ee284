"""The rehearsal in the place of a camera: until one is plugged in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras import v4l
from installation.seeing.cameras.camera import Camera
from installation.seeing.frame import Frame

LOOK_S = 1.0
"""How often it is looked whether a camera has come."""


class StandIn:
    """A camera that plays another one, and fails once this machine has a camera that it had not.

    To the guard a device that came later is another one than those that the show may use, so that
    only a new start can open it; whoever starts the show again after a failure does that.
    """

    def __init__(
        self,
        played: Camera,
        before: Iterable[Path],
        clock: Clock,
        nodes: Callable[[], Iterable[Path]] = v4l.nodes,
    ) -> None:
        """Take the devices that were there `before`; `nodes` tells which are there now."""
        self.name = played.name
        self.pool = played.pool
        self._played = played
        self._clock = clock
        self._nodes = nodes
        self._before = set(before)
        self._looked_at = clock.now()

    def __repr__(self) -> str:
        return f"<StandIn {self.name}>"

    def read(self) -> Frame | None:
        """Return the next frame of what is played. Raises CameraError once a camera is there."""
        now = self._clock.now()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            nodes = set(self._nodes())
            if new := nodes - self._before:
                what = "a camera has been plugged in, and the rehearsal plays in its place"
                remedy = "Start the show again; under systemd it starts by itself."
                raise CameraError(Mistake(str(min(new)), what, remedy))
            self._before = nodes
        return self._played.read()

    def forget(self) -> None:
        """Zero every picture that it gave."""
        self._played.forget()

    def close(self) -> None:
        """Close what is played."""
        self._played.close()
