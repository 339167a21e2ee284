"""A video file, decoded by OpenCV."""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import cv2

from installation.errors import CameraError, Mistake, display_path
from installation.seeing.cameras.played.scene_cuts import SceneCounter
from installation.seeing.frame import Pixels

DEFAULT_FPS = 30.0
"""The rate of a film whose file states no rate or an impossible one, pictures per second."""


class FilmPictures:
    """The pictures of a video file. Raises CameraError if the file cannot be decoded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._film = self._open()
        self._scenes = SceneCounter()
        fps = self._film.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 240 else DEFAULT_FPS
        self._first: Pixels | None = None
        self._first = self.next()
        if self._first is None:
            raise self._undecodable()
        height, width, _ = self._first.shape
        self.name = f"film {path.name}, {width}×{height} at {self.fps:.4g} fps"

    def __repr__(self) -> str:
        return f"<FilmPictures {self._path.name}>"

    @property
    def scene(self) -> int:
        """The number of the newest picture's scene; each cut in the film starts a new scene."""
        return self._scenes.number

    def _open(self) -> cv2.VideoCapture:
        film = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not film.isOpened():
            raise self._undecodable()
        return film

    def _undecodable(self) -> CameraError:
        return CameraError(
            Mistake(
                display_path(self._path),
                "this file cannot be decoded; it is damaged, incomplete or not a film",
                "Check whether another program can play the whole film, or convert it to MP4 "
                "with H.264.",
            )
        )

    def next(self) -> Pixels | None:
        """Return the next picture, BGR, or None at the end of the film."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        decoded, bgr = self._film.read()
        if not decoded:
            return None
        pixels = cast(Pixels, bgr)
        self._scenes.update(pixels)
        return pixels

    def skip(self) -> bool:
        """Skip the next picture; return False at the end of the film."""
        if self._first is not None:
            self._first = None
            return True
        return self._film.grab()

    def rewind(self) -> None:
        """Go back to the first picture."""
        # The file is opened again, because OpenCV cannot seek in every format.
        self._film.release()
        self._film = self._open()
        self._scenes.restart()

    def close(self) -> None:
        """Close the file and drop the last picture."""
        self._first = None
        self._film.release()
