"""Golden screens: how a painted scene is compared with its stored picture, and stored again."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pygame
import pytest

from installation.seeing.frame import Pixels
from installation.settings.paths import PROJECT
from installation.showing.painter import Painter
from installation.showing.scene import Scene
from installation.showing.type.typesetting import ScreenContext

GOLDENS = PROJECT / "tests" / "showing" / "goldens"
FAILURES = PROJECT / "tests" / "failures"

TOLERANCE = 3
"""Largest difference of a channel, 0–255: OpenCV rounds by one on another processor's vectors."""

LARGEST_STORED = 2200
"""Longest side of a stored picture, px; larger screens are stored at half their size."""

Check = Callable[[str, Scene, ScreenContext], None]
"""Compares a scene, painted, with the golden picture of a name; fails the test if they differ."""


def store(name: str, scene: Scene, context: ScreenContext) -> None:
    """Store `scene`, painted, as the golden picture `name`."""
    GOLDENS.mkdir(exist_ok=True)
    pixels = _stored_form(_painted(scene, context))
    path = GOLDENS / f"{name}.png"
    assert cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def compare(name: str, scene: Scene, context: ScreenContext) -> None:
    """Fail if `scene`, painted, differs from the golden picture `name`, or if there is none."""
    path = GOLDENS / f"{name}.png"
    assert path.exists(), f"{path.name} is missing: run pytest tests/showing --update-goldens"
    expected = cv2.imread(str(path))
    assert expected is not None
    painted = _stored_form(_painted(scene, context))
    _compare(name, painted, np.asarray(expected[..., ::-1], np.uint8))


def _painted(scene: Scene, context: ScreenContext) -> Pixels:
    surface = pygame.Surface(context.size, depth=32)
    Painter(context.fonts).paint(scene, surface)
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


def _stored_form(pixels: Pixels) -> Pixels:
    height, width, _ = pixels.shape
    if max(height, width) <= LARGEST_STORED:
        return pixels
    half = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)


def _compare(name: str, painted: Pixels, expected: Pixels) -> None:
    """Fail if the two differ; a picture in tests/failures shows both, and where they differ."""
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
