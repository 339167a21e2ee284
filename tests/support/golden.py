"""Golden screens: how a painted scene is compared with its stored picture, and stored again."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import pygame
import pytest
from PIL import Image

from installation.seeing.frame import Pixels
from installation.settings.paths import PROJECT
from installation.showing.painter import Painter
from installation.showing.scene import Scene
from installation.showing.type.typesetting import ScreenContext

GOLDENS = PROJECT / "tests" / "showing" / "goldens"
FAILURES = PROJECT / "tests" / "failures"

STEP = 4
"""The step of stored channels, 0–255: few enough colours for a palette, which halves the size."""

TOLERANCE = 5
"""The largest difference of a channel from the stored one, 0–255: half of `STEP`; OpenCV rounds
differently on other processors.
"""

LONGEST_STORED = 1920
"""The longest side of a stored picture, px."""

SHORTER_STORED = 960
"""The longest side of a stored picture that is more for positions than for letters, px."""


class Check(Protocol):
    """Compares a painted scene with its golden picture; fails the test if they differ.

    `shorter` says that the stored picture may be small, which keeps the folder small.
    """

    def __call__(
        self, name: str, scene: Scene, context: ScreenContext, *, shorter: bool = False
    ) -> None: ...


def store(name: str, scene: Scene, context: ScreenContext, *, shorter: bool = False) -> None:
    """Store the painted `scene` as the golden picture `name`."""
    GOLDENS.mkdir(exist_ok=True)
    pixels = _stored_form(_painted(scene, context), shorter=shorter)
    rounded = np.minimum(255, (pixels.astype(np.uint16) + STEP // 2) // STEP * STEP)
    picture = Image.fromarray(rounded.astype(np.uint8))
    if picture.getcolors() is not None:  # at most 256
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(GOLDENS / f"{name}.png", optimize=True)


def compare(name: str, scene: Scene, context: ScreenContext, *, shorter: bool = False) -> None:
    """Fail if the painted `scene` differs from the golden picture `name`, or if there is none."""
    path = GOLDENS / f"{name}.png"
    assert path.exists(), f"{path.name} is missing: run pytest tests/showing --update-goldens"
    expected = cv2.imread(str(path))
    assert expected is not None
    painted = _stored_form(_painted(scene, context), shorter=shorter)
    _compare(name, painted, np.asarray(expected[..., ::-1], np.uint8))


def _painted(scene: Scene, context: ScreenContext) -> Pixels:
    surface = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(scene, surface)
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


def _stored_form(pixels: Pixels, *, shorter: bool) -> Pixels:
    """Return `pixels`, reduced to half or a quarter of its sides if it is larger than allowed."""
    height, width, _ = pixels.shape
    longest = SHORTER_STORED if shorter else LONGEST_STORED
    parts = 1
    while max(height, width) > parts * longest:
        parts *= 2
    if parts == 1:
        return pixels
    size = (width // parts, height // parts)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _compare(name: str, painted: Pixels, expected: Pixels) -> None:
    """Fail if they differ; a picture in tests/failures shows both, and where they differ."""
    same_shape = painted.shape == expected.shape
    apart = np.abs(painted.astype(np.int16) - expected) if same_shape else np.array([255])
    if apart.max() <= TOLERANCE:
        return
    FAILURES.mkdir(exist_ok=True)
    path = FAILURES / f"{name}.png"
    shown = [expected, painted]
    if same_shape:
        shown.append(np.where(apart > TOLERANCE, 255, 0).astype(np.uint8))
    canvas = np.zeros(
        (max(each.shape[0] for each in shown), sum(each.shape[1] for each in shown), 3), np.uint8
    )
    x = 0
    for each in shown:
        canvas[: each.shape[0], x : x + each.shape[1]] = each
        x += each.shape[1]
    cv2.imwrite(str(path), canvas[..., ::-1])
    count = int((apart > TOLERANCE).any(axis=-1).sum())
    pytest.fail(f"{name} differs at {count} px; see tests/failures/{name}.png", pytrace=False)
