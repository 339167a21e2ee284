from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.naming.label_set.label_set import Label
from installation.showing.scene import Scene, Visitor
from installation.showing.scenes.bands import bands
from installation.showing.scenes.caption_layout import (
    MAX_CAPTIONS,
    PREPARED,
    CaptionLayout,
)
from installation.showing.scenes.captions import DEFINITION_SIZES
from installation.showing.scenes.compose import CHANGE_S, compose
from installation.showing.scenes.surroundings import Surroundings
from installation.showing.type import typesetting
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import (
    CLINICIAN,
    FRAME,
    LABELS,
    LONGEST_DEFINITION,
    PEOPLE,
    Head,
    company,
    face,
    sighting,
)
from tests.support.sightings import sightings_of

CONTEXT = ScreenContext(load_words(), Fonts(), (1920, 1080), label_set=PEOPLE)

ROW: Sequence[Head] = ((200, 300, 120), (480, 280, 130), (760, 310, 120), (1060, 290, 125))
"""Four heads side by side on a frame of 1280×720 px."""

heads = st.lists(
    st.tuples(st.integers(100, 1180), st.integers(150, 560), st.integers(60, 240)),
    min_size=1,
    max_size=MAX_CAPTIONS,
)


def layout_of(scene: Scene, known: Sequence[Visitor] = ()) -> CaptionLayout:
    """Return a layout for the captions of the visitors of `scene`, whose tags are kept."""
    squares = [visitor.square for visitor in scene.visitors]
    faces = [square.grown(-square.width // 10) for square in squares]
    surroundings = Surroundings(CONTEXT, bands(CONTEXT).room, scene.visitors, faces)
    tags = {visitor.id: visitor.tag for visitor in scene.visitors if visitor.tag}
    return CaptionLayout(surroundings, {visitor.id: visitor for visitor in known}, tags)


@given(heads, st.lists(st.sampled_from(LABELS), min_size=4, max_size=4))
@settings(max_examples=40)
def test_definitions_are_as_large_as_they_can_be(found: list[Head], labels: list[Label]) -> None:
    """All captions have the largest font size in which each has its longest text.

    If there is none, they have the smallest. The test tries all sizes, the largest first.
    """
    scene = compose(FRAME, company(found, labels), CONTEXT, 0.0)
    layout = layout_of(scene)
    wanted = [visitor for visitor in scene.visitors if visitor.tag]
    largest = min((visitor.tag.size for visitor in wanted if visitor.tag), default=1000)
    sizes = [size for size in DEFINITION_SIZES if size <= largest]
    in_full = [layout._placed(wanted, size, only_full=True) for size in sizes]
    expected = next(
        (placed for placed in in_full if len(placed) == len(wanted)),
        layout._placed(wanted, sizes[-1], only_full=False),
    )
    assert layout._new_captions(wanted) == expected


def test_captions_stay_while_another_name_is_considered() -> None:
    """When one name that is being considered replaces another, the captions stay as they are."""
    visitors = [
        sighting(number, face(head), None if number == 2 else LABELS[number], 0.2)
        for number, head in enumerate(ROW)
    ]
    scenes = [compose(FRAME, sightings_of(visitors), CONTEXT, 0.0)]
    for step in range(1, 5):
        now = step * CHANGE_S
        scenes.append(compose(FRAME, sightings_of(visitors), CONTEXT, now, scenes[-1]))
    before, after = scenes[-2:]
    assert before.visitors[2].shown.name != after.visitors[2].shown.name
    assert all(visitor.caption for visitor in after.visitors)
    for one, two in zip(before.visitors, after.visitors, strict=True):
        if one.shown.stage != "reading":
            assert one.caption == two.caption


@pytest.mark.parametrize("label", [CLINICIAN, LONGEST_DEFINITION])
def test_captions_are_typeset_before_they_are_needed(
    label: Label, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some calls of `prepare`, a caption in the smallest size is placed without typesetting.

    Each call typesets `PREPARED` panels at most.
    """
    context = replace(CONTEXT, fonts=Fonts())
    scene = compose(FRAME, company(ROW, [label]), context, 0.0)
    fresh = replace(context, fonts=Fonts())
    surroundings = Surroundings(fresh, bands(fresh).room, scene.visitors, ())
    layout = CaptionLayout(surroundings, {}, {})
    panels = layout._panels(scene.visitors[0], DEFINITION_SIZES[-1])
    before, calls = 0, 0
    while True:
        layout.prepare(scene.visitors[:1])
        ready = sum(len(each._kept) for each in panels)
        assert ready - before <= PREPARED
        if ready == before:
            break
        before, calls = ready, calls + 1
    assert calls >= 4

    def refuse(*_: object) -> None:
        raise AssertionError("a panel is typeset")

    monkeypatch.setattr(typesetting, "break_lines", refuse)
    assert layout._placed(scene.visitors[:1], DEFINITION_SIZES[-1], only_full=False)


def test_panels_for_a_visitor_who_comes_nearer_are_used_again() -> None:
    """While a square grows from 200 to 300 px, a pixel at a time, its captions have 10 widths."""
    scene = compose(FRAME, company(ROW[:1], [CLINICIAN]), CONTEXT, 0.0)
    layout, (visitor,) = layout_of(scene), scene.visitors
    squares = [replace(visitor.square, width=width) for width in range(200, 300)]
    nearer = [layout._panels(replace(visitor, square=square), 34) for square in squares]
    assert len({id(panels) for panels in nearer}) == 10


def test_only_one_caption_says_that_a_name_is_being_chosen() -> None:
    """Of three visitors who are being read, one has a caption."""
    scene = compose(FRAME, company(ROW[:3], [None]), CONTEXT, 0.0)
    assert {each.shown.stage for each in scene.visitors} == {"reading"}
    assert sum(each.caption is not None for each in scene.visitors) == 1
