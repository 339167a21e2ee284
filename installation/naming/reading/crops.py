"""From a frame and boxes to the batch that an encoder takes.

Each crop is cut from the uint8 frame, so that a GPU receives the crops' bytes and never the whole
frame; resizing and normalising run on the device. On a CPU the resize stays in uint8, which
torch does several times as fast as in float32, at the cost of rounding to whole grey levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import interpolate

from installation.memory.device_buffers import DeviceBuffers
from installation.naming.label_set.settings import Crop
from installation.naming.networks.encoder import Input
from installation.seeing.box import Box
from installation.seeing.frame import Frame, Pixels

BUST_SIDE = 2.6
BUST_DROP = 0.45
"""A bust is a square of 2.6 face heights, its centre 0.45 face heights below the face's.

Measured on the portraits at hand: it holds hair or hat, shoulders and what is worn round the neck.
"""
FACE_SIDE = 1.2
"""A face's crop is a square 1.2 times its longer side, so that hair and chin are in it."""

GREY = 127
"""Fills what lies outside the frame: next to zero for every network here."""


def region(box: Box, frame: Frame, crop: Crop) -> tuple[int, int, int, int]:
    """Return what to cut for a face's `box`: `left, top, width, height` in whole px, at least 1.

    A square for `bust` and `face`, which may leave the frame; the whole frame for `frame`.
    """
    if crop == "frame":
        return 0, 0, frame.width, frame.height
    x, y = box.centre
    if crop == "bust":
        side = BUST_SIDE * box.height
        y += BUST_DROP * box.height
    else:
        side = FACE_SIDE * max(box.width, box.height)
    side = max(1, round(side))
    return round(x - side / 2), round(y - side / 2), side, side


def cut(
    frame: Frame,
    boxes: Sequence[Box],
    crop: Crop,
    taken: Input,
    device: torch.device,
    memory: DeviceBuffers | None = None,
) -> torch.Tensor:
    """Return a batch `(N, 3, size, size)` float32 on `device`, normalised as `taken` asks.

    One crop per box, resized with antialiased weights and stretched to a square; what lies outside
    the frame is mid-grey. Within one grey level of torchvision's `resized_crop` with
    `antialias=True` on the same uint8 picture. The batch lives in `memory` until the next one does;
    without, in memory of its own.
    """
    size = taken.size
    memory = memory or DeviceBuffers(device)
    batch = memory.take("batch", len(boxes), 3, size, size)
    for one, box in zip(batch, boxes, strict=True):
        left, top, width, height = region(box, frame, crop)
        canvas = memory.host.take("canvas", (height, width, 3))
        _paste(frame.pixels, left, top, canvas)
        picture = torch.from_numpy(canvas).permute(2, 0, 1)[None]  # (1, 3, height, width)
        if device.type != "cpu":
            moved = picture.to(device)
            picture = memory.take("picture", *picture.shape).copy_(moved)
            moved.zero_()
        small = interpolate(picture, (size, size), mode=taken.interpolation, antialias=True)
        one.copy_(small.clamp_(0, 255)[0])  # bicubic floats overshoot
        small.zero_()
    mean, std = (
        torch.tensor(of, device=device).mul_(255).view(3, 1, 1) for of in (taken.mean, taken.std)
    )
    return batch.sub_(mean).div_(std)


def _paste(pixels: Pixels, left: int, top: int, canvas: Pixels) -> None:
    """Fill `canvas` `(height, width, 3)` with the region that begins there, grey outside."""
    H, W, _ = pixels.shape  # noqa: N806  the field's own names for a picture's shape
    height, width, _ = canvas.shape
    x0, x1 = np.clip((left, left + width), 0, W)
    y0, y1 = np.clip((top, top + height), 0, H)
    canvas.fill(GREY)
    canvas[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0:y1, x0:x1]
