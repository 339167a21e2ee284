"""Golden screens: what they are compared with, and how they are made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pygame
import pytest

from installation.seeing.frame import Pixels
from installation.settings.paths import PROJECT
from installation.showing.fonts import Fonts
from installation.showing.painter import Painter
from installation.showing.scene import Scene, Size
from installation.showing.typesetting import ScreenContext
from installation.showing.words import load_words

GOLDENS = Path(__file__).parent / "goldens"
FAILURES = PROJECT / "tests" / "failures"

TOLERANCE = 3
"""Largest difference of a channel, 0–255: OpenCV rounds by one on another processor's vectors."""

LARGEST_STORED = 2200
"""Longest side of a stored picture, px; larger screens are stored at half their size."""

Check = Callable[[str, Scene, ScreenContext], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update-goldens, for `pytest tests/showing`."""
    parser.addoption(
        "--update-goldens", action="store_true", help="store the screens as they are painted now"
    )


@pytest.fixture(scope="session")
def fonts() -> Fonts:
    """Return the bundled font for the kiosk's own words."""
    return Fonts(load_words().texts())


@pytest.fixture
def context(fonts: Fonts) -> Callable[[Size], ScreenContext]:
    """Return what makes the context for a screen of a size."""
    return lambda size: ScreenContext(load_words(), fonts, size)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Check:
    """Return what compares a painted scene with its golden picture."""
    update = bool(request.config.getoption("--update-goldens", default=False))

    def check(name: str, scene: Scene, context: ScreenContext) -> None:
        painted = _stored_form(_painted(scene, context))
        path = GOLDENS / f"{name}.png"
        if update:
            GOLDENS.mkdir(exist_ok=True)
            assert cv2.imwrite(str(path), painted[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
            return
        assert path.exists(), f"{path.name} is missing: run pytest tests/showing --update-goldens"
        expected = cv2.imread(str(path))
        assert expected is not None
        _compare(name, painted, np.asarray(expected[..., ::-1], np.uint8))

    return check


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
    """Fail where the two differ, with both and their difference beside each other in a picture."""
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
