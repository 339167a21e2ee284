"""Draws a tag that is partly green: 40 % of its width if the name has a score of 40 (of 100).

The green begins where the name begins: at the left, or at the right if the name is right-to-left.

Letters are black on the green part and green on the black part. If the green part ends within a
letter, the letter is not split: all of it is black or all of it is green, and where the background
has that colour too, it has an outline in the other colour. The neighbouring letters are moved
aside, so that the outline touches none of them.
Rejected: changing the colour within that letter, because a part of it then looks like background
("hornist" at 12 of 100 reads as "nornist").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import pygame.surfarray

from installation.showing.scene import BLACK, GREEN, Colour, Panel, Rect
from installation.showing.type.fonts import Fonts

Alpha = npt.NDArray[np.uint8]

BORDER = 0.04
"""The thickness of the black border around the green part, relative to the tag's height. Without
it, the green would touch the picture, which may be light.
"""

OUTLINE = 0.045
"""The thickness of the outline of the letter on which the green part ends, relative to the font
size.
"""

WIDEST_LETTER = 1.3
"""The width, relative to the font size, above which a connected shape counts as several joined
letters, as in Arabic. Joined letters change their colour exactly where the green part ends.
"""


def green_part(panel: Panel) -> Rect:
    """Return the green part of `panel`, px from the panel's corner.

    Its width is `(w − 2 b) filled_px / w`, with the panel's width w and the border's thickness b.
    """
    width, height = panel.rect.width, panel.rect.height
    border = max(1, round(BORDER * height))
    green = round((width - 2 * border) * panel.filled_px / width)
    x = width - border - green if panel.fills_from_right else border
    return Rect(x, border, green, height - 2 * border)


@dataclass(frozen=True)
class Part:
    """Some letters of a line that have one colour, or the outline of one letter."""

    alpha: Alpha
    """The opacity of each pixel, `(H, W)`, 0–255."""
    colour: Colour
    x: int
    """The column of the panel at which `alpha` begins, px from the panel's left edge."""
    y: int
    """The row of the panel at which `alpha` begins, px from the panel's upper edge."""
    is_outline: bool = False


def draw_filled(panel: Panel, fonts: Fonts, drawn: pygame.Surface) -> None:
    """Draw the green part and the lines of text of `panel` on `drawn`, which is black."""
    green = green_part(panel)
    drawn.fill(GREEN, (green.x, green.y, green.width, green.height))
    for part in parts(panel, fonts):
        _draw(part, drawn)


def parts(panel: Panel, fonts: Fonts) -> Iterator[Part]:
    """Yield the parts of the lines of `panel`, in the order in which they are drawn."""
    green, width = green_part(panel), panel.rect.width
    for line in panel.lines:
        ink = fonts.ink(line.text, line.size, line.levels)
        if ink is None:
            continue
        left, top = line.x + ink.left, line.baseline + ink.top
        if panel.fills_from_right:
            # Each part is found in the mirrored panel, and mirrored back.
            mirrored_left = width - left - ink.alpha.shape[1]
            flipped = Part(ink.alpha[:, ::-1], BLACK, mirrored_left, top)
            for part in _parts_of(flipped, width - green.x, line.size):
                x = width - part.x - part.alpha.shape[1]
                yield replace(part, alpha=part.alpha[:, ::-1], x=x)
        else:
            yield from _parts_of(Part(ink.alpha, BLACK, left, top), green.right, line.size)


def _parts_of(whole: Part, end_px: int, size: int) -> Iterator[Part]:
    """Yield the parts of the line `whole` in a panel that is green to the left of column `end_px`.

    `size` is the font size, px per em. The colour of `whole` is not used.
    """
    alpha, left, top = whole.alpha, whole.x, whole.y
    end = min(max(0, end_px - left), alpha.shape[1])
    begin, stop = _letter_at(alpha, end)
    if stop - begin > WIDEST_LETTER * size:
        yield Part(alpha[:, :end], BLACK, left, top)
        yield Part(alpha[:, end:], GREEN, left + end, top)
        return
    reach = max(1, round(OUTLINE * size))
    letter, is_black = alpha[:, begin:stop], end - begin > stop - end
    before, after = alpha[:, :begin], alpha[:, stop:]
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

    If this column or the one before it is blank, no letter is cut, and both results are `column`.
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
