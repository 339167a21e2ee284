"""From what the curator wrote under `camera.source` to a camera."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.film import Film, Pictures, Reel, Replay
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.cameras.rehearsal import Rehearsal
from installation.seeing.cameras.v4l import CameraListing, list_cameras
from installation.seeing.cameras.webcam import Webcam
from installation.settings.kiosk import CameraSettings, is_film

# OpenCV and FFmpeg also complain on stderr where nothing opens; the errors here say it better.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

AUTO = "auto"
REHEARSAL = "rehearsal"


def resolve(
    source: str, cameras: Callable[[], list[CameraListing]] = list_cameras
) -> tuple[str, str | None]:
    """Return the source that `auto` stands for, and a sentence where it is not a camera.

    Any other source is returned as it is. `auto` takes the first camera that can be asked.
    """
    if source != AUTO:
        return source, None
    listings = cameras()
    for listing in listings:
        if listing.trouble is None:
            return str(listing.path), None
    if not listings:
        return REHEARSAL, "camera: no camera found, so the rehearsal plays."
    troubles = ", ".join(f"{listing.path} ({listing.trouble})" for listing in listings)
    return REHEARSAL, f"camera: {troubles} cannot be used, so the rehearsal plays."


def open_camera(
    settings: CameraSettings, clock: Clock, *, as_fast_as_possible: bool = False
) -> Camera:
    """Return the camera of `settings.source`, opened.

    With `as_fast_as_possible` a film, a folder or the rehearsal gives each picture once, without
    waiting, and then ends; a real camera keeps its own pace. Raises CameraError.
    """
    source, _ = resolve(settings.source)
    if source != REHEARSAL and not is_film(source):
        device = int(source) if source.isdecimal() else Path(source)
        return Webcam.open(device, settings, clock)
    reel, turn = _reel(source, settings, once=as_fast_as_possible)
    return Replay(reel, turn, clock, as_fast_as_possible=as_fast_as_possible)


def _reel(source: str, settings: CameraSettings, *, once: bool) -> tuple[Reel, Orientation]:
    turn = Orientation.from_settings(settings)
    if source == REHEARSAL:
        # A camera hangs on its side so that the visitor stands upright on a tall screen. The
        # rehearsal's visitor does so without being turned.
        width, height = settings.width, settings.height
        if settings.rotate in (90, 270):
            width, height = height, width
        return Rehearsal(width, height, settings.fps), Orientation(mirror=settings.mirror)
    path = Path(source).expanduser()
    if path.is_dir():
        return Pictures(path, settings.width, settings.height, settings.fps, once=once), turn
    if path.is_file():
        return Film(path), turn
    raise CameraError(
        Mistake(
            "camera.source",
            f"{source!r} is not there (expected auto, rehearsal, a camera's number, its path "
            "under /dev/v4l/by-id, a film or a folder of pictures)",
            "Correct the name; `kiosk cameras` lists the cameras.",
        )
    )
