"""Shows the pictures of a folder one after another."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np

from installation.errors import CameraError, Mistake, counted, display_path
from installation.seeing.frame import Pixels
from installation.settings.source import PICTURE_SUFFIXES, UNPLAYED_SUFFIXES

PICTURE_S = 5.0
"""The time for which each picture is shown, s; long enough for the classifier to settle on a name.
"""

START_OF_JPEG, END_OF_JPEG = b"\xff\xd8", b"\xff\xd9"

MAX_MISSING = 0.1
"""The largest share of a JPEG's rows that may be missing at its end."""


class FolderPictures:
    """The pictures in a folder, in the order of their file names, each shown for `PICTURE_S`.

    Each picture is scaled to fit into a frame without cropping, with black borders; all frames have
    the same size. Raises CameraError, which names all pictures that cannot be decoded.
    """

    def __init__(
        self, folder: Path, width: int, height: int, fps: float, *, once: bool = False
    ) -> None:
        """Check that all pictures in `folder` can be decoded.

        `next` returns pictures of `width` × `height` px. It returns each of them
        `PICTURE_S` × `fps` times in a row, or a single time if `once` is true.
        """
        try:
            named = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
        except OSError as error:
            problem = f"this folder cannot be read ({error.strerror})"
            raise CameraError(
                Mistake(display_path(folder), problem, "Check its permissions.")
            ) from None
        self._files = [file for file in named if file.suffix.lower() in PICTURE_SUFFIXES]
        unplayed = [file for file in named if file.suffix.lower() in UNPLAYED_SUFFIXES]
        if not self._files and not unplayed:
            raise CameraError(
                Mistake(
                    display_path(folder),
                    f"this folder contains no pictures (expected {', '.join(PICTURE_SUFFIXES)})",
                    "Put pictures into the folder, or change camera.source.",
                )
            )
        mistakes = [mistake for file in self._files if (mistake := _check(file))]
        if mistakes := [*mistakes, *map(_unplayed, unplayed)]:
            raise CameraError(*mistakes)
        self._size = width, height
        self._repeats = 1 if once else round(PICTURE_S * fps)
        self._index = 0
        self._held: tuple[Path, Pixels] | None = None
        self.scene = 0
        self.fps = fps
        count = counted(len(self._files), "picture")
        self.name = f"folder {folder.name}, {count} at {width}×{height} px"

    def __repr__(self) -> str:
        return f"<FolderPictures, {len(self._files)} pictures>"

    def next(self) -> Pixels | None:
        """Return the next picture, BGR, or None at the end.

        Raises CameraError if the picture is damaged.
        """
        file = self._file_at(self._index)
        if file is None:
            return None
        self._index += 1
        if self._held is None or self._held[0] != file:
            self._held = file, self._decode(file)
            self.scene += 1
        return self._held[1]

    def skip(self) -> bool:
        """Skip the next picture; return False at the end."""
        if self._file_at(self._index) is None:
            return False
        self._index += 1
        return True

    def _file_at(self, index: int) -> Path | None:
        number = index // self._repeats
        return self._files[number] if number < len(self._files) else None

    def _decode(self, file: Path) -> Pixels:
        try:
            picture = _read(file, cv2.IMREAD_COLOR)
        except OSError as error:
            picture, problem = None, f"this picture can no longer be read ({error.strerror})"
        else:
            problem = "this picture was damaged after the start of the show"
        if picture is None:
            remedy = "Put the undamaged picture back into the folder, or change camera.source."
            raise CameraError(Mistake(display_path(file), problem, remedy))
        return _fitted(picture, *self._size)

    def rewind(self) -> None:
        """Go back to the first picture."""
        self._index = 0

    def close(self) -> None:
        """Drop the picture that `next` returned last."""
        self._held = None


def _fitted(picture: Pixels, width: int, height: int) -> Pixels:
    """Return `picture` scaled into a black frame of `width` × `height` px without cropping."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    columns = min(width, max(1, round(picture.shape[1] * scale)))
    rows = min(height, max(1, round(picture.shape[0] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fitted = np.zeros((height, width, 3), np.uint8)
    left, top = (width - columns) // 2, (height - rows) // 2
    fitted[top : top + rows, left : left + columns] = cv2.resize(
        picture, (columns, rows), interpolation=interpolation
    )
    return fitted


def _check(file: Path) -> Mistake | None:
    """Return a `Mistake` that says why the picture `file` cannot be decoded; None if it can."""
    remedy = "Replace the picture, or remove it from the folder."
    try:
        # Decoding at an eighth of the size is several times as fast, and fails for the same files.
        if _read(file, cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None:
            return None
    except OSError as error:
        problem = f"this picture cannot be read ({error.strerror})"
        return Mistake(display_path(file), problem, remedy)
    problem = "this picture cannot be decoded; it is damaged or not a picture"
    return Mistake(display_path(file), problem, remedy)


def _unplayed(file: Path) -> Mistake:
    problem = f"pictures of this kind are not played (expected {', '.join(PICTURE_SUFFIXES)})"
    return Mistake(display_path(file), problem, "Export it as JPEG, or remove it from the folder.")


def _read(file: Path, flags: int) -> Pixels | None:
    """Return the decoded picture, or None if the file cannot be decoded. Raises OSError.

    Viewers show a JPEG that lacks its last two bytes, the end marker, but OpenCV 5.0.0.93 does not
    decode it. If an end marker is added, OpenCV decodes the rows that are in the file, and makes
    the missing rows grey.
    """
    data = file.read_bytes()
    picture = _decoded(data, flags)
    if picture is None and data.startswith(START_OF_JPEG):
        picture = _decoded(data + END_OF_JPEG, flags)
        if picture is not None and _missing_share(picture) > MAX_MISSING:
            return None
    return picture


def _decoded(data: bytes, flags: int) -> Pixels | None:
    numbers = np.frombuffer(data, np.uint8)
    return cast("Pixels | None", cv2.imdecode(numbers, flags)) if numbers.size else None


def _missing_share(picture: Pixels) -> float:
    """Return the share of rows, 0–1, that are missing at the bottom, where decoders put grey."""
    ends = picture[::-1, -1:].reshape(len(picture), -1).astype(int)
    missing = np.all(abs(ends - 128) <= 1, axis=1)
    return 1.0 if missing.all() else int(missing.argmin()) / len(picture)
