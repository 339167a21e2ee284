"""The contrast of what is painted on a screen, from the painted pixels, as WCAG 2.2 defines it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from installation.seeing.frame import Pixels
from installation.showing.painter import KEYLINE, THIN
from installation.showing.scene import Panel, Rect, Scene
from installation.showing.type.fonts import Fonts

Luminances = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Alpha = npt.NDArray[np.uint8]

_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])

REACH = 2
"""The distance from a letter at which its background is measured, px."""


@dataclass(frozen=True)
class TextContrast:
    """The least contrast between a line of type and the background that is nearest to it."""

    text: str
    size: int
    """The font size, px per em on this screen."""
    ratio: float


def luminances(pixels: Pixels) -> Luminances:
    """Return the relative luminance, 0–1, of RGB `pixels` `(..., 3)`."""
    return np.asarray(_LINEAR[pixels] @ _WEIGHTS, np.float64)


def ratios(one: Luminances | float, other: Luminances | float) -> Luminances:
    """Return the contrast ratios, 1–21, of two luminances."""
    lighter, darker = np.maximum(one, other), np.minimum(one, other)
    return np.asarray((lighter + 0.05) / (darker + 0.05), np.float64)


def panels_of(scene: Scene) -> list[Panel]:
    """Return all panels of `scene`, the bands' last."""
    panels: list[Panel] = []
    for visitor in scene.visitors:
        panels += [each.panel for each in (visitor.caption, visitor.tag) if each]
    return [*panels, *scene.panels]


def text_contrasts(scene: Scene, fonts: Fonts, painted: Pixels) -> Iterator[TextContrast]:
    """Yield the contrast of each line of type of `scene` in the picture `painted` `(H, W, 3)`."""
    for panel in panels_of(scene):
        yield from _of_panel(panel, fonts, painted)


def _of_panel(panel: Panel, fonts: Fonts, painted: Pixels) -> Iterator[TextContrast]:
    """Yield the contrasts of `panel`; the strike through a name is left out."""
    margin = 2 * REACH
    height, width = painted.shape[:2]
    left, top = max(0, panel.rect.x - margin), max(0, panel.rect.y - margin)
    right, bottom = min(width, panel.rect.right + margin), min(height, panel.rect.bottom + margin)
    area = (bottom - top, right - left)
    alphas = []
    for line in panel.lines:
        alpha = np.zeros(area, np.uint8)
        ink = fonts.ink(line.text, line.size, line.levels)
        if ink is not None:
            x, y = line.x + ink.left, line.baseline + ink.top
            _paste(alpha, ink.alpha, panel.rect.x + x - left, panel.rect.y + y - top)
        alphas.append(alpha)
    free = np.max(alphas, axis=0, initial=0) == 0 if alphas else np.ones(area, np.bool_)
    counted = np.ones(area, np.bool_)
    for strike in panel.strikes:
        x, y = panel.rect.x + strike.rect.x - left, panel.rect.y + strike.rect.y - top
        counted[y - REACH : y + strike.rect.height + REACH, x : x + strike.rect.width] = False
    light = luminances(painted[top:bottom, left:right])
    for line, alpha in zip(panel.lines, alphas, strict=True):
        ratio = _least((alpha == 255) & counted, free & counted, light)
        if ratio is not None:
            yield TextContrast(line.text, line.size, ratio)


def _paste(target: Alpha, source: Alpha, x: int, y: int) -> None:
    """Add `source` at `x, y` to `target`, cut at its edges."""
    height, width = target.shape
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + source.shape[1]), min(height, y + source.shape[0])
    drawn = target[y0:y1, x0:x1]
    np.maximum(drawn, source[y0 - y : y1 - y, x0 - x : x1 - x], out=drawn)


def _least(letters: Mask, free: Mask, light: Luminances) -> float | None:
    """Return the least contrast of `letters` with the pixels of `free` around them.

    None if there are no such pixels.
    """
    kernel = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    around = (cv2.dilate(letters.astype(np.uint8), kernel) > 0) & free
    if not around.any():
        return None
    lightest = np.asarray(cv2.dilate(np.where(letters, light, -1.0), kernel), np.float64)
    darkest = np.asarray(cv2.erode(np.where(letters, light, 2.0), kernel), np.float64)
    both = np.minimum(ratios(light, np.maximum(0, lightest)), ratios(light, darkest))
    return float(both[around].min())


def outline_contrasts(scene: Scene, painted: Pixels) -> Iterator[tuple[float, float]]:
    """Yield the contrasts of the squares of `scene` across their outlines, in many places.

    The first is that of the green with the line beside it, on the side where it is less. The second
    is that of the outline with the picture beside it: of the green or of the black, whichever is
    more. Places that a panel or another square covers are left out, and the open part of a square.
    """
    light = luminances(painted)
    for visitor in scene.visitors:
        square, stroke = visitor.square, visitor.stroke
        keyline, thin = max(1, round(KEYLINE * stroke)), max(1, round(THIN * stroke))
        is_thin = visitor.lit < 1 and not visitor.gap_share
        inset = (stroke - thin) // 2 + thin // 2 if is_thin else stroke // 2
        others = [each.square.grown(2 * keyline) for each in scene.visitors if each != visitor]
        covers = [*others, *(panel.rect.grown(1) for panel in panels_of(scene))]
        offsets = (-keyline - 1, -1, inset, stroke, stroke + keyline)
        for profile in _profiles(square, offsets, scene.view, covers, visitor.gap_share):
            outside, key, green, inner_key, inside = (light[y, x] for x, y in profile)
            yield (
                float(min(ratios(green, key), ratios(green, inner_key))),
                float(
                    min(
                        max(ratios(green, outside), ratios(key, outside)),
                        max(ratios(green, inside), ratios(inner_key, inside)),
                    )
                ),
            )


def _profiles(
    square: Rect, offsets: tuple[int, ...], view: Rect, covers: list[Rect], open_share: float
) -> Iterator[list[tuple[int, int]]]:
    """Yield points on lines across the outline, from outside to inside at `offsets` from it.

    The share `open_share` of each side, in its middle, has no outline.
    """
    for part in range(1, 12):
        if abs(part / 12 - 0.5) <= open_share / 2:
            continue
        along = square.width * part // 12
        for points in (
            [(square.x + along, square.y + offset) for offset in offsets],
            [(square.x + along, square.bottom - 1 - offset) for offset in offsets],
            [(square.x + offset, square.y + along) for offset in offsets],
            [(square.right - 1 - offset, square.y + along) for offset in offsets],
        ):
            pixels = [Rect(x, y, 1, 1) for x, y in points]
            if all(pixel.within(view) and not pixel.overlaps(*covers) for pixel in pixels):
                yield points


def beside_green(pixels: Pixels, reach: int) -> Luminances:
    """Return the contrasts of bright green pixels with those `reach` px beside them.

    Green of any brightness is left out, because letters have soft edges, and so is white: the line
    through a name.
    """
    red, green, blue = (pixels[..., channel].astype(np.int16) for channel in range(3))
    is_green = (green >= 240) & (red <= 16) & (blue <= 16)
    is_left_out = (green > 16) & (red <= 16) & (blue <= 16) | (pixels.min(axis=-1) >= 248)
    light = luminances(pixels)
    found = []
    for axis in (0, 1):
        for ahead in (True, False):
            here, there = (slice(None, -reach), slice(reach, None))[:: 1 if ahead else -1]
            at = (here,) if axis == 0 else (slice(None), here)
            beside = (there,) if axis == 0 else (slice(None), there)
            edge = is_green[at] & ~is_left_out[beside]
            found.append(ratios(light[at][edge], light[beside][edge]))
    return np.concatenate(found)
