from __future__ import annotations

import numpy as np
import pygame
import pygame.surfarray
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.frame import Pixels
from installation.showing.filled_tag import BORDER, green_part
from installation.showing.painter import Painter
from installation.showing.scene import BLACK, DARK_GREEN, ON_BLACK, WHITE, Panel, Rect, Scene
from installation.showing.type.direction import is_right_to_left
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import Paragraph, set_panel
from tests.support.contrast import luminances, ratios, text_contrasts

FONTS = Fonts()


HEBREW = "אַסְטְרוֹנָאוּט"
"""A name whose letters are not joined, and which begins at the right."""


def tag(name: str, size: int, share: float) -> Panel:
    """Return the tag of `name`, filled as far as `share`, 0–1, from its first letter on."""
    panel = set_panel(FONTS, [Paragraph(name, size, WHITE)], 1200, 18, ON_BLACK)
    filled_px = round(share * panel.rect.width)
    from_right = is_right_to_left(name)
    return Panel(
        panel.rect, ON_BLACK, panel.lines, filled_px=filled_px, fills_from_right=from_right
    )


def drawn(panel: Panel) -> Pixels:
    """Return the pixels of `panel`, `(H, W, 3)`."""
    surface = pygame.Surface((panel.rect.width, panel.rect.height), depth=32)
    Painter(FONTS).paint(Scene(None, panel.rect, 1.0, (), (panel,)), surface)
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2)


@given(st.integers(20, 900), st.integers(30, 200), st.floats(0, 1), st.booleans())
def test_the_green_has_the_share_that_the_score_is(
    width: int, height: int, share: float, from_right: bool
) -> None:
    """The green is the score's share of the width within the black border."""
    panel = Panel(
        Rect(0, 0, width, height),
        ON_BLACK,
        (),
        filled_px=round(share * width),
        fills_from_right=from_right,
    )
    green = green_part(panel)
    inner = width - 2 * round(BORDER * height)
    if inner > 0:
        assert green.width == pytest.approx(share * inner, abs=1.1)
        assert green.within(Rect(1, 1, width - 2, height - 2))


def test_the_green_begins_where_the_name_begins() -> None:
    """The green begins at the left, and at the right in a name that is read from right to left."""
    for name in ("hornist", HEBREW, "رائد فضاء"):
        panel = tag(name, 84, 0.3)
        pixels, width = drawn(panel), panel.rect.width
        row = pixels[panel.rect.height // 16 + 2]
        greens = [x for x in range(width) if tuple(row[x]) == DARK_GREEN]
        border = round(BORDER * panel.rect.height)
        ends = (border, border + len(greens) - 1)
        if name != "hornist":
            ends = (width - border - len(greens), width - border - 1)
        assert (greens[0], greens[-1]) == ends
        assert len(greens) == pytest.approx(0.3 * width, abs=3)


@pytest.mark.parametrize("name", ["hornist", "guest of honor", HEBREW, "رائد فضاء"])
@pytest.mark.parametrize("size", [42, 84])
def test_letters_are_white_and_stay_in_their_places_at_each_score(name: str, size: int) -> None:
    """No letter changes its place or its colour where the green ends."""
    (line,) = tag(name, size, 0.5).lines
    ink = FONTS.ink(line.text, line.size, line.levels)
    assert ink is not None
    full = ink.alpha == 255
    top, left = line.baseline + ink.top, line.x + ink.left
    for hundredth in range(1, 101):
        pixels = drawn(tag(name, size, hundredth / 100))
        area = pixels[top : top + full.shape[0], left : left + full.shape[1]]
        assert (area[full] == WHITE).all(), hundredth


@pytest.mark.parametrize("name", ["hornist", "guest of honor", "äüß fj", "mmm", HEBREW])
@pytest.mark.parametrize("size", [42, 84])
def test_letters_are_read_on_both_sides_of_the_end_of_the_green(name: str, size: int) -> None:
    """At each score, letters have a contrast of 4.5 : 1 with everything within 2 px of them."""
    for hundredth in range(1, 101):
        panel = tag(name, size, hundredth / 100)
        scene = Scene(None, panel.rect, 1.0, (), (panel,))
        (found,) = text_contrasts(scene, FONTS, drawn(panel))
        assert found.ratio >= 4.5, (name, hundredth)


def test_the_end_of_the_green_is_seen() -> None:
    """The green has more than 3 : 1 against the black beside it, as graphics need (WCAG 1.4.11)."""
    dark, black = (luminances(np.array(colour, np.uint8)) for colour in (DARK_GREEN, BLACK))
    assert ratios(dark, black) > 4
