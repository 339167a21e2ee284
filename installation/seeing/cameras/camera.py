"""Where frames come from: the Protocol."""

from __future__ import annotations

from typing import Protocol

from installation.memory.pool import Pool
from installation.seeing.frame import Frame


class Camera(Protocol):
    """A source of frames; owned by the thread that reads it."""

    name: str
    """What it is, for one line at start: 'film two-faces.mp4, 640×360 at 30 fps'."""

    pool: Pool
    """Where its pictures live."""

    def read(self) -> Frame | None:
        """Return the next frame, mirrored and rotated as set; blocks until it is there.

        None once the source has ended and does not loop. Raises CameraError where the device fails.
        """
        ...

    def forget(self) -> None:
        """Zero every picture that it gave, those in frames that are still referred to included.

        For when no frame of it is to be shown or read any more; before or after `close`.
        """
        ...

    def close(self) -> None:
        """Free the device. A second call does nothing."""
        ...
