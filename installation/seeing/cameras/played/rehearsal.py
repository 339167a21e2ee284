"""The rehearsal: an animated visitor, for a machine without a camera.

NASA's portrait of the astronaut Eileen Collins (public domain, in the package scikit-image) is cut
out along its outline and shown in front of a plain wall. The visitor walks in from the side, stays
long enough to get a label, and leaves. Rejected: zooming in and out on the whole portrait, because
its edges would be visible whenever the visitor is far away.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from installation.errors import CameraError, Mistake
from installation.seeing.frame import Pixels

ENTER_S = 2.0
STAY_S = 12.0
LEAVE_S = 2.5
EMPTY_S = 3.5
VISIT_S = ENTER_S + STAY_S + LEAVE_S + EMPTY_S
"""The duration of one visit plus the time for which the room is empty after it, s."""

PORTRAIT_PX = 512
"""Width and height of the portrait, px."""

NAME = "rehearsal"
"""The rehearsal's name in the log; by this name the show also knows that a camera is the rehearsal.
"""

OUTLINE = (
    *((228, 17), (262, 23), (283, 43), (295, 67), (299, 92), (296, 118), (282, 128), (271, 134)),
    *((266, 150), (257, 172), (275, 188), (295, 209), (303, 232), (303, 247), (322, 250)),
    *((345, 270), (356, 300), (361, 346), (385, 345), (420, 352), (455, 373), (479, 401)),
    *((492, 430), (496, 456), (505, 468), (508, 490), (507, 520), (23, 520), (25, 470)),
    *((23, 430), (29, 370), (37, 310), (51, 271), (76, 246), (113, 222), (114, 196), (121, 176)),
    *((138, 158), (160, 151), (186, 151), (184, 140), (180, 128), (166, 120), (156, 101)),
    *((154, 80), (160, 56), (175, 39), (195, 25)),
)
"""The visitor's outline on the portrait, x and y in px; drawn by hand."""

MIDDLE_PX = 245
"""The column of the portrait that is the middle of the visitor, px: between the astronaut's head
and the helmet that she holds.
"""

BREADTH_PX = 540
"""The width of the visitor including a margin on both sides, in px of the portrait."""

WALL = (120, 140, 150)
"""The colour of the wall behind the visitor, BGR; close to the portrait's background, so that the
hair has no bright rim.
"""

FAR = 0.6
"""The visitor's size when entering, relative to the size in front of the screen."""


class RehearsalPictures:
    """The pictures of one visit, which are the same on every machine.

    Raises CameraError if scikit-image's portrait is missing.
    """

    scene = 0

    def __init__(self, width: int, height: int, fps: float) -> None:
        self._width, self._height = width, height
        self.fps = fps
        self.name = f"{NAME}, {width}×{height} at {fps:.4g} fps"
        self._visitor = _cut_out(read_portrait())
        self._light = _light(width, height)
        self._index = 0

    def __repr__(self) -> str:
        return f"<RehearsalPictures {self._width}×{self._height}>"

    def next(self) -> Pixels | None:
        """Return the next picture, BGR; None when the visit is over."""
        moment_s = self._index / self.fps
        if moment_s >= VISIT_S:
            return None
        self._index += 1
        return self.picture(moment_s)

    def skip(self) -> bool:
        """Skip the next picture; return False when the visit is over."""
        if self._index / self.fps >= VISIT_S:
            return False
        self._index += 1
        return True

    def rewind(self) -> None:
        """Go back to the beginning of the visit."""
        self._index = 0

    def close(self) -> None:
        """Do nothing: no file is open."""

    def picture(self, moment_s: float) -> Pixels:
        """Return the picture `moment_s` seconds into the visit, `(height, width, 3)` uint8 BGR."""
        size, x, y = _position(moment_s)
        # On a tall screen the shoulders are cropped, so that the visitor is not shown small.
        scale = size * min(self._height * 0.98, self._width * 1.4) / PORTRAIT_PX
        left = x * self._width + ((x - 0.5) * BREADTH_PX - MIDDLE_PX) * scale
        top = self._height * (1 + y) - PORTRAIT_PX * 0.95 * scale
        placed = cv2.warpAffine(
            self._visitor,
            np.array([[scale, 0, left], [0, scale, top]]),
            (self._width, self._height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=WALL,
        )
        return cast(Pixels, cv2.multiply(placed, self._light, scale=1 / 255))


def _position(moment_s: float) -> tuple[float, float, float]:
    """Return the visitor's size, horizontal position and downward offset at the time `moment_s`.

    The size is 1 when the visitor arrives in front of the screen. At the position 0 the visitor is
    completely outside the picture, on its left; at 0.5 in its middle; at 1 outside, on its right.
    The offset is a fraction of the picture's height.
    """
    staying_s, leaving_s = moment_s - ENTER_S, moment_s - ENTER_S - STAY_S
    if staying_s < 0:
        way = _eased(moment_s / ENTER_S)
        return FAR + (1 - FAR) * way, 1 - 0.5 * way, 0.0
    if leaving_s < 0:
        # A person who stands still sways slowly and steps closer. `envelope` is 0 when this
        # begins and when it ends.
        envelope = math.sin(math.pi * staying_s / STAY_S)
        sway = envelope * math.sin(2 * math.pi * staying_s / 5.0)
        nod = envelope * math.sin(2 * math.pi * staying_s / 3.3)
        return 1 + 0.06 * envelope, 0.5 + 0.015 * sway, 0.008 + 0.008 * nod
    way = _eased(leaving_s / LEAVE_S)
    return 1 - (1 - FAR) * way, 0.5 - 0.5 * way, 0.0


def _eased(way: float) -> float:
    """Return which part of a movement is done (0–1) after the part `way` (0–1) of its time.

    The movement starts and ends slowly.
    """
    way = min(1.0, max(0.0, way))
    return way * way * (3 - 2 * way)


def read_portrait() -> Pixels:
    """Return the portrait, `(512, 512, 3)` uint8 BGR; raises CameraError if it is missing."""
    # The package is found without importing it, which would take longer than reading the file.
    package = find_spec("skimage")
    root = Path(package.origin).parent if package is not None and package.origin else None
    file = root / "data" / "astronaut.png" if root else None
    data = np.fromfile(file, np.uint8) if file and file.is_file() else np.empty(0, np.uint8)
    portrait = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if portrait is None or portrait.shape != (PORTRAIT_PX, PORTRAIT_PX, 3):
        raise CameraError(
            Mistake(
                "rehearsal",
                "the portrait data/astronaut.png of the package scikit-image is missing or damaged",
                "Reinstall scikit-image, or change camera.source.",
            )
        )
    return cast(Pixels, portrait)


def _cut_out(portrait: Pixels) -> Pixels:
    """Return a copy of `portrait` whose background, outside `OUTLINE`, has the colour `WALL`."""
    mask = np.zeros((PORTRAIT_PX, PORTRAIT_PX), np.uint8)
    cv2.fillPoly(mask, [np.array(OUTLINE, np.int32)], 255, lineType=cv2.LINE_AA)
    # The outline is eroded a little, because the portrait's bright background would be visible as a
    # rim around the hair. It extends below the portrait, so the shoulders are not eroded at the
    # lower edge.
    mask = cast(Pixels, cv2.erode(mask, np.ones((5, 5), np.uint8)))
    mask = cast(Pixels, cv2.GaussianBlur(mask, (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE))
    alpha = mask[:, :, None].astype(np.float32) / 255  # (512, 512, 1)
    blended = portrait * alpha + np.array(WALL, np.float32) * (1 - alpha)
    return cast(Pixels, blended.round().astype(np.uint8))


def _light(width: int, height: int) -> Pixels:
    """Return the room's brightness at each pixel, `(height, width, 3)`; 255 is full brightness."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1 - 0.22 * np.minimum(1.5, x**2 + (y + 0.2) ** 2)
    return np.repeat((light * 255).round().astype(np.uint8)[:, :, None], 3, axis=2)
