"""Draws a tag whose left part is green: a name with the score 40 has 40 % of its tag green.

Letters are black on the green and green on the black. The letter at the end of the green has one
colour as a whole, with an outline where it is drawn on its own colour, and the letters beside
the outline are moved away from it, so that it touches none. Rejected: changing the colour within
that letter, whose parts then look like the background ("hornist" at 12 of 100 reads as "nornist").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import pygame.surfarray

from installation.showing.scene import BLACK, GREEN, Colour, Panel, Rect
from installation.showing.type.fonts import Fonts

Alpha = npt.NDArray[np.uint8]

BORDER = 0.04
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


@dataclass(frozen=True)
class Part:
    """Letters of one colour, or their outline."""

    alpha: Alpha
    """The opacity `(H, W)`."""
    colour: Colour
    x: int
    y: int
    """The position of the upper left pixel, px from the panel's corner."""
    is_outline: bool = False


def draw_filled(panel: Panel, fonts: Fonts, drawn: pygame.Surface) -> None:
    """Draw the green part and the lines of `panel` on `drawn`, which is black."""
    green = green_part(panel)
    drawn.fill(GREEN, (green.x, green.y, green.width, green.height))
    for part in parts(panel, fonts):
        _draw(part, drawn)


def parts(panel: Panel, fonts: Fonts) -> Iterator[Part]:
    """Yield what is drawn over the green of `panel`, in this order."""
    end_px = green_part(panel).right
    for line in panel.lines:
        ink = fonts.ink(line.text, line.size, line.levels)
        if ink is None:
            continue
        left, top = line.x + ink.left, line.baseline + ink.top
        end = min(max(0, end_px - left), ink.alpha.shape[1])
        begin, stop = _letter_at(ink.alpha, end)
        if stop - begin > WIDEST_LETTER * line.size:
            yield Part(ink.alpha[:, :end], BLACK, left, top)
            yield Part(ink.alpha[:, end:], GREEN, left + end, top)
            continue
        reach = max(1, round(OUTLINE * line.size))
        letter, is_black = ink.alpha[:, begin:stop], end - begin > stop - end
        before, after = ink.alpha[:, :begin], ink.alpha[:, stop:]
        # What is to be clear of the letters before and after, px from the panel's left edge.
        clear_from = end_px if begin == stop else left + begin - (0 if is_black else reach)
        clear_to = end_px if begin == stop else left + stop + (reach if is_black else 0)
        before_right = left + begin - _blanks(before[:, ::-1])
        after_left = left + stop + _blanks(after)
        yield Part(before, BLACK, left - max(0, before_right + reach - clear_from), top)
        if letter.size:
            square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
            outline = np.asarray(cv2.dilate(np.pad(letter, reach), square), np.uint8)
            on_green = end - begin + reach
            if is_black:
                outline[:, :on_green] = 0
            else:
                outline[:, on_green:] = 0
            colours = (GREEN, BLACK) if is_black else (BLACK, GREEN)
            yield Part(outline, colours[0], left + begin - reach, top - reach, True)
            yield Part(letter, colours[1], left + begin, top)
        yield Part(after, GREEN, left + stop + max(0, clear_to + reach - after_left), top)


def _blanks(alpha: Alpha) -> int:
    """Return how many columns at the left of `alpha` `(H, W)` are blank."""
    inked = np.flatnonzero(alpha.any(axis=0))
    return int(inked[0]) if len(inked) else alpha.shape[1]


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


def _draw(part: Part, target: pygame.Surface) -> None:
    height, width = part.alpha.shape
    if not width or not height:
        return
    drawn = pygame.Surface((width, height), pygame.SRCALPHA, 32)
    drawn.fill(part.colour)
    pygame.surfarray.pixels_alpha(drawn)[:] = part.alpha.T
    target.blit(drawn, (part.x, part.y))
