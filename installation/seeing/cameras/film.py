"""Films and folders of pictures, played as if they were cameras.

Anything that can be played is a `Reel`: pictures one after another at a rate. `Replay` gives a reel
the manners of a camera: its own pace, the newest picture for a reader who comes late, and stamps
on the clock.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np

from installation.errors import CameraError, Mistake, display_path
from installation.running.clock import Clock
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.cameras.scene_cuts import Scenes
from installation.seeing.frame import Frame, Pixels

PICTURES = (".jpeg", ".jpg", ".png", ".webp")

PICTURE_S = 5.0
"""How long each picture of a folder is shown; long enough for a verdict."""

MOST_SKIPPED_S = 0.5
"""How much of a film a late reader loses at most.

A machine too slow to decode the film at its rate would otherwise skip ever more of it.
"""

USUAL_FPS = 30.0
"""The rate of a film that states none, or one that cannot be."""


class Reel(Protocol):
    """Pictures one after another."""

    name: str
    fps: float

    @property
    def scene(self) -> int:
        """The number of the scene that the last picture shows."""
        ...

    def next(self) -> Pixels | None:
        """Return the next picture, `(H, W, 3)` uint8 RGB; None at the end."""
        ...

    def skip(self) -> bool:
        """Pass over the next picture; False at the end."""
        ...

    def rewind(self) -> None:
        """Start again from the first picture."""
        ...

    def close(self) -> None:
        """Free what the reel holds. A second call does nothing."""
        ...


class Replay:
    """A camera that plays a reel.

    At its own rate it loops for ever, and a reader who comes late misses pictures, as with any
    camera: the film does not slow down. With `as_fast_as_possible` it gives each picture once,
    without waiting, and then None; for measurements.
    """

    def __init__(
        self, reel: Reel, turn: Orientation, clock: Clock, *, as_fast_as_possible: bool = False
    ) -> None:
        self.name = reel.name
        self._reel = reel
        self.pool = turn.pool
        self._turn = turn
        self._clock = clock
        self._hurry = as_fast_as_possible
        self._due_at: float | None = None

    def __repr__(self) -> str:
        return f"<Replay of {self.name}>"

    def read(self) -> Frame | None:
        """Return the frame that is due, waiting for it; None at the end where it does not loop."""
        if self._hurry:
            pixels = self._reel.next()
            if pixels is None:
                return None
            return Frame(self._turn.apply(pixels), self._clock.now(), self._reel.scene)
        self._skip_missed()
        pixels = self._reel.next()
        if pixels is None:
            self._reel.rewind()
            pixels = self._reel.next()
        if pixels is None:
            raise CameraError(
                Mistake(self.name, "it has no picture after its end", "Choose another source.")
            )
        pixels = self._turn.apply(pixels)
        # Decoded and turned ahead of its time, so that it arrives when it is due.
        assert self._due_at is not None
        self._clock.wait(self._due_at - self._clock.now())
        self._due_at += 1 / self._reel.fps
        return Frame(pixels, self._clock.now(), self._reel.scene)

    def _skip_missed(self) -> None:
        now = self._clock.now()
        if self._due_at is None:
            self._due_at = now
        late = now - self._due_at
        for _ in range(int(min(late, MOST_SKIPPED_S) * self._reel.fps)):
            if not self._reel.skip():
                self._reel.rewind()
                self._reel.skip()
            self._due_at += 1 / self._reel.fps
        if late > MOST_SKIPPED_S:
            self._due_at = now

    def forget(self) -> None:
        """Zero every picture that it gave."""
        self.pool.forget()

    def close(self) -> None:
        """Free the reel."""
        self._reel.close()


class Film:
    """A video file, decoded by OpenCV. Raises CameraError where it cannot be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._film = self._open()
        self._scenes = Scenes()
        fps = self._film.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 240 else USUAL_FPS
        self._first: Pixels | None = None
        self._first = self.next()
        if self._first is None:
            raise self._undecodable()
        height, width, _ = self._first.shape
        self.name = f"film {path.name}, {width}×{height} at {self.fps:.4g} fps"

    def __repr__(self) -> str:
        return f"<Film {self._path.name}>"

    @property
    def scene(self) -> int:
        """The number of the scene that the last picture shows."""
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
                "this film cannot be decoded; it is damaged, unfinished or no film",
                "Play it elsewhere to see whether it is whole, or convert it to MP4 with H.264.",
            )
        )

    def next(self) -> Pixels | None:
        """Return the next picture, RGB; None at the end."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        there, bgr = self._film.read()
        if not there:
            return None
        pixels = cast(Pixels, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        self._scenes.see(pixels)
        return pixels

    def skip(self) -> bool:
        """Pass over the next picture; False at the end."""
        if self._first is not None:
            self._first = None
            return True
        return self._film.grab()

    def rewind(self) -> None:
        """Start again from the first picture."""
        # Opened anew: not every format can be wound back.
        self._film.release()
        self._film = self._open()
        self._scenes.start_again()

    def close(self) -> None:
        """Free the file, and drop the picture that is held."""
        self._first = None
        self._film.release()


class Pictures:
    """A folder's pictures in the order of their names, each shown for `PICTURE_S`.

    Each is fitted whole into `width` × `height` px on black, so that the size never changes;
    `once` gives each a single time. Raises CameraError that names all that cannot be decoded.
    """

    def __init__(
        self, folder: Path, width: int, height: int, fps: float, *, once: bool = False
    ) -> None:
        try:
            self._files = sorted(
                file
                for file in folder.iterdir()
                if file.suffix.lower() in PICTURES and not file.name.startswith(".")
            )
        except OSError as error:
            what = f"this folder cannot be read ({error.strerror})"
            raise CameraError(
                Mistake(display_path(folder), what, "Check its permissions.")
            ) from None
        if not self._files:
            raise CameraError(
                Mistake(
                    display_path(folder),
                    f"this folder has no pictures (expected {', '.join(PICTURES)})",
                    "Put pictures into it, or choose another source.",
                )
            )
        if mistakes := [mistake for file in self._files if (mistake := _damage(file))]:
            raise CameraError(*mistakes)
        self._size = width, height
        self._each = 1 if once else round(PICTURE_S * fps)
        self._index = 0
        self._shown: tuple[Path, Pixels] | None = None
        self.scene = 0
        self.fps = fps
        self.name = f"folder {folder.name}, {len(self._files)} pictures at {width}×{height}"

    def __repr__(self) -> str:
        return f"<Pictures, {len(self._files)} of them>"

    def next(self) -> Pixels | None:
        """Return the next picture, RGB; None at the end."""
        file = self._at(self._index)
        if file is None:
            return None
        self._index += 1
        if self._shown is None or self._shown[0] != file:
            self._shown = file, self._decode(file)
            self.scene += 1
        return self._shown[1]

    def skip(self) -> bool:
        """Pass over the next picture; False at the end."""
        there = self._at(self._index) is not None
        self._index += there
        return there

    def _at(self, index: int) -> Path | None:
        number = index // self._each
        return self._files[number] if number < len(self._files) else None

    def _decode(self, file: Path) -> Pixels:
        try:
            picture = _read(file, cv2.IMREAD_COLOR_RGB)
        except OSError as error:
            picture, what = None, f"it cannot be read any more ({error.strerror})"
        else:
            what = "it was whole at the start and is damaged now"
        if picture is None:
            raise CameraError(
                Mistake(display_path(file), what, "Put it back, or choose another source.")
            )
        return _fitted(picture, *self._size)

    def rewind(self) -> None:
        """Start again from the first picture."""
        self._index = 0

    def close(self) -> None:
        """Forget the picture that is held."""
        self._shown = None


def _fitted(picture: Pixels, width: int, height: int) -> Pixels:
    """Return `picture` as large as it fits whole on `width` × `height` px of black."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    columns = min(width, max(1, round(picture.shape[1] * scale)))
    rows = min(height, max(1, round(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fitted = np.zeros((height, width, 3), np.uint8)
    left, top = (width - columns) // 2, (height - rows) // 2
    fitted[top : top + rows, left : left + columns] = cv2.resize(
        picture, (columns, rows), interpolation=how
    )
    return fitted


def _damage(file: Path) -> Mistake | None:
    """Return what is wrong with a picture; None where it can be decoded."""
    remedy = "Replace it or take it out of the folder."
    try:
        # An eighth of the size decodes several times as fast, and fails where the whole does.
        if _read(file, cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None:
            return None
    except OSError as error:
        return Mistake(
            display_path(file), f"this picture cannot be read ({error.strerror})", remedy
        )
    what = "this picture cannot be decoded; it is damaged or no picture"
    return Mistake(display_path(file), what, remedy)


def _read(file: Path, flags: int) -> Pixels | None:
    """Return the picture of `file`; None where it is none. Raises OSError."""
    data = np.frombuffer(file.read_bytes(), np.uint8)
    return cast("Pixels | None", cv2.imdecode(data, flags)) if data.size else None
