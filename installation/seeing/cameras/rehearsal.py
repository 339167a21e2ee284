"""The built-in visitor, for a machine without a camera.

NASA's portrait of the astronaut Eileen Collins (public domain, carried by scikit-image) is cut out
along its outline and set before a plain wall. The visitor walks in from the side, looks for long
enough to be named, and leaves. Zooming on the whole portrait instead would show its own edges as
soon as the visitor stands far away.
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

COMES_S = 2.0
LOOKS_S = 12.0
LEAVES_S = 2.5
EMPTY_S = 3.5
VISIT_S = COMES_S + LOOKS_S + LEAVES_S + EMPTY_S
"""One visit and the empty room after it."""

SIZE = 512
"""Sides of the portrait, px."""

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

MIDDLE = 245
"""The portrait's column that stands in the middle of the picture, between head and helmet, px."""

BREADTH = 540
"""How far the visitor reaches to both sides of the middle together, with some room, px."""

WALL = (150, 140, 120)
"""The wall behind the visitor, RGB; not far from the portrait's own, so that hair shows no rim."""

FAR = 0.6
"""How large the visitor is at the door, where 1 is before the screen."""


class Rehearsal:
    """A reel of one visit: the same picture for the same moment, whatever the machine.

    Raises CameraError where scikit-image's portrait is missing.
    """

    scene = 0

    def __init__(self, width: int, height: int, fps: float) -> None:
        self._width, self._height = width, height
        self.fps = fps
        self.name = f"rehearsal, {width}×{height} at {fps:.4g} fps"
        self._visitor = _cut_out(_portrait())
        self._light = _light(width, height)
        self._index = 0

    def __repr__(self) -> str:
        return f"<Rehearsal {self._width}×{self._height}>"

    def next(self) -> Pixels | None:
        """Return the picture of the next moment, RGB; None once the visit is over."""
        moment = self._index / self.fps
        if moment >= VISIT_S:
            return None
        self._index += 1
        return self.picture(moment)

    def skip(self) -> bool:
        """Pass over the next moment; False once the visit is over."""
        there = self._index / self.fps < VISIT_S
        self._index += there
        return there

    def rewind(self) -> None:
        """Let the visitor come again."""
        self._index = 0

    def close(self) -> None:
        """Do nothing: the reel holds no device."""

    def picture(self, moment: float) -> Pixels:
        """Return what is seen `moment` seconds after the visitor came to the door."""
        size, x, y = _place(moment)
        # A tall screen crops the shoulders rather than showing the visitor from afar.
        scale = size * min(self._height * 0.98, self._width * 1.4) / SIZE
        left = x * self._width + ((x - 0.5) * BREADTH - MIDDLE) * scale
        top = self._height * (1 + y) - SIZE * 0.95 * scale
        placed = cv2.warpAffine(
            self._visitor,
            np.array([[scale, 0, left], [0, scale, top]]),
            (self._width, self._height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=WALL,
        )
        return cast(Pixels, cv2.multiply(placed, self._light, scale=1 / 255))


def _place(moment: float) -> tuple[float, float, float]:
    """Return the visitor's size (1 is near), middle (0–1 of the width) and sinking (of the height).

    At x = 0 and 1 the visitor is just out of sight on the left and on the right.
    """
    looks_s, leaves_s = moment - COMES_S, moment - COMES_S - LOOKS_S
    if looks_s < 0:
        way = _eased(moment / COMES_S)
        return FAR + (1 - FAR) * way, 1 - 0.5 * way, 0.0
    if leaves_s < 0:
        # Nobody stands still: a slow sway and a step closer, at rest at both ends.
        calm = math.sin(math.pi * looks_s / LOOKS_S)
        sway = calm * math.sin(2 * math.pi * looks_s / 5.0)
        nod = calm * math.sin(2 * math.pi * looks_s / 3.3)
        return 1 + 0.06 * calm, 0.5 + 0.015 * sway, 0.008 + 0.008 * nod
    way = _eased(leaves_s / LEAVES_S)
    return 1 - (1 - FAR) * way, 0.5 - 0.5 * way, 0.0


def _eased(way: float) -> float:
    """Return a way from 0 to 1 that starts and ends at rest."""
    way = min(1.0, max(0.0, way))
    return way * way * (3 - 2 * way)


def _portrait() -> Pixels:
    """Return the portrait, `(512, 512, 3)` uint8 RGB."""
    # Found without importing scikit-image, which takes longer than reading its file.
    package = find_spec("skimage")
    root = Path(package.origin).parent if package is not None and package.origin else None
    file = root / "data" / "astronaut.png" if root else None
    data = np.fromfile(file, np.uint8) if file and file.is_file() else np.empty(0, np.uint8)
    portrait = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    if portrait is None or portrait.shape != (SIZE, SIZE, 3):
        raise CameraError(
            Mistake(
                "rehearsal",
                "the portrait data/astronaut.png of the package scikit-image is missing or damaged",
                "Install scikit-image again, or choose another source.",
            )
        )
    return cast(Pixels, portrait)


def _cut_out(portrait: Pixels) -> Pixels:
    """Return the visitor before the wall, in the portrait's size."""
    stencil = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(stencil, [np.array(OUTLINE, np.int32)], 255, lineType=cv2.LINE_AA)
    # Drawn in a little, for the portrait's bright backdrop would show as a rim around the hair. The
    # outline goes on below the portrait, so the shoulders stay whole at its lower edge.
    stencil = cast(Pixels, cv2.erode(stencil, np.ones((5, 5), np.uint8)))
    stencil = cast(Pixels, cv2.GaussianBlur(stencil, (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE))
    share = stencil[:, :, None].astype(np.float32) / 255  # (512, 512, 1)
    blended = portrait * share + np.array(WALL, np.float32) * (1 - share)
    return cast(Pixels, blended.round().astype(np.uint8))


def _light(width: int, height: int) -> Pixels:
    """Return how bright each pixel of the room is, `(height, width, 3)`, 255 is full light."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1 - 0.22 * np.minimum(1.5, x**2 + (y + 0.2) ** 2)
    return np.repeat((light * 255).round().astype(np.uint8)[:, :, None], 3, axis=2)
