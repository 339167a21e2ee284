"""The pictures on which `scripts/fairness` measures, and changed copies (views) of each picture.

A folder contains pictures and `photos.csv`, with a row for each: `picture` (the file), `x0`, `y0`,
`x1`, `y1` (the face's box, px), `presentation` (`f`, `m` or `?`: how the person is perceived in it,
used only to measure whether all are treated alike), `webcam` (1 if taken by a webcam) and `source`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from installation.naming.reading.crops import BUST_SIDE, FACE_SIDE
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels

SHIFT = 0.05
"""How far a crop is moved, enlarged or made smaller, as a share of its side."""

LIGHT = 0.1
"""A picture is made brighter by multiplying its RGB levels by 1 + `LIGHT`, and darker by
multiplying them by 1 − `LIGHT`.
"""

SKIN_LIGHT = 0.6
"""Skin is darkened by multiplying its levels by this factor. It is lightened by multiplying the
distance of its levels from white by this factor.
"""

SKIN_CHROMA = 9.0
"""The largest distance between the colour of skin and the median colour of the face, in a* and b*
levels of Lab.
"""

WALL = (186, 180, 170)
"""The plain wall's colour, in RGB levels."""

WALL_SIDE = 160
"""The longer side of the reduced picture in which GrabCut separates a person from the room, px."""

DIM = 0.2
"""The factor by which the light in a picture is multiplied for a dim room."""

SHOT_NOISE, READ_NOISE = 1.2, 3.0
"""The noise of a cheap camera in a dim room: its standard deviation, in levels, is
`SHOT_NOISE · √level + READ_NOISE`.
"""


@dataclass(frozen=True, eq=False)
class Photo:
    """One person on one picture."""

    name: str
    frame: Frame
    box: Box
    presentation: str
    is_webcam: bool


View = Callable[[Frame, Box], tuple[Frame, Box]]
"""A function that returns a changed picture of the same person, and the face's box on it."""


def read_photos(folder: Path) -> Iterator[Photo]:
    """Yield the pictures of `folder` that photos.csv lists; raises OSError or KeyError."""
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pixels = cv2.imread(str(folder / row["picture"]), cv2.IMREAD_COLOR_RGB)
            if pixels is None:
                raise OSError(f"{folder / row['picture']}: it is not a picture.")
            box = Box(*(float(row[edge]) for edge in ("x0", "y0", "x1", "y1")))
            frame = Frame.from_rgb(np.asarray(pixels, np.uint8), 0.0)
            yield Photo(row["picture"], frame, box, row["presentation"], row["webcam"] == "1")


def _moved(right: float, down: float) -> View:
    def view(frame: Frame, box: Box) -> tuple[Frame, Box]:
        step = SHIFT * BUST_SIDE * box.height
        x, y = right * step, down * step
        return frame, Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)

    return view


def _enlarged(factor: float) -> View:
    def view(frame: Frame, box: Box) -> tuple[Frame, Box]:
        return frame, Box.from_centre(*box.centre, box.width * factor, box.height * factor)

    return view


def _lit(factor: float) -> View:
    def view(frame: Frame, box: Box) -> tuple[Frame, Box]:
        return _frame(frame.to_rgb().astype(np.float32) * factor), box

    return view


def _mirrored(frame: Frame, box: Box) -> tuple[Frame, Box]:
    width = frame.width
    pixels = np.ascontiguousarray(frame.bgr[:, ::-1])
    return Frame(bgr=pixels, taken_at=0.0), Box(width - box.x1, box.y0, width - box.x0, box.y1)


def skin(pixels: Pixels, box: Box) -> npt.NDArray[np.float32]:
    """Return how much each pixel looks like the skin of the face in `box`, `(H, W)` in 0–1.

    A pixel is compared with the median colour of the central area of the face, half as wide and
    half as high as `box`. Only hue and saturation count: the distance in a* and b*. Up to
    `SKIN_CHROMA` the result is 1, and from 1.5 times `SKIN_CHROMA` on it is 0. Cloth or wood of
    the same colour counts as skin.
    """
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32)
    x, y = box.centre
    columns = slice(max(0, round(x - box.width / 4)), max(1, round(x + box.width / 4)))
    rows = slice(max(0, round(y - box.height / 4)), max(1, round(y + box.height / 4)))
    middle = np.median(lab[rows, columns, 1:].reshape(-1, 2), axis=0)
    distance = np.linalg.norm(lab[..., 1:] - middle, axis=2)
    share = np.clip((1.5 * SKIN_CHROMA - distance) / (0.5 * SKIN_CHROMA), 0, 1)
    return np.asarray(cv2.GaussianBlur(share, (0, 0), 1.0), np.float32)


def _with_skin(lightness: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]) -> View:
    def view(frame: Frame, box: Box) -> tuple[Frame, Box]:
        lab = cv2.cvtColor(frame.to_rgb(), cv2.COLOR_RGB2LAB).astype(np.float32)
        share = skin(frame.to_rgb(), box)
        lab[..., 0] += share * (lightness(lab[..., 0]) - lab[..., 0])
        pixels = cv2.cvtColor(lab.round().clip(0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
        return Frame.from_rgb(np.asarray(pixels, np.uint8), 0.0), box

    return view


def _bare_face(frame: Frame, box: Box) -> tuple[Frame, Box]:
    """Return the face alone, as if the person were so near that the frame contains nothing else."""
    side = FACE_SIDE * max(box.width, box.height)
    x, y = box.centre
    left, top = max(0, round(x - side / 2)), max(0, round(y - side / 2))
    bgr = frame.bgr[top : round(y + side / 2), left : round(x + side / 2)]
    return Frame(bgr=np.ascontiguousarray(bgr), taken_at=0.0), Box(
        box.x0 - left, box.y0 - top, box.x1 - left, box.y1 - top
    )


def _before_a_wall(frame: Frame, box: Box) -> tuple[Frame, Box]:
    """Return the person in front of a plain wall that is darker at its edges.

    GrabCut cuts the person out of `frame`.
    """
    height, width = frame.height, frame.width
    scale = min(1.0, WALL_SIDE / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(frame.to_rgb(), size, interpolation=cv2.INTER_AREA)
    mask = np.full(small.shape[:2], cv2.GC_PR_BGD, np.uint8)
    x, y, tall = (number * scale for number in (*box.centre, box.height))
    mask[: max(1, round(y - 0.8 * tall))] = cv2.GC_BGD
    trunk = (round(x), round(y + 2.6 * tall)), (round(1.2 * tall), round(2.0 * tall))
    cv2.ellipse(mask, *trunk, 0, 0, 360, int(cv2.GC_PR_FGD), cv2.FILLED)
    head = (round(x), round(y)), (round(0.45 * tall), round(0.6 * tall))
    cv2.ellipse(mask, *head, 0, 0, 360, int(cv2.GC_FGD), cv2.FILLED)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, mask, (0, 0, *size), *models, 3, cv2.GC_INIT_WITH_MASK)
    person = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    alpha = cv2.resize(cv2.GaussianBlur(person, (0, 0), 1.0), (width, height))[..., None]
    light = 1 - 0.15 * np.hypot(*np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height)))
    wall = np.asarray(WALL, np.float32) * light[..., None]
    return _frame(alpha * frame.to_rgb() + (1 - alpha) * wall), box


def _dim(frame: Frame, box: Box) -> tuple[Frame, Box]:
    """Return the picture as in a dim room with a plain wall: darker, noisy and slightly blurred."""
    frame, box = _before_a_wall(frame, box)
    random = np.random.default_rng(0)
    level = frame.to_rgb().astype(np.float32) * DIM
    spread = SHOT_NOISE * np.sqrt(level) + READ_NOISE
    noisy = cv2.GaussianBlur(level + spread * random.normal(size=level.shape), (0, 0), 0.7)
    return _frame(noisy * 0.5 / DIM), box


def _frame(levels: npt.NDArray[np.floating]) -> Frame:
    return Frame.from_rgb(levels.round().clip(0, 255).astype(np.uint8), 0.0)


def _as_found(frame: Frame, box: Box) -> tuple[Frame, Box]:
    return frame, box


STEADY: Mapping[str, View] = {
    "left": _moved(-1, 0),
    "right": _moved(1, 0),
    "up": _moved(0, -1),
    "down": _moved(0, 1),
    "nearer": _enlarged(1 / (1 + SHIFT)),
    "farther": _enlarged(1 + SHIFT),
    "mirrored": _mirrored,
    "brighter": _lit(1 + LIGHT),
    "darker": _lit(1 - LIGHT),
}
"""Views with small changes of position, size or light, and a mirrored view; a name should stay the
same in all of them.
"""

VIEWS: Mapping[str, View] = {
    "as found": _as_found,
    **STEADY,
    "skin darkened": _with_skin(lambda level: level * SKIN_LIGHT),
    "skin lightened": _with_skin(lambda level: 255 - (255 - level) * SKIN_LIGHT),
    "bare face": _bare_face,
    "plain wall": _before_a_wall,
    "dim room": _dim,
}
"""All views, keyed by name."""
