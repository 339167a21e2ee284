"""Cuts crops out of a frame and turns them into a batch for an encoder.

Pillow resizes the crops in uint8, with the antialiasing that networks were trained with; results
are rounded to whole levels. Rejected: OpenCV, whose most similar method, INTER_AREA, differs by up
to 63 levels; and PyTorch, which takes a fifth of the time (0.2 instead of 1.1 ms for 520 px) but
seconds to import.
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
"""The side of the bust crop, a square, in heights of the face.

This and BUST_DROP were chosen by looking at some portraits: the crop contains hair or hat,
shoulders, and anything worn around the neck.
"""
BUST_DROP = 0.45
"""The distance from the face's centre down to the bust crop's centre, in heights of the face."""

HALF_SIDE = 4.2
"""The side of the half-body crop, a square, in heights of the face.

With HALF_DROP, the crop reaches from above the hair to about the hips, and contains anything that
the hands may hold.
"""
HALF_DROP = 1.15
"""The distance from the face's centre down to the half-body crop's centre, in heights of the face.
"""

FACE_SIDE = 1.2
"""The side of the face crop, a square, relative to the longer side of the face's box. The crop is
larger than the box, so that hair and chin are included.
"""

FILL_LEVEL = 127
"""The grey level that fills crops outside the frame. After the normalisation of every network here,
it is close to zero.
"""

RESAMPLING: Mapping[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
"""Pillow's resampling methods, by the names in the descriptions of networks."""

Part = Literal["bust", "half", "face", "frame"]
"""The part of a visitor that a crop shows."""

PARTS: Mapping[Crop, tuple[Part, ...]] = {
    "bust": ("bust",),
    "bust+half": ("bust", "half"),
    "face": ("face",),
    "frame": ("frame",),
}
"""The parts that are encoded for each visitor, keyed by the setting `crop`. If there is no time for
two parts, only the first one is encoded.
"""


def crop_region(box: Box, frame: Frame, part: Part) -> tuple[int, int, int, int]:
    """Return the region to cut for a face's `box`: `left, top, width, height`, px.

    Width and height are at least 1.

    For `bust`, `half` and `face` the region is a square. This square may be partly outside the
    frame. For `frame` the region is the whole frame.
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
    """Return the share of a crop's area that is on the frame, 0–1."""
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

    There is one crop per box, resized with antialiasing and stretched to a square. The parts of a
    crop outside the frame are grey. Before it is normalised, a crop differs by at most one level of
    256 from the result of torchvision's `resized_crop` with `antialias=True`. The batch is stored
    in `memory` and valid until the next call; without `memory`, a new array is allocated.
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
        paste(frame.bgr, left, top, canvas)
        picture = Image.frombuffer("RGBX", (width, height), canvas, "raw", "RGBX", 0, 1)
        small = picture.resize((size, size), RESAMPLING[network_input.interpolation])
        np.subtract(np.asarray(small)[..., :3].transpose(2, 0, 1), mean, out=row)
        np.divide(row, std, out=row)
    return batch


def paste(bgr: Pixels, left: int, top: int, canvas: Pixels) -> None:
    """Copy the region at `left, top` of `bgr` into `canvas` `(height, width, C)`, as RGB.

    Outside `bgr` the canvas is grey. C is 3, or 4 for Pillow, which ignores the fourth channel.
    """
    H, W, _ = bgr.shape  # noqa: N806 - the field's names for the shape of an image
    height, width, C = canvas.shape  # noqa: N806
    x0, x1 = np.clip((left, left + width), 0, W)
    y0, y1 = np.clip((top, top + height), 0, H)
    if (x0, y0, x1, y1) != (left, top, left + width, top + height):
        canvas.fill(FILL_LEVEL)
    if x0 < x1 and y0 < y1:
        inside = canvas[y0 - top : y1 - top, x0 - left : x1 - left]
        conversion = cv2.COLOR_BGR2RGBA if C == 4 else cv2.COLOR_BGR2RGB
        cv2.cvtColor(bgr[y0:y1, x0:x1], conversion, inside)
