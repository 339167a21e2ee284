"""Draws a tag that is partly green: 40 % of its width if the name has a score of 40 (of 100).

The green begins where the name begins: at the left, or at the right if the name is right-to-left.

Letters are black on the green part and green on the black part. A letter on which the green part
ends changes its colour there. A stroke that ends or begins at this place would run into the
background, so a short line in the other colour is beside it.
Rejected: only changing the colour, because "hornist" at 12 of 100 then reads as "nornist"; a letter
of one colour with an outline, because people took it for an error of the font; and moving the name
until the green ends between two letters, because its place then depends on the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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

LINE = 0.045
"""The length of the line beside a stroke that ends where the green part ends, relative to the font
size.
"""

INK = 128
"""The least opacity of a pixel of a stroke, 0–255; a stroke's soft edge has less."""


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
    """Some letters of a line that have one colour, or the lines beside strokes."""

    alpha: Alpha
    """The opacity of each pixel, `(H, W)`, 0–255."""
    colour: Colour
    x: int
    """The column of the panel at which `alpha` begins, px from the panel's left edge."""
    y: int
    """The row of the panel at which `alpha` begins, px from the panel's upper edge."""
    is_line: bool = False


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
    length = max(1, round(LINE * size))
    alpha = np.pad(whole.alpha, ((0, 0), (length, length)))
    left, top = whole.x - length, whole.y
    end = min(max(length, end_px - left), alpha.shape[1] - length)
    yield Part(alpha[:, :end], BLACK, left, top)
    yield Part(alpha[:, end:], GREEN, left + end, top)
    before, after = alpha[:, end - length : end], alpha[:, end : end + length]
    begins = np.where(_leaves_off(before[:, ::-1]), after.max(axis=1), 0)  # (H,)
    ends = np.where(_leaves_off(after), before.max(axis=1), 0)
    yield Part(_wide(begins, length), BLACK, left + end - length, top, True)
    yield Part(_wide(ends, length), GREEN, left + end, top, True)


def _leaves_off(alpha: Alpha) -> npt.NDArray[np.bool_]:
    """Return, for each row of `alpha` `(H, W)`, whether a stroke from the left is not continued.

    It ends at the first column or within the row. A stroke that begins later is another one.
    """
    has_ink: npt.NDArray[np.bool_] = alpha >= INK
    is_blank = ~has_ink.any(axis=1)
    return np.asarray(is_blank | (has_ink[:, 0] & ~has_ink.all(axis=1)))


def _wide(column: Alpha, width: int) -> Alpha:
    """Return `(H, width)` pixels, of which each row has the value of `column` `(H,)`."""
    return np.repeat(column.astype(np.uint8)[:, None], width, axis=1)


def _draw(part: Part, target: pygame.Surface) -> None:
    height, width = part.alpha.shape
    if not width or not height:
        return
    drawn = pygame.Surface((width, height), pygame.SRCALPHA, 32)
    drawn.fill(part.colour)
    pygame.surfarray.pixels_alpha(drawn)[:] = part.alpha.T
    target.blit(drawn, (part.x, part.y))
