"""Opens the camera that `camera.source` in kiosk.yaml names."""

from __future__ import annotations

import os
from collections.abc import Callable

import cv2

from installation.errors import CameraError, Mistake, display_path
from installation.running.clock import Clock
from installation.seeing.cameras import choice
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.cameras.played.film import FilmPictures
from installation.seeing.cameras.played.pictures import FolderPictures
from installation.seeing.cameras.played.rehearsal import RehearsalPictures
from installation.seeing.cameras.played.replay import PictureSource, Replay
from installation.seeing.cameras.v4l import CameraListing, list_cameras
from installation.seeing.cameras.webcam import Webcam
from installation.settings import source
from installation.settings.kiosk import CameraSettings

# OpenCV and FFmpeg also print to stderr if nothing can be opened; this module's errors are clearer.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

# OpenCV's threads wait for work in a loop that calls sched_yield. On two cores they took 13 % of
# the show's processor time, and a picture was shown only 1 ms sooner than with one thread. Without
# this call, OpenCV would also look for plug-ins with other threads, and would do so in the sandbox.
cv2.setNumThreads(1)


REHEARSAL_PLAYS = ", so the rehearsal plays"
"""The end of the sentence that says why `Auto` found no camera. If the show waits for a camera, as
it does under systemd, this end is removed from the sentence.
"""

Resolved = source.Device | source.Film | source.Pictures | source.Rehearsal
"""A source that says which camera or pictures to open: any kind of source except `Auto`."""


def resolve(
    configured: source.Source,
    cameras: Callable[[], list[CameraListing]] = list_cameras,
    log: Callable[[str], None] = lambda _: None,
) -> tuple[Resolved, str | None]:
    """Return the source to open, and the reason if `Auto` found no camera that can be used.

    For `Auto`, the source is the best of `cameras()` by `choice.rank`, or else the rehearsal. `log`
    is called with a line for each unused camera whose number is lower than that of the chosen
    camera. Any other source is returned unchanged, without a reason.
    """
    if not isinstance(configured, source.Auto):
        return configured, None
    listings = cameras()
    if ranked := choice.rank(listings):
        for line in choice.passed_over(listings):
            log(line)
        return source.Device(ranked[0].path), None
    if not listings:
        return source.Rehearsal(), f"no camera found{REHEARSAL_PLAYS}"
    problems = ", ".join(
        f"{listing.path} ({choice.reason_against(listing)})" for listing in listings
    )
    return source.Rehearsal(), f"{problems} cannot be used{REHEARSAL_PLAYS}"


def open_camera(
    resolved: Resolved,
    settings: CameraSettings,
    clock: Clock,
    *,
    as_fast_as_possible: bool = False,
) -> Camera:
    """Open the source `resolved` and return its camera; `settings.source` is not read.

    With `as_fast_as_possible` a film, a folder or the rehearsal returns each picture once, without
    waiting, and then ends; a real camera delivers frames at its own rate. Raises CameraError.
    """
    if isinstance(resolved, source.Device):
        return Webcam.open(resolved.id, settings, clock)
    pictures, orientation = _open_pictures(resolved, settings, once=as_fast_as_possible)
    return Replay(pictures, orientation, clock, as_fast_as_possible=as_fast_as_possible)


def _open_pictures(
    played: source.Film | source.Pictures | source.Rehearsal,
    settings: CameraSettings,
    *,
    once: bool,
) -> tuple[PictureSource, Orientation]:
    width, height, fps = settings.width, settings.height, settings.fps
    orientation = Orientation.from_settings(settings)
    match played:
        case source.Film(path) if path.is_file():
            return FilmPictures(path), orientation
        case source.Pictures(folder) if folder.is_dir():
            return FolderPictures(folder, width, height, fps, once=once), orientation
        case source.Film(path) | source.Pictures(path):
            problem = "this film or folder was removed after the settings were read"
            raise CameraError(
                Mistake(
                    display_path(path),
                    problem,
                    "Restore the file or folder, or change camera.source.",
                )
            )
    # For a tall screen a camera is mounted sideways, and its picture is rotated so that visitors
    # stand upright. The rehearsal is not rotated: its visitor is drawn upright on a tall picture.
    if settings.rotate in (90, 270):
        width, height = height, width
    return RehearsalPictures(width, height, fps), Orientation(mirror=settings.mirror)
