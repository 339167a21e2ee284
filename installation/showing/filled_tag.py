"""Computes which part of a tag is green.

For a name with a score of 40 of 100, the green is 40 % of the width inside the tag's black border.
The green begins where the name begins: at the left, or at the right if the name is right-to-left.
All letters are white, on the green and on the black, so that no letter changes where the green
ends. White letters are legible on this green because it is darker than the green of the squares.
Its contrast with black is 4.5 : 1.

Rejected: black letters on bright green, and green letters on black. If the green ended within a
letter, the letter had two colours. If it ended between two letters, they had different colours.
People took both for an error of the font, and read "hornist" at 12 of 100 as "nornist".

Also rejected: white letters with a black outline on bright green. From far away the outline is too
thin to be seen, and white on bright green has a contrast of 1.4 : 1. A bright strip below the
letters was rejected because it touches letters that reach below the baseline. If the name were
moved until the green ends between two letters, its place would depend on the score.
"""

from __future__ import annotations

from installation.showing.scene import Panel, Rect

BORDER = 0.04
"""The thickness of the black border around the green part, relative to the tag's height. Without
it, the green would touch the picture, which may be light.
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
