"""Draws a tag whose left part is green: a name with the score 40 has 40 % of its tag green.

Letters are black on the green and green on the black. The letter at the end of the green has one
colour as a whole, with an outline where it is drawn on its own colour. Rejected: changing the
colour within that letter, whose parts then look like the background ("hornist" at 12 of 100 reads
as "nornist").
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import pygame.surfarray

from installation.showing.scene import BLACK, GREEN, Colour, Panel, Rect
from installation.showing.type.fonts import Fonts

Alpha = npt.NDArray[np.uint8]

BORDER = 0.06
"""The thickness of the black around the green, relative to the tag's height; without it the green
would touch the picture, which may be light.
"""

OUTLINE = 0.045
"""The thickness of the outline of the letter at the end of the green, relative to the font size."""

WIDEST_LETTER = 1.3
"""The width, relative to the font size, above which a shape counts as several joined letters, as in
Arabic. The colour of joined letters changes exactly at the end of the green.
"""


def green_part(panel: Panel) -> Rect:
    """Return the green part of `panel`, px from the panel's corner.

    Its share of the width inside the border equals the share of `filled_px` in the panel's width.
    """
    width, height = panel.rect.width, panel.rect.height
    border = max(1, round(BORDER * height))
    green = round((width - 2 * border) * panel.filled_px / width)
    return Rect(border, border, green, height - 2 * border)


def draw_filled(panel: Panel, fonts: Fonts, drawn: pygame.Surface) -> None:
    """Draw the green part and the lines of `panel` on `drawn`, which is black."""
    green = green_part(panel)
    drawn.fill(GREEN, (green.x, green.y, green.width, green.height))
    for line in panel.lines:
        ink = fonts.ink(line.text, line.size, line.levels)
        if ink is None:
            continue
        left, top = line.x + ink.left, line.baseline + ink.top
        end = green.right - left
        begin, stop = _letter_at(ink.alpha, end)
        if stop - begin > WIDEST_LETTER * line.size:
            begin = stop = end
        is_black = end - begin > stop - end
        reach = max(1, round(OUTLINE * line.size))
        letter = np.zeros_like(ink.alpha)
        letter[:, begin:stop] = ink.alpha[:, begin:stop]
        square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        outline = np.asarray(cv2.dilate(np.pad(letter, reach), square), np.uint8)
        if is_black:
            outline[:, : max(0, end + reach)] = 0
        else:
            outline[:, max(0, end + reach) :] = 0
        _draw(outline, GREEN if is_black else BLACK, left - reach, top - reach, drawn)
        split = max(0, stop if is_black else begin)
        _draw(ink.alpha[:, :split], BLACK, left, top, drawn)
        _draw(ink.alpha[:, split:], GREEN, left + split, top, drawn)


def _letter_at(alpha: Alpha, column: int) -> tuple[int, int]:
    """Return the first column of the letter that `column` cuts, and the first column after it.

    Both are `column` if it cuts no letter: if that column, or the one before it, is blank.
    """
    has_ink: npt.NDArray[np.bool_] = np.asarray(alpha.any(axis=0))  # (W,)
    if not 0 < column < len(has_ink) or not (has_ink[column - 1] and has_ink[column]):
        return column, column
    blanks_before = np.flatnonzero(~has_ink[:column])
    blanks_after = np.flatnonzero(~has_ink[column:])
    begin = int(blanks_before[-1]) + 1 if len(blanks_before) else 0
    stop = column + int(blanks_after[0]) if len(blanks_after) else len(has_ink)
    return begin, stop


def _draw(alpha: Alpha, colour: Colour, x: int, y: int, target: pygame.Surface) -> None:
    """Draw `colour` on `target` at `x, y`, as opaque as `alpha` `(H, W)` says."""
    height, width = alpha.shape
    if not width or not height:
        return
    drawn = pygame.Surface((width, height), pygame.SRCALPHA, 32)
    drawn.fill(colour)
    pygame.surfarray.pixels_alpha(drawn)[:] = alpha.T
    target.blit(drawn, (x, y))
