"""The Protocol of everything that frames come from."""

from __future__ import annotations

from typing import Protocol

from installation.memory.pool import Pool
from installation.seeing.frame import Frame


class Camera(Protocol):
    """A source of frames; owned by the thread that reads it."""

    @property
    def name(self) -> str:
        """One line for the log: 'film opening.mp4, 640×360 at 30 fps'."""
        ...

    pool: Pool
    """Where its pictures live."""

    def read(self) -> Frame | None:
        """Return the next frame, rotated and mirrored as set; block until it is there.

        None when the source has ended and does not loop. Raises CameraError if the device fails.
        """
        ...

    def forget(self) -> None:
        """Zero every picture of its frames, those that something still refers to included.

        For when no frame is to be shown or read any more; before or after `close`.
        """
        ...

    def close(self) -> None:
        """Free the device. A second call does nothing."""
        ...
