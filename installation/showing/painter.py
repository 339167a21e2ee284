"""Paints a scene on a surface.

Panels are drawn once and cached while they are on the screen, so that painting an unchanged scene
only copies a few rectangles. `picture`, which paints the camera's frame, is imported when it is
needed: importing OpenCV would delay the title card too much.
"""

from __future__ import annotations

import pygame

from installation.memory.buffers import Buffers
from installation.showing.filled_tag import green_part
from installation.showing.meter import parts
from installation.showing.scene import BLACK, DARK_GREEN, GREEN, Panel, Rect, Scene
from installation.showing.type.expiring_cache import ExpiringCache
from installation.showing.type.fonts import Fonts

Key = tuple[object, ...]

KEYLINE = 0.6
"""A black line beside an outline is this many times as thick as the outline's thick part."""

THIN = 0.5
"""The thin part of an outline is this many times as thick as the outline's thick part."""


class Painter:
    """Paints scenes; used by the thread that owns the window."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._panels: ExpiringCache[Key, pygame.Surface] = ExpiringCache()
        self._memory = Buffers()

    def paint(self, scene: Scene, surface: pygame.Surface) -> None:
        """Paint `scene` on all of `surface`, which has the size that the scene is made for."""
        view = scene.view
        if scene.picture is None:
            surface.fill(BLACK)
        else:
            from installation.showing.picture import paint_picture

            _blacken_beside(view, surface)
            paint_picture(scene.picture, scene.brightness, view, surface, self._memory)
        if scene.empty_square:
            _paint_square(scene.empty_square, scene.empty_stroke, 1.0, surface)
        for visitor in scene.visitors:
            if visitor.gap_share:
                _paint_corners(visitor.square, visitor.stroke, visitor.gap_share, surface)
            else:
                _paint_square(visitor.square, visitor.stroke, visitor.lit, surface)
        for visitor in scene.visitors:
            if visitor.caption:
                self._paint_panel(visitor.caption.panel, surface)
            if visitor.tag:
                self._paint_panel(visitor.tag.panel, surface)
        for panel in scene.panels:
            self._paint_panel(panel, surface)

    def evict(self, now: float) -> None:
        """Drop cached panels that have left the screen; call this once per scene. `now` is in s.

        A panel is dropped within a second after the last scene that contains it.
        """
        self._panels.evict(now)
        self._fonts.evict(now)

    def forget(self) -> None:
        """Drop all cached panels, some of which have names given to visitors."""
        self._panels.clear()
        self._fonts.forget()

    def _paint_panel(self, panel: Panel, surface: pygame.Surface) -> None:
        size = (panel.rect.width, panel.rect.height)
        marks = (panel.bars, panel.meters, panel.strikes, panel.filled_px, panel.fills_from_right)
        key: Key = (size, panel.background, panel.lines, marks, surface.get_masks())
        drawn = self._panels.get(key, lambda: self._draw(panel, surface))
        surface.blit(drawn, (panel.rect.x, panel.rect.y))

    def _draw(self, panel: Panel, target: pygame.Surface) -> pygame.Surface:
        """Return `panel`, drawn.

        If its background is opaque, the result has the format of `target`, so that copying it is
        fast. Otherwise the result has a channel for opacity.
        """
        drawn = self._draw_plain(panel)
        opaque = panel.background is not None and panel.background[3] == 255
        return drawn.convert(target) if opaque else drawn

    def _draw_plain(self, panel: Panel) -> pygame.Surface:
        """Return `panel` drawn in a fixed format, so that text looks the same on every display."""
        size = (panel.rect.width, panel.rect.height)
        opaque = panel.background is not None and panel.background[3] == 255
        drawn = pygame.Surface(size, 0 if opaque else pygame.SRCALPHA, 32)
        drawn.fill(panel.background or (0, 0, 0, 0))
        for bar in (*panel.bars, *(part for meter in panel.meters for part in parts(meter))):
            drawn.fill(bar.colour, _area(bar.rect))
        if panel.filled_px:
            drawn.fill(DARK_GREEN, _area(green_part(panel)))
        for line in panel.lines:
            self._fonts.draw(line, drawn)
        for bar in panel.strikes:
            drawn.fill(bar.colour, _area(bar.rect))
        return drawn


def _area(rect: Rect) -> tuple[int, int, int, int]:
    return rect.x, rect.y, rect.width, rect.height


def _blacken_beside(view: Rect, surface: pygame.Surface) -> None:
    """Fill the screen to the left and right of `view` with black; bands cover the other parts."""
    width, height = surface.get_size()
    if view.x > 0:
        surface.fill(BLACK, (0, 0, view.x, height))
    if view.right < width:
        surface.fill(BLACK, (view.right, 0, width - view.right, height))


def _paint_square(square: Rect, stroke: int, lit: float, surface: pygame.Surface) -> None:
    """Draw the outline of `square`: the share `lit` (0–1) is `stroke` px thick, the rest is thin.

    Both parts have the same bright green, with a black line on each side, so that they are visible
    on any background. Rejected: a darker green instead of a thin line, because it would not be
    visible on a dark background.
    """
    keyline = max(1, round(KEYLINE * stroke))
    thin = max(1, round(THIN * stroke))
    for strip in _outline(square.grown(keyline), stroke + 2 * keyline, 1.0):
        surface.fill(BLACK, strip)
    if lit < 1:
        for strip in _outline(square.grown(-(stroke - thin) // 2), thin, 1.0):
            surface.fill(GREEN, strip)
    for strip in _outline(square, stroke, lit):
        surface.fill(GREEN, strip)


def _paint_corners(square: Rect, stroke: int, open_share: float, surface: pygame.Surface) -> None:
    """Draw the outline of `square`, `stroke` px thick, without the middle of each side.

    `open_share` is the share of each side that is left out, 0–1.
    """
    keyline = max(1, round(KEYLINE * stroke))
    arm = max(stroke, round(square.width * (1 - open_share) / 2))
    outer = square.grown(keyline)
    for strip in _corners(outer, stroke + 2 * keyline, arm + 2 * keyline):
        surface.fill(BLACK, strip)
    for strip in _corners(square, stroke, arm):
        surface.fill(GREEN, strip)


def _corners(square: Rect, stroke: int, arm: int) -> list[tuple[int, int, int, int]]:
    """Return strips that fill the corners of the outline, for `arm` px along each side."""
    far_x, far_y = square.right - arm, square.bottom - arm
    right, bottom = square.right - stroke, square.bottom - stroke
    across = [(x, y, arm, stroke) for x in (square.x, far_x) for y in (square.y, bottom)]
    down = [(x, y, stroke, arm) for x in (square.x, right) for y in (square.y, far_y)]
    return across + down


def _outline(square: Rect, stroke: int, lit: float) -> list[tuple[int, int, int, int]]:
    """Return strips that fill the share `lit` (0–1) of the outline, from the upper left on."""
    x, y = square.x, square.y
    top, right, bottom, left = (
        round(side * min(1.0, max(0.0, 4 * lit - number)))
        for number, side in enumerate(2 * (square.width, square.height))
    )
    return [
        (x, y, top, stroke),
        (square.right - stroke, y, stroke, right),
        (square.right - bottom, square.bottom - stroke, bottom, stroke),
        (x, square.bottom - left, stroke, left),
    ]
