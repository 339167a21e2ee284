"""Pictures, films and faces that tests make for themselves, and files that a variable names."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from installation.seeing.box import Box
from installation.seeing.cameras.open import open_camera
from installation.seeing.faces import yunet
from installation.seeing.faces.detector import Face
from installation.seeing.frame import Frame, Pixels
from installation.settings import source
from installation.settings.kiosk import CameraSettings
from tests.support.manual_clock import ManualClock

RED, GREEN, BLUE, SAND = (210, 30, 40), (30, 170, 60), (30, 50, 200), (220, 200, 150)


def quarters(width: int = 320, height: int = 240) -> Pixels:
    """Return a picture with a different colour in each quarter, `(height, width, 3)` RGB."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = SAND
    return pixels


def numbered(number: int) -> Pixels:
    """Return a grey picture whose brightness encodes its number, 0–20."""
    return np.full((120, 160, 3), 10 + 12 * number, np.uint8)


def number_of(pixels: Pixels) -> int:
    """Return the number of a picture that `numbered` made and a film has compressed."""
    return round((float(pixels.mean()) - 10) / 12)


def write_film(path: Path, pictures: Iterable[Pixels], fps: float = 30.0) -> Path:
    """Write RGB pictures as a film of MJPG."""
    film: cv2.VideoWriter | None = None
    for pixels in pictures:
        size = pixels.shape[1], pixels.shape[0]
        film = film or cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
        film.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert film is not None
    film.release()
    return path


def write_picture(path: Path, pixels: Pixels) -> Path:
    """Write one RGB picture."""
    assert cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return path


def turned(pixels: Pixels, rotate: int, mirror: bool) -> Pixels:
    """Return the picture rotated and mirrored by NumPy alone, as an oracle."""
    pixels = np.rot90(pixels, -rotate // 90)
    return pixels[:, ::-1] if mirror else pixels


def yunet_file() -> Path:
    """Return YuNet's file: the file that KIOSK_YUNET names, or the fetched file.

    Skips the test if there is neither.
    """
    if named := os.environ.get("KIOSK_YUNET"):
        return Path(named)
    if not yunet.WEIGHTS_FILE.is_file():
        pytest.skip("YuNet's file is not here (run `kiosk fetch yunet`, or name it in KIOSK_YUNET)")
    return yunet.WEIGHTS_FILE


def film_of_people() -> Path:
    """Return the film that KIOSK_FILM names: real people, at least ten of whose faces are found.

    Skips the test if the variable is not set.
    """
    if named := os.environ.get("KIOSK_FILM"):
        return Path(named)
    pytest.skip("KIOSK_FILM names no film of real people")


def face(box: Box, score: float = 0.9) -> Face:
    """Return a face with all its landmarks in the middle of the box."""
    x, y = box.centre
    return Face(box, score, ((x, y), (x, y), (x, y), (x, y), (x, y)))


def frames_of(film: Path, fps: float) -> Iterator[Frame]:
    """Yield the frames of `film`, unmirrored, at the times that they have at `fps`."""
    settings = CameraSettings(mirror=False)
    camera = open_camera(source.Film(film), settings, ManualClock(), as_fast_as_possible=True)
    for number in itertools.count():
        frame = camera.read()
        if frame is None:
            return
        yield replace(frame, taken_at=number / fps)
