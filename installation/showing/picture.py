"""Paints the camera's frame on its part of the screen.

OpenCV scales it once. The surface of a display has a fourth channel, which the frame lacks. A frame
that is too large is reduced first; the channel is added while the picture is written to the
surface. A frame that is too small gets the channel first and is then enlarged into the surface. So
the channel is always added at the smaller of the two sizes. The result of the first step is in
memory that is allocated once. Rejected: frames with four channels, which cost more to mirror and to
reduce than this saves.
"""

from __future__ import annotations

import sys
from typing import cast

import cv2
import numpy as np
import pygame
import pygame.surfarray

from installation.memory.buffers import Buffers
from installation.seeing.frame import Frame, Pixels
from installation.showing.cover import Cover
from installation.showing.scene import Rect


def paint_picture(
    picture: Frame, brightness: float, surface: pygame.Surface, memory: Buffers
) -> None:
    """Fill `surface` with `picture`, cropped to fit, and dimmed if `brightness` is less than 1.

    Intermediate results are stored in `memory`, which is zeroed at the end.
    """
    size = surface.get_size()
    cover = Cover.from_sizes((picture.width, picture.height), Rect(0, 0, *size))
    crop = picture.bgr[cover.y : cover.y + cover.height, cover.x : cover.x + cover.width]
    try:
        if cover.width > size[0]:
            reduced: Pixels = memory.take("reduced", (size[1], size[0], 3))
            cv2.resize(crop, size, reduced, interpolation=cv2.INTER_AREA)
            crop = reduced
        if brightness < 1:
            dimmed = memory.take("dimmed", crop.shape)
            crop = cast(Pixels, cv2.convertScaleAbs(crop, dimmed, alpha=brightness))
        _fill(surface, crop, memory)
    finally:
        memory.forget()


def _fill(surface: pygame.Surface, bgr: Pixels, memory: Buffers) -> None:
    """Fill `surface` with the picture `bgr` `(H, W, 3)`, scaled to its size."""
    size = surface.get_size()
    height, width, _ = bgr.shape
    conversion = _channel_conversion(surface)
    if conversion is None:
        whole: Pixels = memory.take("whole", (size[1], size[0], 3))
        cv2.resize(bgr, size, whole, interpolation=cv2.INTER_LINEAR)
        surface.blit(pygame.image.frombuffer(whole.data, size, "BGR"), (0, 0))
        return
    # OpenCV writes through this view; the surface is locked until the view is released.
    screen = pygame.surfarray.pixels2d(surface).T.view(np.uint8)  # (H, 4 W)
    screen = screen.reshape(size[1], size[0], 4)
    if (width, height) == size:
        cv2.cvtColor(bgr, conversion, screen)
    else:
        converted = memory.take("converted", (height, width, 4))
        cv2.cvtColor(bgr, conversion, converted)
        cv2.resize(converted, size, screen, interpolation=cv2.INTER_LINEAR)


def _channel_conversion(surface: pygame.Surface) -> int | None:
    """Return OpenCV's code from BGR to the surface's memory, or None for an unusual surface."""
    if surface.get_bitsize() != 32 or sys.byteorder != "little":
        return None
    return {
        (0xFF0000, 0xFF00, 0xFF): cv2.COLOR_BGR2BGRA,
        (0xFF, 0xFF00, 0xFF0000): cv2.COLOR_BGR2RGBA,
    }.get(surface.get_masks()[:3])
