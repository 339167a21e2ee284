"""A film in four shots that the tests draw: the portrait of the rehearsal in several scenes.

The shots are those in which tracking goes wrong: two people who stand close to a cut, a fast pan, a
singer who moves, turns and is hidden by a hand, and an audience that looks aside.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from installation.seeing.cameras.played.rehearsal import OUTLINE
from installation.seeing.frame import Pixels
from tests.support.pictures import write_film

FPS = 30
SIZE = WIDTH, HEIGHT = 640, 360

STAGE, PAN, SINGER, AUDIENCE, END = 0, 20, 82, 211, 275
"""The frames on which the shots begin, and the number of frames."""

HIDDEN = range(SINGER + 60, SINGER + 70)
"""The frames on which a hand hides the singer's face."""

_FACE = (224, 112)
"""The middle of the face on the portrait, px."""
_FACE_PX = 110
"""Height of the face on the portrait, px."""

Colour = tuple[float, float, float]


def write_drawn_film(path: Path) -> Path:
    """Write the film, 640×360 px at 30 fps, to `path`, and return it."""
    return write_film(path, (_frame(number) for number in range(END)), FPS)


@cache
def portrait() -> Pixels:
    """Return scikit-image's portrait of the astronaut Eileen Collins, `(512, 512, 3)` RGB."""
    package = find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "data" / "astronaut.png"
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return cast(Pixels, picture)


@cache
def _portrait_in(light: Colour) -> Pixels:
    return np.clip(portrait() * np.array(light, np.float32), 0, 255).astype(np.uint8)


@cache
def _alpha() -> npt.NDArray[np.float32]:
    """Return how much of each pixel of the portrait is the person, `(512, 512)`, 0–1."""
    alpha = np.zeros((512, 512), np.float32)
    cv2.fillPoly(alpha, [np.array(OUTLINE, np.int32)], 1.0, lineType=cv2.LINE_AA)
    return cast("npt.NDArray[np.float32]", cv2.GaussianBlur(alpha, (0, 0), 2))


def _person(
    scene: Pixels,
    x: float,
    y: float,
    face_px: float,
    *,
    mirrored: bool = False,
    aside: float = 0.0,
    tilt_deg: float = 0.0,
    light: Colour = (1.0, 1.0, 1.0),
) -> None:
    """Draw a person whose face is at `x, y`, `face_px` high; `aside` 0–1 narrows the face."""
    scale = face_px / _FACE_PX
    across = scale * (1 - 0.35 * aside) * (-1 if mirrored else 1)
    cos, sin = math.cos(math.radians(tilt_deg)), math.sin(math.radians(tilt_deg))
    linear = np.array([[cos * across, -sin * scale], [sin * across, cos * scale]])
    shift = np.array([x, y]) - linear @ np.array(_FACE)
    matrix = np.hstack([linear, shift[:, None]])
    person = cv2.warpAffine(_portrait_in(light), matrix, SIZE, flags=cv2.INTER_LINEAR)
    alpha = cv2.warpAffine(_alpha(), matrix, SIZE, flags=cv2.INTER_LINEAR)
    cv2.blendLinear(person, scene, alpha, 1 - alpha, scene)


@cache
def _room(seed: int, width: int = WIDTH, columns: int = 8, contrast: int = 180) -> Pixels:
    """Return a room of coarse light and dark shapes, which differ for each `seed`."""
    shapes = np.random.default_rng(seed).uniform(20, 20 + contrast, (5, columns, 3))
    size = (width, HEIGHT)
    room = cv2.resize(shapes.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return cast(Pixels, np.clip(room, 0, 255).astype(np.uint8))


def person_at(x: float, y: float, face_px: float) -> Pixels:
    """Return a room with one person, whose face is at `x, y` and `face_px` high, 640×360 px."""
    scene = _room(3).copy()
    _person(scene, x, y, face_px)
    return scene


def _frame(number: int) -> Pixels:
    if number < PAN:
        return _stage(number - STAGE)
    if number < SINGER:
        return _pan(number - PAN)
    if number < AUDIENCE:
        return _singer(number - SINGER)
    return _audience(number - AUDIENCE)


def _stage(number: int) -> Pixels:
    scene = _room(1).copy()
    sway = 4 * math.sin(number / 4)
    _person(scene, 190 + sway, 130, 80)
    _person(scene, 450 - sway, 150, 70, mirrored=True, light=(0.8, 0.9, 1.2))
    return scene


def _pan(number: int) -> Pixels:
    """Return a view that moves by up to a sixteenth of its width from one frame to the next."""
    way = 0.5 - 0.5 * math.cos(math.pi * min(1.0, number / 25))
    left = round(way * WIDTH)
    scene = _room(2, 2 * WIDTH, columns=8, contrast=110)[:, left : left + WIDTH].copy()
    _person(scene, 900 - left, 160, 90, light=(1.1, 0.9, 0.8))
    return scene


def _singer(number: int) -> Pixels:
    scene = _room(3).copy()
    s = number / FPS
    x = 320 + 70 * math.sin(2 * math.pi * s / 2.1)
    y = 130 + 22 * math.sin(2 * math.pi * s / 0.9)
    _person(
        scene,
        x,
        y,
        110 + 15 * math.sin(2 * math.pi * s / 3.7),
        aside=max(0.0, math.sin(2 * math.pi * s / 2.9)),
        tilt_deg=14 * math.sin(2 * math.pi * s / 1.7),
    )
    if number + SINGER in HIDDEN:
        cv2.ellipse(scene, (round(x), round(y)), (60, 75), 0, 0, 360, (170, 120, 100), -1)
    return scene


def _audience(number: int) -> Pixels:
    scene = _room(4).copy()
    for seat, (x, y, face_px) in enumerate(
        ((90, 100, 62), (240, 120, 70), (400, 110, 66), (550, 135, 76))
    ):
        nod = 3 * math.sin(number / 9 + seat)
        light = ((1.0, 1.0, 1.0), (0.7, 0.8, 0.9), (1.1, 1.0, 0.7), (0.9, 0.7, 0.7))[seat]
        _person(scene, x, y + nod, face_px, mirrored=seat % 2 == 1, aside=0.9, light=light)
    return scene
