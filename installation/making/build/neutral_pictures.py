"""Draws pictures without a person, to find the labels that a network prefers on any picture.

The pictures are plain greys, gradients and noise of several grain sizes, each empty or with a grey
figure of head and shoulders. Because code draws them, calibration needs no picture of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from installation.naming.networks.encoder import Encoded, Encoder
from installation.naming.reading import crops
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels

SIDE = 224
"""The side of the pictures, px; the input size of most networks."""

NEUTRAL_BATCH = 8
"""The number of pictures that are encoded together."""

Canvas = npt.NDArray[np.float32]
"""A picture while it is drawn, `(SIDE, SIDE, 3)`, grey levels 0–255."""


def neutral_pictures(count: int, seed: int = 0) -> Iterator[Pixels]:
    """Yield `count` pictures `(224, 224, 3)` uint8 RGB; every second picture shows a figure.

    With the same `seed`, a larger `count` only adds pictures at the end.
    """
    random = np.random.default_rng(seed)
    for number in range(count):
        background = PATTERNS[number % len(PATTERNS)](random)
        picture = _add_figure(background, random) if number % 2 else background
        yield picture.round().clip(0, 255).astype(np.uint8)


def neutral_features(encoder: Encoder, count: int, seed: int = 0) -> Encoded:
    """Return the `encoder`'s output `(count, width)` float32 for `count` neutral pictures."""
    whole = Box(0, 0, SIDE, SIDE)
    batch = np.concatenate(
        [
            crops.cut(Frame.from_rgb(picture, 0.0), [whole], "frame", encoder.input)
            for picture in neutral_pictures(count, seed)
        ]
    )
    starts = range(0, count, NEUTRAL_BATCH)
    bar = tqdm(starts, "neutral pictures", unit="batch", disable=None, leave=False)
    return np.concatenate([encoder.encode(batch[start : start + NEUTRAL_BATCH]) for start in bar])


def _plain(random: np.random.Generator) -> Canvas:
    return np.full((SIDE, SIDE, 3), random.uniform(0, 255), np.float32)


def _gradient(random: np.random.Generator) -> Canvas:
    """Return a gradient between two greys, in any direction."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    along = (np.cos(angle) * x + np.sin(angle) * y + np.sqrt(2)) / np.sqrt(8)  # 0–1
    grey = np.interp(along, (0, 1), random.uniform(0, 255, 2))
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def _noise(random: np.random.Generator) -> Canvas:
    """Return noise: 4 × 4 to 224 × 224 random colours, enlarged to the size of the picture."""
    grains = int(np.exp(random.uniform(np.log(4), np.log(SIDE))))
    coarse = random.normal(
        random.uniform(60, 195), random.uniform(8, 64), (grains, grains, 3)
    ).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


PATTERNS: tuple[Callable[[np.random.Generator], Canvas], ...] = (_plain, _gradient, _noise)


def _add_figure(background: Canvas, random: np.random.Generator) -> Canvas:
    """Return `background` with a grey head and shoulders, framed like a bust crop.

    The blur of the figure's edge varies from none to strong.
    """
    figure = np.zeros((SIDE, SIDE), np.float32)
    x, head = random.uniform(0.4, 0.6) * SIDE, random.uniform(0.15, 0.22) * SIDE
    y = random.uniform(0.28, 0.38) * SIDE
    for centre, axes in (
        ((x, y), (0.8 * head, head)),
        ((x, y + 3.1 * head), (2.1 * head, 1.9 * head)),
    ):
        middle = round(centre[0]), round(centre[1])
        cv2.ellipse(figure, middle, (round(axes[0]), round(axes[1])), 0, 0, 360, 1.0, cv2.FILLED)
    figure = np.asarray(cv2.GaussianBlur(figure, (0, 0), random.uniform(0.5, 6)), np.float32)
    alpha = figure[..., None]
    return background * (1 - alpha) + np.float32(random.uniform(0, 255)) * alpha
