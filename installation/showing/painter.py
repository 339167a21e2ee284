"""Paints a scene on a surface.

The camera's frame is scaled once, by OpenCV, straight into the memory of the display's surface: the
frame is cropped and put into the surface's order of channels while it is small, so that no picture
of the screen's size is copied. Panels are drawn once and kept while they are on the screen, so that
a scene that holds still costs a few block transfers.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pygame
import pygame.surfarray
from cv2.typing import MatLike

from installation.seeing.frame import Frame
from installation.showing.cover import Cover
from installation.showing.scene import BLACK, DIM_GREEN, GREEN, Panel, Rect, Scene, Visitor
from installation.showing.type.expiring_cache import ExpiringCache
from installation.showing.type.fonts import Fonts

Key = tuple[object, ...]


class Painter:
    """Paints scenes; used by the thread that owns the window."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._panels: ExpiringCache[Key, pygame.Surface] = ExpiringCache()

    def paint(self, scene: Scene, surface: pygame.Surface) -> None:
        """Paint `scene` over all of `surface`, which has the size that the scene was placed for."""
        if scene.picture is None:
            surface.fill(BLACK)
        else:
            paint_picture(scene.picture, scene.brightness, surface)
        for visitor in scene.visitors:
            _paint_square(visitor, surface)
        for visitor in scene.visitors:
            if visitor.caption:
                self._paint_panel(visitor.caption.panel, surface)
            if visitor.tag:
                self._paint_panel(visitor.tag, surface)
        for panel in scene.panels:
            self._paint_panel(panel, surface)

    def evict(self, now: float) -> None:
        """Drop the type that has left the screen. To be called with each scene, at `now` (s).

        Less than a second after its last scene a panel is gone.
        """
        self._panels.evict(now)
        self._fonts.evict(now)

    def _paint_panel(self, panel: Panel, surface: pygame.Surface) -> None:
        size = (panel.rect.width, panel.rect.height)
        key: Key = (size, panel.background, panel.lines, surface.get_masks())
        drawn = self._panels.get(key, lambda: self._draw(panel, surface))
        surface.blit(drawn, (panel.rect.x, panel.rect.y))

    def _draw(self, panel: Panel, target: pygame.Surface) -> pygame.Surface:
        """Draw `panel` on a new surface, in the format of `target` if the background is opaque."""
        size = (panel.rect.width, panel.rect.height)
        opaque = panel.background is not None and panel.background[3] == 255
        # Drawn in one format and then converted, type looks the same on every display.
        drawn = pygame.Surface(size, 0 if opaque else pygame.SRCALPHA, 32)
        drawn.fill(panel.background or (0, 0, 0, 0))
        for line in panel.lines:
            self._fonts.draw(line, drawn)
        return drawn.convert(target) if opaque else drawn


def paint_picture(picture: Frame, brightness: float, surface: pygame.Surface) -> None:
    """Fill `surface` with `picture`, cropped to its shape; `brightness` 1 leaves it as it is."""
    size = surface.get_size()
    cover = Cover.from_sizes((picture.width, picture.height), size)
    crop = picture.pixels[
        cover.y : cover.y + cover.height, cover.x : cover.x + cover.width
    ]  # (H, W, 3)
    method = cv2.INTER_AREA if cover.width > size[0] else cv2.INTER_LINEAR
    conversion = _channel_conversion(surface)
    if conversion is None:
        scaled = cv2.resize(_dimmed(crop, brightness), size, interpolation=method)
        surface.blit(pygame.image.frombuffer(scaled.tobytes(), size, "RGB"), (0, 0))
        return
    small = _dimmed(cv2.cvtColor(crop, conversion), brightness)  # (H, W, 4)
    # OpenCV writes through this view; the surface is locked until the view is released.
    memory = pygame.surfarray.pixels2d(surface).T.view(np.uint8)  # (H, 4 W)
    cv2.resize(small, size, dst=memory.reshape(size[1], size[0], 4), interpolation=method)


def _channel_conversion(surface: pygame.Surface) -> int | None:
    """Return OpenCV's code from RGB to the surface's memory, or None for an unusual surface."""
    if surface.get_bitsize() != 32 or sys.byteorder != "little":
        return None
    return {
        (0xFF0000, 0xFF00, 0xFF): cv2.COLOR_RGB2BGRA,
        (0xFF, 0xFF00, 0xFF0000): cv2.COLOR_RGB2RGBA,
    }.get(surface.get_masks()[:3])


def _dimmed(pixels: MatLike, brightness: float) -> MatLike:
    """Return `pixels` with every channel scaled by `brightness`; the same array if it is 1."""
    return pixels if brightness >= 1 else cv2.convertScaleAbs(pixels, alpha=brightness)


def _paint_square(visitor: Visitor, surface: pygame.Surface) -> None:
    """Draw the outline: dark green, and bright green for the part that is lit."""
    if visitor.lit < 1:
        for strip in _outline(visitor.square, visitor.stroke, 1.0):
            surface.fill(DIM_GREEN, strip)
    for strip in _outline(visitor.square, visitor.stroke, visitor.lit):
        surface.fill(GREEN, strip)


def _outline(square: Rect, stroke: int, lit: float) -> list[tuple[int, int, int, int]]:
    """Return the part `lit` (0–1) of the outline as strips, clockwise from the upper left."""
    x, y, side = square.x, square.y, square.width
    top, right, bottom, left = (
        round(side * min(1.0, max(0.0, 4 * lit - number))) for number in range(4)
    )
    return [
        (x, y, top, stroke),
        (square.right - stroke, y, stroke, right),
        (square.right - bottom, square.bottom - stroke, bottom, stroke),
        (x, square.bottom - left, stroke, left),
    ]
