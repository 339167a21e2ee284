from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.showing.scene import GREEN, Panel, Rect
from installation.showing.scenes.name_list import LETTER, NAME_SIZE, list_panels
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import PEOPLE

CONTEXT = ScreenContext(load_words(), Fonts(), (1920, 1080))
ROOM = Rect(1000, 300, 800, 600)

listings = st.lists(
    st.one_of(st.integers(1, 60), st.text("abcdefg ", min_size=1, max_size=40).map(str.strip)),
    min_size=1,
    max_size=30,
).map(tuple)


def names_on(panels: list[Panel]) -> list[str]:
    """Return the names on `panels`, in their order."""
    return [line.text for panel in panels for line in panel.lines]


@settings(max_examples=60)
@given(listings, st.floats(0, 1e5), st.floats(0, 4000))
def test_rows_fill_the_room_and_stay_in_it(
    listing: tuple[str | int, ...], since: float, passed_s: float
) -> None:
    """No row of the list is cut off, and no space is left for a further row.

    Rows follow each other without gaps.
    """
    panels = list_panels(CONTEXT, listing, ROOM, since, since + passed_s)
    row_px = panels[0].rect.height
    assert ROOM.y <= panels[0].rect.y < ROOM.y + row_px
    assert ROOM.bottom - row_px < panels[-1].rect.bottom <= ROOM.bottom
    for upper, lower in itertools.pairwise(panels):
        assert upper.rect.bottom == lower.rect.y
    for panel in panels:
        assert (panel.rect.x, panel.rect.right) == (ROOM.x, ROOM.right)
        for bar in panel.bars:
            assert bar.rect.right <= ROOM.width


def test_the_names_come_in_their_order_and_withheld_ones_are_bars() -> None:
    """A bar is as long as its name would be, and does not reveal the name."""
    panels = list_panels(CONTEXT, PEOPLE.listing, ROOM, 0.0, 0.0)
    names = [name for name in PEOPLE.listing if isinstance(name, str)]
    shown = names_on(panels)
    assert shown == names[: len(shown)] != []
    widths = [bar.rect.width for panel in panels for bar in panel.bars]
    letters = [length for length in PEOPLE.listing if isinstance(length, int)][: len(widths)]
    assert widths == [round(LETTER * NAME_SIZE * length) for length in letters]


def test_the_list_drifts_and_begins_again_after_its_end() -> None:
    """The list scrolls, and begins again after its end."""
    listing = ("air", "breeze", 9, "cloud")
    seen: set[str] = set()
    for second in range(0, 30, 3):
        panels = list_panels(CONTEXT, listing, Rect(0, 0, 150, 60), 0.0, float(second))
        seen.update(names_on(panels))
    assert seen == {"air", "breeze", "cloud"}


def test_it_begins_elsewhere_whenever_the_screen_becomes_idle() -> None:
    """Passers-by do not always see the same page."""
    pages = {
        tuple(names_on(list_panels(CONTEXT, PEOPLE.listing, ROOM, since, since)))
        for since in (0.0, 0.017, 0.031)
    }
    assert len(pages) == 3


def test_one_name_is_lit_at_a_time() -> None:
    """One name is highlighted while the list moves by a row, then another name."""
    lit = []
    for step in range(300):
        panels = list_panels(CONTEXT, PEOPLE.listing, ROOM, 0.0, step / 10)
        green = [line.text for panel in panels for line in panel.lines if line.colour == GREEN]
        assert len(green) <= 1
        lit.append(green[0] if green else "")
    turns = [name for name, _ in itertools.groupby(lit)]
    assert len(set(turns) - {""}) >= 5
    assert len(turns) <= 12


@pytest.mark.parametrize("passed_s", [0.0, 86_400.0])
def test_a_scene_costs_a_few_measurements(passed_s: float) -> None:
    """At most 15 rows of the list are in memory, also after a day without visitors."""
    from installation.showing.scenes.name_list import _rows

    list_panels(CONTEXT, PEOPLE.listing, ROOM, 0.0, passed_s)
    rows = _rows(CONTEXT.fonts, PEOPLE.listing, NAME_SIZE, ROOM.width, 0)
    assert len(rows._kept) <= 15
