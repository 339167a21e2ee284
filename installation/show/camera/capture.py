"""The work of the thread `capture`, which passes each frame to the mirror and to the analysis."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from installation.running.latest import Latest
from installation.running.progress import CameraFault
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.webcam import Webcam
from installation.seeing.frame import Frame

NO_FAULT = CameraFault(0)


@dataclass(frozen=True)
class CameraStatus:
    """The camera's figures on the staff card.

    The camera's pictures use `blocks` blocks of memory; `locked_blocks` of these can never be
    written to swap. `faults` are the camera's current faults, `skipped` is the number of damaged
    pictures that were skipped, and `fps` is the nominal frame rate, 0 if the source is not a
    camera.
    """

    name: str
    blocks: int
    locked_blocks: int
    faults: CameraFault = NO_FAULT
    skipped: int = 0
    fps: float = 0.0

    @classmethod
    def from_camera(cls, camera: Camera) -> CameraStatus:
        """Return the status of `camera`. Only the thread that reads its frames may call this."""
        memory = camera.pool.allocated, camera.pool.locked
        if not isinstance(camera, Webcam):
            return cls(camera.name, *memory)
        return cls(camera.name, *memory, camera.faults, camera.damaged, camera.fps)


def capture_frames(
    camera: Camera,
    mailboxes: Sequence[Latest[Frame]],
    statuses: Latest[CameraStatus],
    stopping: threading.Event,
) -> None:
    """Put each frame of `camera` into all `mailboxes` until the camera ends or `stopping` is set.

    At the end the camera and the mailboxes are closed. Raises any exception of the camera.
    """
    try:
        while not stopping.is_set():
            frame = camera.read()
            if frame is None:
                return
            for mailbox in mailboxes:
                mailbox.put(frame)
            statuses.put(CameraStatus.from_camera(camera))
    finally:
        camera.close()
        for mailbox in mailboxes:
            mailbox.close()
