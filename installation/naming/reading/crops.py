"""Cuts crops out of a frame and makes them the batch for an encoder.

Each crop is cut from the uint8 frame, so that a GPU receives the crops and never the whole frame;
resizing and normalising run on the device. On a CPU crops are resized in uint8, which torch does
several times as fast as in float32, at the cost of rounding to whole levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

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
    device: torch.device,
    memory: DeviceBuffers | None = None,
) -> torch.Tensor:
    """Return a batch `(N, 3, size, size)` float32 on `device`, normalised for `network_input`.

    One crop per box, resized with antialiasing and stretched to a square; outside the frame it is
    grey. It differs by at most one level from torchvision's `resized_crop` with `antialias=True` of
    the same uint8 picture. The batch lies in `memory` and is valid until the next call; without
    `memory` it has its own.
    """
    size = network_input.size
    memory = memory or DeviceBuffers(device)
    batch = memory.take("batch", len(boxes), 3, size, size)
    for row, box in zip(batch, boxes, strict=True):  # row: (3, size, size)
        left, top, width, height = crop_region(box, frame, part)
        canvas = memory.host.take("canvas", (height, width, 3))
        _paste(frame.pixels, left, top, canvas)
        picture = torch.from_numpy(canvas).permute(2, 0, 1)[None]  # (1, 3, height, width)
        if device.type != "cpu":
            moved = picture.to(device)
            picture = memory.take("picture", *picture.shape).copy_(moved)
            moved.zero_()
        small = interpolate(picture, (size, size), mode=network_input.interpolation, antialias=True)
        row.copy_(small.clamp_(0, 255)[0])  # bicubic floats overshoot
        small.zero_()
    mean, std = (
        torch.tensor(channels, device=device).mul_(255).view(3, 1, 1)
        for channels in (network_input.mean, network_input.std)
    )
    return batch.sub_(mean).div_(std)


def _paste(pixels: Pixels, left: int, top: int, canvas: Pixels) -> None:
    """Fill `canvas` `(height, width, 3)` with the region at `left, top`, grey outside `pixels`."""
    H, W, _ = pixels.shape  # noqa: N806 - the field's names for the shape of an image
    height, width, _ = canvas.shape
    x0, x1 = np.clip((left, left + width), 0, W)
    y0, y1 = np.clip((top, top + height), 0, H)
    canvas.fill(FILL_LEVEL)
    canvas[y0 - top : y1 - top, x0 - left : x1 - left] = pixels[y0:y1, x0:x1]
