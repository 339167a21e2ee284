from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Sighting, Sightings
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track
from installation.showing.cards import imprint
from installation.showing.compose import (
    EMPTY_S,
    FIRST_TURN_S,
    LAST_TURN_S,
    SLACK,
    compose,
    tumble,
    turn_s,
)
from installation.showing.cover import Cover
from installation.showing.fonts import Fonts
from installation.showing.scene import Panel, Scene, Size, Visitor
from installation.showing.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import (
    CLINICIAN,
    GUEST,
    LABELS,
    LONGEST_DEFINITION,
    LONGEST_LABEL,
    ROOT,
    company,
    face,
    rows,
    sighting,
)
from tests.support.sightings import sightings_of

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720)]
CONTEXTS = {size: ScreenContext(load_words(), Fonts(), size) for size in SCREENS}
FRAME = Frame(np.zeros((720, 1280, 3), np.uint8), 0.0)
TALL_FRAME = Frame(np.zeros((1280, 720, 3), np.uint8), 0.0)

labels = st.sampled_from([*LABELS, LONGEST_LABEL, LONGEST_DEFINITION, None])
boxes = st.builds(
    Box.from_centre,
    st.floats(0, 1280),
    st.floats(0, 720),
    st.floats(4, 700),
    st.floats(4, 700),
)
# Two faces that a detector finds in the very same place are one face.
visitors = st.lists(
    st.tuples(boxes, labels),
    min_size=1,
    max_size=32,
    unique_by=lambda found: (found[0].x0, found[0].y0, found[0].x1, found[0].y1),
)


def _sightings(found: list[tuple[Box, Label | None]]) -> Sightings:
    return sightings_of([sighting(number, box, label) for number, (box, label) in enumerate(found)])


def _captions(scene: Scene) -> list[Panel]:
    panels = [visitor.tag for visitor in scene.visitors if visitor.tag]
    return panels + [visitor.caption.panel for visitor in scene.visitors if visitor.caption]


def _says(scene: Scene) -> str:
    panels = [*_captions(scene), *scene.panels]
    return " ".join(line.text for panel in panels for line in panel.lines)


@settings(max_examples=60)
@given(visitors, st.sampled_from(SCREENS))
def test_captions_never_overlap_nor_leave_the_screen(
    found: list[tuple[Box, Label | None]], size: Size
) -> None:
    """However many visitors there are and wherever they stand, each caption can be read."""
    context = CONTEXTS[size]
    scene = compose(FRAME, _sightings(found), context, now=0.0)
    panels = _captions(scene)
    for panel in panels:
        assert panel.rect.within(context.screen)
        assert not panel.rect.overlaps(imprint(context)[0].rect)
    for one, other in itertools.combinations(panels, 2):
        assert not one.rect.overlaps(other.rect)


@settings(max_examples=40)
@given(visitors, st.sampled_from(SCREENS))
def test_type_stays_on_its_panel(found: list[tuple[Box, Label | None]], size: Size) -> None:
    """No line is wider than its panel, and none stands out at its top or bottom."""
    context = CONTEXTS[size]
    scene = compose(FRAME, _sightings(found), context, now=0.0)
    for panel in (*_captions(scene), *scene.panels):
        for line in panel.lines:
            extent = context.fonts.extent(line.text, line.size)
            assert line.x >= 0
            assert line.x + extent.width <= panel.rect.width
            assert line.baseline - extent.ascent >= 0
            assert line.baseline + extent.descent <= panel.rect.height


@given(boxes, labels.filter(bool), st.sampled_from(SCREENS))
def test_a_lone_visitor_always_reads_the_whole_verdict(box: Box, label: Label, size: Size) -> None:
    """Near or far, in the middle or at the edge: one visitor gets the label and its definition."""
    context = CONTEXTS[size]
    frame = FRAME if size[0] > size[1] else TALL_FRAME
    box = box if frame is FRAME else Box(box.y0, box.x0, box.y1, box.x1)
    scene = compose(frame, _sightings([(box, label)]), context, now=0.0)
    for visitor in scene.visitors:
        assert visitor.tag is not None
        assert visitor.caption is not None
        said = " ".join(line.text for line in visitor.caption.panel.lines)
        for word in (*label.definition.split(), *label.chain[0].split(), "31"):
            assert word in said


@given(visitors, st.lists(st.floats(-1, 1), min_size=64, max_size=64), st.sampled_from(SCREENS))
@settings(max_examples=40)
def test_nothing_jitters_while_nobody_moves(
    found: list[tuple[Box, Label | None]], wobble: list[float], size: Size
) -> None:
    """Boxes that wobble by less than the slack leave squares, tags and captions as they are."""
    context = CONTEXTS[size]
    cover = Cover.of((FRAME.width, FRAME.height), size)
    reach = 0.9 * context.px(SLACK) * cover.width / size[0]
    before = compose(FRAME, _sightings(found), context, now=0.0)
    seen = {visitor.id for visitor in before.visitors}
    moved = [
        (_shifted(box, reach * wobble[2 * number], reach * wobble[2 * number + 1]), label)
        for number, (box, label) in enumerate(found)
    ]
    after = compose(FRAME, _sightings(moved), context, now=0.01, before=before)
    if {visitor.id for visitor in after.visitors} != seen:
        return  # A face left or entered the screen.
    for one, other in zip(before.visitors, after.visitors, strict=True):
        assert abs(one.square.x - other.square.x) <= 1
        assert abs(one.square.y - other.square.y) <= 1
        assert one.square.width == other.square.width
        assert _placing(one) == _placing(other)
    third = compose(FRAME, _sightings(moved), context, now=0.02, before=after)
    assert compose(FRAME, _sightings(moved), context, now=0.03, before=third) == third


def _placing(visitor: Visitor) -> tuple[object, ...]:
    """Return what a visitor reads, and at which side of the square."""
    tag, caption = visitor.tag, visitor.caption
    return (
        tag and (tag.lines, tag.rect.x - visitor.square.x, tag.rect.y - visitor.square.y),
        caption and (caption.panel.lines, caption.side),
    )


def _shifted(box: Box, dx: float, dy: float) -> Box:
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


@pytest.mark.parametrize(("score", "said"), [(0.031, "4"), (0.0, "0"), (0.314, "32"), (1.0, "100")])
def test_what_the_root_says_of_scores_is_true(
    context: MakeContext, score: float, said: str
) -> None:
    """The best score is rounded up, as none was above what the wall says."""
    box = face((600, 300, 150))
    found = sighting(1, box, ROOT)
    assert found.verdict is not None
    found = replace(found, verdict=replace(found.verdict, score=score))
    scene = compose(FRAME, sightings_of([found]), context((1920, 1080)), now=0.0)
    assert f"above {said} of 100" in " ".join(_says(scene).split())


def test_the_square_follows_who_walks(context: MakeContext) -> None:
    """A square is never farther from its face than the slack."""
    scene: Scene | None = None
    for step in range(60):
        box = Box.from_centre(200 + 12 * step, 300 + 3 * step, 120, 160)
        scene = compose(
            FRAME, _sightings([(box, CLINICIAN)]), context((1920, 1080)), step / 30, scene
        )
        square = scene.visitors[0].square
        middle = square.x + square.width / 2, square.y + square.height / 2
        assert middle == pytest.approx((1.5 * box.centre[0], 1.5 * box.centre[1]), abs=SLACK + 1)


def test_boxes_are_predicted_to_the_frame(context: MakeContext) -> None:
    """A face that moves is drawn where it is on the frame, not where it was when it was found."""
    found = sighting(1, Box(100, 100, 200, 220), CLINICIAN)
    walking = replace(found, track=replace(found.track, velocity=(200.0, 0.0, 0.0, 0.0)))
    later = Frame(FRAME.pixels, 0.1)
    scene = compose(later, sightings_of([walking]), context((1280, 720)), now=0.1)
    square = scene.visitors[0].square
    assert square.x + square.width / 2 == pytest.approx(170, abs=1)


def test_a_caption_stays_at_its_side_while_it_fits_there(context: MakeContext) -> None:
    """A caption that went to the right because of the floor stays there when the face rises."""
    low = Box.from_centre(500, 500, 150, 190)
    high = Box.from_centre(500, 300, 150, 190)
    at_first = compose(FRAME, _sightings([(low, LONGEST_DEFINITION)]), context((1920, 1080)), 0.0)
    later = compose(
        FRAME, _sightings([(high, LONGEST_DEFINITION)]), context((1920, 1080)), 0.1, at_first
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


def test_nearly_everybody_in_a_crowd_is_named(context: MakeContext) -> None:
    """Of thirty-two faces in four rows at least twenty-eight have their names beside them."""
    heads = rows((1280, 720), (9, 9, 8, 6), 52.0, 0.13, 0.18)
    scene = compose(FRAME, company(heads, LABELS), context((1920, 1080)), 0.0)
    assert len(scene.visitors) == 32
    assert sum(visitor.tag is not None for visitor in scene.visitors) >= 28


def test_faces_beside_the_visible_part_are_left_out(context: MakeContext) -> None:
    """On a tall screen the sides of a wide frame are cut off, and so are the people there."""
    outside = face((60.0, 300.0, 80.0))
    scene = compose(FRAME, _sightings([(outside, CLINICIAN)]), context((1080, 1920)), 0.0)
    assert scene.visitors == ()


def test_the_title_comes_back_after_the_last_visitor(context: MakeContext) -> None:
    """The mirror stays bare for a moment, so that a lost face does not flash the title."""
    wall = context((1920, 1080))
    with_visitor = compose(FRAME, _sightings([(face((600, 300, 150)), GUEST)]), wall, 10.0)
    bare = compose(FRAME, None, wall, 10.1, with_visitor)
    still_bare = compose(FRAME, None, wall, 10.0 + EMPTY_S, bare)
    waiting = compose(FRAME, None, wall, 10.2 + EMPTY_S, still_bare)
    assert wall.words.invitation not in _says(still_bare)
    assert wall.words.invitation in _says(waiting)
    assert waiting.brightness < still_bare.brightness == 1


@pytest.mark.parametrize("size", SCREENS)
def test_the_notice_is_on_every_scene_with_the_mirror(context: MakeContext, size: Size) -> None:
    """Visitors are told that an AI system sorts them, what a label is, and what is not stored."""
    wall = context(size)
    there = _sightings([(face((640, 300, 150)), CLINICIAN), (face((300, 300, 150)), None)])
    for scene in (compose(FRAME, there, wall, 0.0), compose(FRAME, None, wall, 0.0)):
        for sentence in (wall.words.notice, wall.words.guess, wall.words.privacy):
            assert sentence in _says(scene)
            assert all(panel.rect.within(wall.screen) for panel in scene.panels)


def _visitor_at(now: float, evidence: float, before: Scene | None, context: ScreenContext) -> Scene:
    track = Track(1, Box(500, 200, 600, 320), (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0)
    candidates = sighting(1, track.box, None).candidates
    seen = sightings_of([Sighting(track, candidates, evidence, None)])
    return compose(FRAME, seen, context, now, before)


def test_names_tumble_in_the_order_of_the_distribution(context: MakeContext) -> None:
    """With no evidence every name of the distribution passes, best first, then all over again."""
    scene: Scene | None = None
    names: list[str] = []
    for step in range(200):
        scene = _visitor_at(step / 60, 0.0, scene, context((1920, 1080)))
        name = scene.visitors[0].name
        names += [name] if not names or names[-1] != name else []
    order = [label.name for label in LABELS]
    assert names[: 2 * len(order)] == order * 2


def test_names_slow_down_as_evidence_grows(context: MakeContext) -> None:
    """A name stands longer the more the machine has seen, and the least likely drop out."""
    turns = [turn_s(step / 10) for step in range(11)]
    assert turns == sorted(turns)
    assert (turns[0], turns[-1]) == pytest.approx((FIRST_TURN_S, LAST_TURN_S))
    scene: Scene | None = None
    late: list[str] = []
    for step in range(300):
        scene = _visitor_at(step / 60, 0.75, scene, context((1920, 1080)))
        late.append(scene.visitors[0].name)
    assert set(late) == {LABELS[0].name, LABELS[1].name}


def test_a_tumbling_name_needs_no_candidates() -> None:
    """Before the first reading there is a square and no name."""
    assert tumble((), 0.0, 1.0, None) == ("", 0, 1.0)


def test_the_same_input_gives_the_same_scene(context: MakeContext) -> None:
    """Composing is pure: what is on the wall follows from frame, sightings, time and before."""
    there = _sightings([(face((640, 300, 150)), None), (face((300, 300, 150)), CLINICIAN)])
    before = compose(FRAME, there, context((1920, 1080)), 0.0)
    one = compose(FRAME, there, context((1920, 1080)), 0.2, before)
    assert one == compose(FRAME, there, context((1920, 1080)), 0.2, before)
