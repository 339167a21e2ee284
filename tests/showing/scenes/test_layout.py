"""Tests of the layout: each panel is visibly one visitor's, and covers no face and no other panel.

One visitor to thirty-two stand anywhere in the picture, near and far, behind one another, at its
edges, and move. No sentence is in larger type than its name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Sightings, Stage
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.showing.cover import Cover
from installation.showing.scene import Rect, Size, Visitor
from installation.showing.scenes.bands import SAFE, bands
from installation.showing.scenes.caption_layout import MAX_CAPTIONS
from installation.showing.scenes.compose import POSITION_SLACK, POSITION_SLACK_SHARE, compose
from installation.showing.scenes.definitions import shortened
from installation.showing.scenes.layout import TAG_FAR, TAG_GAP
from installation.showing.scenes.surroundings import chest, without
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import (
    CLINICIAN,
    FRAME,
    GUEST,
    LABELS,
    LONGEST_DEFINITION,
    LONGEST_LABEL,
    PEOPLE,
    ROOT,
    company,
    face,
    rows,
    sighting,
    text_of,
    visitor_panels,
    visitors_at,
)
from tests.support.sightings import sightings_of, still_track

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [
    (1920, 1080),
    (1080, 1920),
    (3840, 2160),
    (1280, 800),
    (3840, 1080),
    (480, 800),
]
CONTEXTS = {size: ScreenContext(load_words(), Fonts(), size, label_set=PEOPLE) for size in SCREENS}
TALL_FRAME = Frame.from_rgb(np.zeros((1280, 720, 3), np.uint8), 0.0)

labels = st.sampled_from([*LABELS, LONGEST_LABEL, LONGEST_DEFINITION, None])
boxes = st.builds(
    Box.from_centre,
    st.floats(0, 1280),
    st.floats(0, 720),
    st.floats(4, 700),
    st.floats(4, 700),
)
# Two faces that a detector finds in the same place are one face.
visitors = st.lists(
    st.tuples(boxes, labels),
    min_size=1,
    max_size=32,
    unique_by=lambda found: (found[0].x0, found[0].y0, found[0].x1, found[0].y1),
)


bystanders = st.lists(boxes, max_size=8)


def everybody(found: list[tuple[Box, Label | None]], others: Sequence[Box]) -> Sightings:
    """Return visitors in every stage, and `others` who are too far away to be read."""
    stages: Sequence[Stage] = ("announced", "withdrawn", "person", "named")
    visitors = [
        sighting(number, box, label, stage=stages[number % 4] if label and number % 3 else None)
        for number, (box, label) in enumerate(found)
    ]
    tracks = tuple(still_track(1000 + number, box) for number, box in enumerate(others))
    return replace(sightings_of(visitors), bystanders=tracks)


def _pixels(box: Box, size: Size, frame: Frame) -> Rect:
    """Return the pixels of the screen that show what is in `box`."""
    cover = Cover.from_sizes((frame.width, frame.height), bands(CONTEXTS[size]).room)
    shown = cover.to_screen(box)
    x, y = max(cover.view.x, math.floor(shown.x0)), max(cover.view.y, math.floor(shown.y0))
    right, bottom = min(cover.view.right, shown.x1), min(cover.view.bottom, shown.y1)
    return Rect(x, y, math.ceil(right) - x, math.ceil(bottom) - y)


@settings(max_examples=80)
@given(visitors, bystanders, st.sampled_from(SCREENS))
def test_no_panel_crosses_a_face(
    found: list[tuple[Box, Label | None]], others: list[Box], size: Size
) -> None:
    """With 1 to 32 people no word covers a face, not even a face without a square."""
    sightings = everybody(found, others)
    scene = compose(FRAME, sightings, CONTEXTS[size], now=0.0)
    faces = [_pixels(box, size, FRAME) for box in (*(box for box, _ in found), *others)]
    visible = [rect for rect in faces if rect.width > 0 and rect.height > 0]
    if scene.picture is None:
        return  # Nobody is on the visible part of the picture.
    for panel in (*visitor_panels(scene), *scene.panels):
        assert not panel.rect.overlaps(*visible)


@settings(max_examples=60)
@given(visitors, st.sampled_from(SCREENS))
def test_nobody_can_take_a_tag_for_somebody_elses(
    found: list[tuple[Box, Label | None]], size: Size
) -> None:
    """A tag touches its own square and keeps a distance from all others.

    This is half the font size or more, and twice as much to the left and right.
    """
    context = CONTEXTS[size]
    scene = compose(FRAME, everybody(found, ()), context, now=0.0)
    for visitor in scene.visitors:
        if visitor.tag is None:
            continue
        rect = visitor.tag.panel.rect
        assert rect.grown(1).overlaps(visitor.square)
        others = [each.square for each in scene.visitors if each is not visitor]
        clear = max(context.px(TAG_GAP), visitor.tag.panel.lines[0].size // 2)
        wide = Rect(rect.x - clear, rect.y, rect.width + 2 * clear, rect.height)
        assert not wide.grown(clear).overlaps(*others)


@settings(max_examples=60)
@given(visitors, bystanders, st.sampled_from(SCREENS))
def test_panels_never_overlap_nor_leave_the_room(
    found: list[tuple[Box, Label | None]], others: list[Box], size: Size
) -> None:
    """With up to 32 visitors anywhere in the picture no panel covers another or a band."""
    context = CONTEXTS[size]
    scene = compose(FRAME, everybody(found, others), context, now=0.0)
    panels = visitor_panels(scene)
    edge = context.px(SAFE)
    for panel in panels:
        assert panel.rect.within(bands(context).room)
        assert panel.rect.x >= edge
        assert panel.rect.right <= size[0] - edge
    for one, other in itertools.combinations(panels, 2):
        assert not one.rect.overlaps(other.rect)


@settings(max_examples=60)
@given(visitors, st.sampled_from(SCREENS))
def test_words_are_no_larger_than_their_face_bears(
    found: list[tuple[Box, Label | None]], size: Size
) -> None:
    """A panel is at most twice as wide as its square, and no sentence is larger than its name."""
    context = CONTEXTS[size]
    scene = compose(FRAME, everybody(found, ()), context, now=0.0)
    for visitor in scene.visitors:
        tag, caption = visitor.tag, visitor.caption
        if tag:
            assert tag.panel.rect.width <= 2 * visitor.square.width
            assert min(line.size for line in tag.panel.lines) >= context.px(42)
        if caption:
            assert tag or not visitor.shown.name
            assert caption.panel.rect.width <= 2 * visitor.square.width
            type_px = [line.size for line in caption.panel.lines]
            assert min(type_px) >= context.px(34)
            if tag:
                assert max(type_px) <= tag.panel.lines[0].size


@settings(max_examples=60)
@given(visitors, st.sampled_from(SCREENS))
def test_one_sentence_says_that_a_name_is_chosen(
    found: list[tuple[Box, Label | None]], size: Size
) -> None:
    """On the whole screen, one caption says that a name is being chosen."""
    scene = compose(FRAME, visitors_at(found), CONTEXTS[size], now=0.0)
    assert text_of(scene).count("choosing") <= 1
    captions = [visitor for visitor in scene.visitors if visitor.caption]
    assert len(captions) <= (MAX_CAPTIONS if len(scene.visitors) <= MAX_CAPTIONS else 1)


@settings(max_examples=40)
@given(visitors, st.sampled_from(SCREENS))
def test_type_stays_on_its_panel(found: list[tuple[Box, Label | None]], size: Size) -> None:
    """Every line is within its panel."""
    context = CONTEXTS[size]
    scene = compose(FRAME, visitors_at(found), context, now=0.0)
    for panel in (*visitor_panels(scene), *scene.panels):
        for line in panel.lines:
            extent = context.fonts.extent(line.text, line.size)
            assert line.x >= 0
            assert line.x + extent.width <= panel.rect.width
            assert line.baseline - extent.ascent >= 0
            assert line.baseline + extent.descent <= panel.rect.height


people = st.dictionaries(
    st.integers(1, 5),
    st.tuples(
        boxes,
        st.sampled_from([*LABELS, ROOT]),
        st.sampled_from(["announced", "reading", "named", "withdrawn", "unsure", "person"]),
    ),
    max_size=5,
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0.01, 0.8), people), min_size=2, max_size=8))
def test_whoever_comes_and_goes_no_word_crosses_a_face(
    steps: list[tuple[float, dict[int, tuple[Box, Label, Stage]]]],
) -> None:
    """While people come and go, no tag and no caption ever covers a face."""
    context = CONTEXTS[1920, 1080]
    scene, now = None, 0.0
    for passed_s, present in steps:
        now += passed_s
        visitors = [
            sighting(number, box, None if stage in ("announced", "reading") else label, stage=stage)
            for number, (box, label, stage) in present.items()
        ]
        scene = compose(FRAME, sightings_of(visitors), context, now, scene)
        if scene.picture is None or not scene.visitors:
            continue
        faces = [_pixels(box, (1920, 1080), FRAME) for box, _, _ in present.values()]
        visible = [rect for rect in faces if rect.width > 0 and rect.height > 0]
        for panel in visitor_panels(scene):
            assert not panel.rect.overlaps(*visible)


usual_boxes = st.builds(
    Box.from_centre,
    st.floats(420, 860),
    st.floats(260, 440),
    st.floats(110, 210),
    st.floats(110, 210),
)


@given(usual_boxes, labels.filter(bool), st.sampled_from(SCREENS))
def test_a_lone_visitor_always_reads_what_the_name_rests_on(
    box: Box, label: Label, size: Size
) -> None:
    """A single visitor at about two metres has their name and its evidence beside them."""
    context = CONTEXTS[size]
    frame = FRAME if size[0] > size[1] else TALL_FRAME
    box = box if frame is FRAME else Box(box.y0, box.x0, box.y1, box.x1)
    scene = compose(frame, visitors_at([(box, label)]), context, now=0.0)
    for visitor in scene.visitors:
        assert visitor.tag is not None
        assert visitor.caption is not None
        text = " ".join(line.text for line in visitor.caption.panel.lines)
        for word in (*shortened(label.definition).split(), "31", "100"):
            assert word in text
        assert visitor.caption.panel.meters


@given(visitors, st.lists(st.floats(-1, 1), min_size=64, max_size=64), st.sampled_from(SCREENS))
@settings(max_examples=40)
def test_nothing_jitters_while_nobody_moves(
    found: list[tuple[Box, Label | None]], wobble: list[float], size: Size
) -> None:
    """Boxes that wobble by less than the slack leave squares, tags and captions as they are."""
    context = CONTEXTS[size]
    cover = Cover.from_sizes((FRAME.width, FRAME.height), bands(context).room)
    least = min(max(box.width, box.height) for box, _ in found)
    slack = min(context.px(POSITION_SLACK) * cover.width / size[0], POSITION_SLACK_SHARE * least)
    reach = 0.7 * slack
    before = compose(FRAME, visitors_at(found), context, now=0.0)
    ids = {visitor.id for visitor in before.visitors}
    scene = before
    for step, away in enumerate((reach, -reach, reach), start=1):
        moved = [
            (_shifted(box, away * wobble[2 * number], away * wobble[2 * number + 1]), label)
            for number, (box, label) in enumerate(found)
        ]
        after = compose(FRAME, visitors_at(moved), context, now=0.01 * step, previous=scene)
        if not ids or {visitor.id for visitor in after.visitors} != ids:
            return  # A face left or entered the picture, or none is on it.
        for one, other in zip(scene.visitors, after.visitors, strict=True):
            assert abs(one.square.x - other.square.x) <= 1 + step // 2
            assert abs(one.square.y - other.square.y) <= 1 + step // 2
            assert one.square.width == other.square.width
            assert _placing(one) == _placing(other)
        scene = after
    third = compose(FRAME, visitors_at(moved), context, now=0.04, previous=scene)
    assert compose(FRAME, visitors_at(moved), context, now=0.05, previous=third) == third


def _placing(visitor: Visitor) -> tuple[object, ...]:
    """Return the texts of a visitor's panels, and their sides of the square."""
    tag, caption = visitor.tag, visitor.caption
    return (
        tag and (tag.panel.lines, tag.size),
        caption and (caption.panel.lines, caption.side),
    )


def _shifted(box: Box, dx: float, dy: float) -> Box:
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


@pytest.mark.parametrize(("score", "text"), [(0.031, "4"), (0.0, "0"), (0.314, "32"), (1.0, "100")])
def test_the_bound_that_the_root_shows_is_true(
    context: MakeContext, score: float, text: str
) -> None:
    """The score shown for the root is rounded up, so no label scored more."""
    box = face((600, 300, 150))
    found = sighting(1, box, ROOT)
    assert found.verdict is not None
    found = replace(found, verdict=replace(found.verdict, score=score))
    scene = compose(FRAME, sightings_of([found]), context((1920, 1080)), now=0.0)
    assert f"more than {text} of 100" in " ".join(text_of(scene).split())


@pytest.mark.parametrize("height_px", [560, 600, 640])
@pytest.mark.parametrize("x", [560, 640, 720])
def test_beside_a_face_that_is_very_near_there_are_all_words(height_px: int, x: int) -> None:
    """A caption that has no room beside a large square is partly on it, and is not shortened."""
    near = Box.from_centre(x, 440, 0.76 * height_px, height_px)
    scene = compose(FRAME, visitors_at([(near, GUEST)]), CONTEXTS[1920, 1080], 0.0)
    text = " ".join(text_of(scene).split())
    for words in ("a visitor who is welcomed", "clinician 12", "other names"):
        assert words in text
    (visitor,) = scene.visitors
    for panel in visitor_panels(scene):
        assert not panel.rect.overlaps(_pixels(near, (1920, 1080), FRAME))
    assert visitor.square.height > bands(CONTEXTS[1920, 1080]).room.height


def test_a_caption_stays_at_its_side_while_it_fits_there(context: MakeContext) -> None:
    """A caption that was placed right for lack of room below stays there when the face rises."""
    low = Box.from_centre(500, 500, 150, 190)
    high = Box.from_centre(500, 300, 150, 190)
    at_first = compose(FRAME, visitors_at([(low, LONGEST_DEFINITION)]), context((1920, 1080)), 0.0)
    later = compose(
        FRAME, visitors_at([(high, LONGEST_DEFINITION)]), context((1920, 1080)), 0.1, at_first
    )
    first, second = at_first.visitors[0].caption, later.visitors[0].caption
    assert first is not None
    assert second is not None
    assert (first.side, first.panel.lines) == (second.side, second.panel.lines)


def test_several_captions_have_type_of_one_size(context: MakeContext) -> None:
    """Two visitors side by side read definitions in the same type."""
    heads = [(360.0, 250.0, 180.0), (880.0, 270.0, 165.0)]
    scene = compose(FRAME, company(heads, [CLINICIAN, GUEST]), context((1920, 1080)), 0.0)
    sizes = {visitor.caption.size for visitor in scene.visitors if visitor.caption}
    assert len([visitor for visitor in scene.visitors if visitor.caption]) == 2
    assert len(sizes) == 1


def test_a_tag_lies_on_nobody_elses_chest_if_there_is_another_place(context: MakeContext) -> None:
    """If there is another place, a tag does not cover the chest of a visitor or bystander behind.

    If nobody is behind, the tag is above the square.
    """
    front, behind = Box.from_centre(640, 480, 100, 130), Box.from_centre(640, 240, 70, 90)
    screen = context((1920, 1080))
    both = visitors_at([(front, CLINICIAN), (behind, CLINICIAN)])
    alone = visitors_at([(front, CLINICIAN)])
    for sightings in (both, replace(alone, bystanders=(still_track(9, behind),))):
        scene = compose(FRAME, sightings, screen, 0.0)
        visitor = scene.visitors[0]
        assert visitor.tag is not None
        cover = Cover.from_sizes((FRAME.width, FRAME.height), bands(screen).room)
        shown = cover.to_screen(behind)
        side = 1.24 * shown.height
        square = Rect(round(shown.centre[0] - side / 2), round(shown.y1), round(side), 0)
        avoided = replace(chest(square), y=square.y + round(0.12 * side))
        for part in without(avoided, chest(visitor.square)):
            assert not visitor.tag.panel.rect.overlaps(part)
    above = compose(FRAME, alone, screen, 0.0).visitors[0]
    assert above.tag is not None
    assert above.tag.panel.rect.bottom <= above.square.y + above.square.width // 11


def test_a_tag_is_far_from_other_squares_if_there_is_another_place(context: MakeContext) -> None:
    """A tag above its face would end close to a neighbour's square, so it is elsewhere."""
    screen = context((1920, 1080))
    for dx in range(120, 300, 4):
        one, other = Box.from_centre(500, 420, 90, 110), Box.from_centre(500 + dx, 330, 80, 100)
        scene = compose(FRAME, visitors_at([(one, CLINICIAN), (other, GUEST)]), screen, 0.0)
        for visitor, neighbour in itertools.permutations(scene.visitors, 2):
            assert visitor.tag is not None
            rect = visitor.tag.panel.rect
            assert not rect.grown(screen.px(TAG_FAR)).overlaps(neighbour.square), dx


def test_the_next_tag_stays_below_if_the_one_before_was_there(context: MakeContext) -> None:
    """If a name's tag was below the face for lack of room, the tag "person" is below it too."""
    screen = context((1920, 1080))
    high = Box.from_centre(640, 200, 120, 150)
    named = compose(FRAME, sightings_of([sighting(1, high, CLINICIAN)]), screen, 0.0)
    person = sighting(1, high, ROOT, stage="person")
    after = compose(FRAME, sightings_of([person]), screen, 1.0, named)
    for scene in (named, after):
        tag = scene.visitors[0].tag
        assert tag is not None
        assert tag.panel.rect.y >= scene.visitors[0].square.bottom - 20


def test_many_people_in_a_crowd_are_named(context: MakeContext) -> None:
    """Many of thirty-two people in four rows have their names beside them.

    The others are too small for type of 42 px, or a name beside them could be somebody else's.
    """
    heads = rows((1280, 720), (9, 9, 8, 6), 52.0, 0.2, 0.18)
    scene = compose(FRAME, company(heads, LABELS), context((1920, 1080)), 0.0)
    assert len(scene.visitors) == 32
    assert sum(visitor.tag is not None for visitor in scene.visitors) >= 13


def test_the_names_of_a_crowd_are_set_once_and_forgotten_with_it() -> None:
    """A crowd's names are typeset once, and are forgotten within a second after it has left."""
    fonts = Fonts()
    screen = ScreenContext(load_words(), fonts, (1920, 1080), label_set=PEOPLE)
    heads = rows((1280, 720), (9, 9, 8, 6), 52.0, 0.2, 0.18)
    crowd = company(heads, LABELS)
    scene = compose(FRAME, crowd, screen, 0.0)
    searched = {visitor.shown.name for visitor in scene.visitors if visitor.tag is None}
    first = {name: fonts.panels.get((name,), dict) for name in searched}
    assert len(first) >= 3
    for step in range(1, 90):
        scene = compose(FRAME, crowd, screen, step / 30, scene)
        fonts.evict(step / 30)
    assert all(fonts.panels.get((name,), dict) is panels for name, panels in first.items())
    for step in range(90, 120):
        fonts.evict(step / 30)
    assert len(fonts.panels) == 0
    assert len(fonts.least_widths) == 0
