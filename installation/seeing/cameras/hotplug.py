"""The rehearsal in the place of a camera, until one is plugged in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras import v4l
from installation.seeing.cameras.camera import Camera
from installation.seeing.frame import Frame

CHECK_INTERVAL_S = 1.0
"""How often the devices are listed."""


class RehearsalUntilPlugged:
    """A camera that plays the rehearsal, and fails as soon as this machine has a new camera.

    The sandbox lets the show open only the devices that existed when it was sealed, so a new camera
    can be opened only by a new start of the show; systemd starts it again after a failure.
    """

    def __init__(
        self,
        rehearsal: Camera,
        before: Iterable[Path],
        clock: Clock,
        list_nodes: Callable[[], Iterable[Path]] = v4l.video_nodes,
    ) -> None:
        """Take the video nodes at the start, `before`; `list_nodes` returns the present ones."""
        self.name = rehearsal.name
        self.pool = rehearsal.pool
        self._rehearsal = rehearsal
        self._clock = clock
        self._list_nodes = list_nodes
        self._before = set(before)
        self._checked_at = clock.now()

    def __repr__(self) -> str:
        return f"<RehearsalUntilPlugged {self.name}>"

    def read(self) -> Frame | None:
        """Return the next frame of the rehearsal. Raises CameraError once there is a new camera."""
        now = self._clock.now()
        if now - self._checked_at >= CHECK_INTERVAL_S:
            self._checked_at = now
            nodes = set(self._list_nodes())
            if new := nodes - self._before:
                problem = "a camera has been plugged in while the rehearsal plays in its place"
                remedy = "Start the show again; under systemd it starts by itself."
                raise CameraError(Mistake(str(min(new)), problem, remedy))
            self._before = nodes
        return self._rehearsal.read()

    def forget(self) -> None:
        """Zero every picture of its frames."""
        self._rehearsal.forget()

    def close(self) -> None:
        """Close the rehearsal."""
        self._rehearsal.close()
