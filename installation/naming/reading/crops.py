"""Cuts crops out of a frame and makes them the batch for an encoder.

Crops are resized in uint8 by Pillow, whose antialiasing is what networks were trained with, and
which rounds to whole levels. Rejected: OpenCV, whose nearest kind, INTER_AREA, differs by up to 63
levels; and PyTorch, which resizes in a fifth of the time (0.2 instead of 1.1 ms for 520 px), but
takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from installation.memory.buffers import Buffers
from installation.naming.label_set.settings import Crop
from installation.naming.networks.encoder import Batch, Input
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels

BUST_SIDE = 2.6
BUST_DROP = 0.45
"""Side of a bust's square, and how far its centre lies below the face's, both in face heights.

Tried on some portraits: the square holds hair or hat, shoulders, and what is worn around the neck.
"""
HALF_SIDE = 4.2
HALF_DROP = 1.15
"""The same for half a body: from above the hair to about the hips, with what hands may hold."""

FACE_SIDE = 1.2
"""Side of a face's square, in longer sides of its box, so that hair and chin are in it."""

FILL_LEVEL = 127
"""The grey outside the frame: close to zero for every network here once it is normalised."""

RESAMPLING: Mapping[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
"""Pillow's ways to resize, by the names that networks' descriptions use."""

Part = Literal["bust", "half", "face", "frame"]
"""What one crop holds of a visitor."""

PARTS: Mapping[Crop, tuple[Part, ...]] = {
    "bust": ("bust",),
    "bust+half": ("bust", "half"),
    "face": ("face",),
    "frame": ("frame",),
}
"""The parts that are read of each visitor, by the setting `crop`; the first is always read."""


def crop_region(box: Box, frame: Frame, part: Part) -> tuple[int, int, int, int]:
    """Return the region to cut for a face's `box`: `left, top, width, height`, px, at least 1.

    It is a square for `bust`, `half` and `face`, which may lie partly outside the frame, and the
    whole frame for `frame`.
    """
    if part == "frame":
        return 0, 0, frame.width, frame.height
    x, y = box.centre
    if part == "bust":
        side = BUST_SIDE * box.height
        y += BUST_DROP * box.height
    elif part == "half":
        side = HALF_SIDE * box.height
        y += HALF_DROP * box.height
    else:
        side = FACE_SIDE * max(box.width, box.height)
    side = max(1, round(side))
    return round(x - side / 2), round(y - side / 2), side, side


def share_inside(box: Box, frame: Frame, part: Part) -> float:
    """Return the share of a crop's area that lies on the frame, 0–1."""
    left, top, width, height = crop_region(box, frame, part)
    columns = min(left + width, frame.width) - max(left, 0)
    rows = min(top + height, frame.height) - max(top, 0)
    return max(0, columns) * max(0, rows) / (width * height)


def cut(
    frame: Frame,
    boxes: Sequence[Box],
    part: Part,
    network_input: Input,
    memory: Buffers | None = None,
) -> Batch:
    """Return a batch `(N, 3, size, size)` float32, normalised for `network_input`.

    One crop per box, resized with antialiasing and stretched to a square; outside the frame it is
    grey. It differs by at most one level from torchvision's `resized_crop` with `antialias=True` of
    the same uint8 picture. The batch lies in `memory` and is valid until the next call; without
    `memory` it has its own.
    """
    size = network_input.size
    memory = memory or Buffers()
    mean, std = (
        np.array(channels, np.float32).reshape(3, 1, 1) * np.float32(255)
        for channels in (network_input.mean, network_input.std)
    )
    batch = memory.take("batch", (len(boxes), 3, size, size), np.float32)
    for row, box in zip(batch, boxes, strict=True):  # row: (3, size, size)
        left, top, width, height = crop_region(box, frame, part)
        canvas = memory.take("canvas", (height, width, 4))
        paste(frame.pixels, left, top, canvas)
        picture = Image.frombuffer("RGBX", (width, height), canvas, "raw", "RGBX", 0, 1)
        small = picture.resize((size, size), RESAMPLING[network_input.interpolation])
        np.subtract(np.asarray(small)[..., :3].transpose(2, 0, 1), mean, out=row)
        np.divide(row, std, out=row)
    return batch


def paste(pixels: Pixels, left: int, top: int, canvas: Pixels) -> None:
    """Fill `canvas` `(height, width, C)` with the region at `left, top`, grey outside `pixels`.

    C is 3, or 4 for Pillow, to which the fourth channel means nothing.
    """
    H, W, _ = pixels.shape  # noqa: N806 - the field's names for the shape of an image
    height, width, C = canvas.shape  # noqa: N806
    x0, x1 = np.clip((left, left + width), 0, W)
    y0, y1 = np.clip((top, top + height), 0, H)
    if (x0, y0, x1, y1) != (left, top, left + width, top + height):
        canvas.fill(FILL_LEVEL)
    if x0 < x1 and y0 < y1:
        inside = canvas[y0 - top : y1 - top, x0 - left : x1 - left]
        if C == 4:
            cv2.cvtColor(pixels[y0:y1, x0:x1], cv2.COLOR_RGB2RGBA, inside)
        else:
            np.copyto(inside, pixels[y0:y1, x0:x1])
