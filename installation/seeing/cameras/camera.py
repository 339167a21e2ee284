"""The Protocol of all sources of frames, and the error for a camera that sends faulty pictures."""

from __future__ import annotations

from typing import Protocol

from installation.errors import CameraError, Mistake
from installation.memory.pool import Pool
from installation.running.progress import CameraFault
from installation.seeing.frame import Frame


class FaultyPicturesError(CameraError):
    """A camera sends pictures that are not usable; opening it again may help."""

    def __init__(self, mistake: Mistake, fault: CameraFault) -> None:
        super().__init__(mistake)
        self.fault = fault


class Camera(Protocol):
    """A source of frames; owned by the thread that calls `read`."""

    @property
    def name(self) -> str:
        """A description for the log, such as 'film opening.mp4, 640×360 at 30 fps'."""
        ...

    pool: Pool
    """The pool that holds the camera's pictures."""

    def read(self) -> Frame | None:
        """Wait for the next frame and return it, rotated and mirrored according to the settings.

        Returns None if the source has ended and does not loop. Raises CameraError if the device
        fails.
        """
        ...

    def forget(self) -> None:
        """Zero the pictures of all frames, including those that are still in use.

        Call this only when no frame will be shown or read any more. It may be called before or
        after `close`.
        """
        ...

    def close(self) -> None:
        """Close the device. A second call does nothing."""
        ...
