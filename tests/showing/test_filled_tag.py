from __future__ import annotations

import pygame
import pygame.surfarray
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.frame import Pixels
from installation.showing.filled_tag import BORDER, draw_filled, green_part, parts
from installation.showing.scene import BLACK, GREEN, ON_BLACK, Panel, Rect, Scene
from installation.showing.type.direction import is_right_to_left
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import Paragraph, set_panel
from tests.support.contrast import text_contrasts

FONTS = Fonts()


HEBREW = "אַסְטְרוֹנָאוּט"
"""A name whose letters are not joined, and which begins at the right."""


def tag(name: str, size: int, share: float) -> Panel:
    """Return the tag of `name`, filled as far as `share`, 0–1, from its first letter on."""
    panel = set_panel(FONTS, [Paragraph(name, size, GREEN)], 1200, 18, ON_BLACK)
    filled_px = round(share * panel.rect.width)
    from_right = is_right_to_left(name)
    return Panel(
        panel.rect, ON_BLACK, panel.lines, filled_px=filled_px, fills_from_right=from_right
    )


def drawn(panel: Panel) -> Pixels:
    """Return the pixels of `panel`, `(H, W, 3)`."""
    surface = pygame.Surface((panel.rect.width, panel.rect.height), depth=32)
    surface.fill(BLACK)
    draw_filled(panel, FONTS, surface)
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
        greens = [x for x in range(width) if tuple(row[x]) == GREEN]
        border = round(BORDER * panel.rect.height)
        ends = (border, border + len(greens) - 1)
        if name != "hornist":
            ends = (width - border - len(greens), width - border - 1)
        assert (greens[0], greens[-1]) == ends
        assert len(greens) == pytest.approx(0.3 * width, abs=3)


@pytest.mark.parametrize("name", ["hornist", "clinician", "guest of honor", "äüß fj", HEBREW])
@pytest.mark.parametrize("size", [42, 84])
def test_each_letter_has_one_colour(name: str, size: int) -> None:
    """At each score every letter is black or green as a whole; the black ones come first."""
    (line,) = tag(name, size, 0.5).lines
    ink = FONTS.ink(line.text, line.size, line.levels)
    assert ink is not None
    for hundredth in range(1, 101):
        panel = tag(name, size, hundredth / 100)
        pixels = drawn(panel)
        found = [part for part in parts(panel, FONTS) if not part.is_outline]
        assert sum(int(part.alpha.sum()) for part in found) == int(ink.alpha.sum())
        colours = [part.colour for part in found if part.alpha.size]
        assert colours == sorted(colours)
        for part in found:
            height, width = part.alpha.shape
            area = pixels[part.y : part.y + height, part.x : part.x + width]
            assert (area[part.alpha == 255] == part.colour).all(), (name, hundredth)


@pytest.mark.parametrize(
    "name", ["hornist", "clinician", "guest of honor", "äüß fj", "mmm", HEBREW]
)
@pytest.mark.parametrize("size", [42, 84])
def test_letters_are_read_on_both_sides_of_the_end_of_the_green(name: str, size: int) -> None:
    """At each score, all letters have 4.5 : 1 against everything that is within 2 px of them."""
    for hundredth in range(1, 101):
        panel = tag(name, size, hundredth / 100)
        scene = Scene(None, panel.rect, 1.0, (), (panel,))
        (found,) = text_contrasts(scene, FONTS, drawn(panel))
        assert found.ratio >= 4.5, (name, hundredth)


def test_a_letter_on_its_own_colour_has_an_outline() -> None:
    """At 12 of 100 the stem of the h is green on green, with a black outline."""
    panel = tag("hornist", 42, 0.12)
    pixels = drawn(panel)
    (line,) = panel.lines
    ink = FONTS.ink(line.text, line.size, line.levels)
    assert ink is not None
    row = pixels[line.baseline - 8]
    stem = line.x + ink.left + 2
    assert tuple(row[stem]) == GREEN
    assert stem < green_part(panel).right
    assert tuple(row[stem - 3]) == BLACK
    assert tuple(row[stem - 6]) == GREEN


@pytest.mark.parametrize("size", [42, 50, 84, 96])
def test_no_letter_is_moved_to_the_edge_of_the_tag(size: int) -> None:
    """The letters beside the outline are moved away from it, but not to the tag's edge."""
    for hundredth in range(1, 101):
        panel = tag("guest of honor", size, hundredth / 100)
        green = green_part(panel)
        for part in parts(panel, FONTS):
            width = part.alpha.shape[1]
            if width:
                assert green.x < part.x
                assert part.x + width + green.x < panel.rect.width


def test_joined_letters_change_their_colour_at_the_end_of_the_green() -> None:
    """The colour of joined letters changes within the word, at the end of the green."""
    panel = tag("مستشفى", 84, 0.5)
    (line,) = panel.lines
    pixels = drawn(panel)
    green = green_part(panel)
    ink = FONTS.ink(line.text, line.size, line.levels)
    assert ink is not None
    full = ink.alpha == 255
    top, left = line.baseline + ink.top, line.x + ink.left
    part = pixels[top : top + full.shape[0], left : left + full.shape[1]]
    end = green.x - left
    assert full[:, :end].any()
    assert full[:, end:].any()
    assert (part[:, :end][full[:, :end]] == GREEN).all()
    assert (part[:, end:][full[:, end:]] == BLACK).all()
