from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.naming.reading.values import Sighting
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track
from installation.showing.scene import Scene, Size
from installation.showing.scenes.compose import (
    EMPTY_S,
    FIRST_NAME_S,
    LAST_NAME_S,
    POSITION_SLACK,
    compose,
    name_duration_s,
    tumble,
)
from installation.showing.type.typesetting import ScreenContext
from tests.support.figures import (
    CLINICIAN,
    FRAME,
    GUEST,
    LABELS,
    face,
    sighting,
    text_of,
    visitors_at,
)
from tests.support.sightings import sightings_of

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720)]


def test_the_square_follows_a_visitor_who_walks(context: MakeContext) -> None:
    """A square is never farther from its face than the slack."""
    scene: Scene | None = None
    for step in range(60):
        box = Box.from_centre(200 + 12 * step, 300 + 3 * step, 120, 160)
        scene = compose(
            FRAME, visitors_at([(box, CLINICIAN)]), context((1920, 1080)), step / 30, scene
        )
        square = scene.visitors[0].square
        middle = square.x + square.width / 2, square.y + square.height / 2
        assert middle == pytest.approx(
            (1.5 * box.centre[0], 1.5 * box.centre[1]), abs=POSITION_SLACK + 1
        )


def test_boxes_are_predicted_to_the_frame(context: MakeContext) -> None:
    """A square is at the place of a moving face on the frame, not on the analysed frame."""
    found = sighting(1, Box(100, 100, 200, 220), CLINICIAN)
    walking = replace(found, track=replace(found.track, velocity=(200.0, 0.0, 0.0, 0.0)))
    later = Frame(FRAME.pixels, 0.1)
    scene = compose(later, sightings_of([walking]), context((1280, 720)), now=0.1)
    square = scene.visitors[0].square
    assert square.x + square.width / 2 == pytest.approx(170, abs=1)


def test_faces_beside_the_visible_part_are_left_out(context: MakeContext) -> None:
    """On a tall screen the sides of a wide frame are cut off, with the people in them."""
    outside = face((60.0, 300.0, 80.0))
    scene = compose(FRAME, visitors_at([(outside, CLINICIAN)]), context((1080, 1920)), 0.0)
    assert scene.visitors == ()


def test_the_title_comes_back_after_the_last_visitor(context: MakeContext) -> None:
    """The mirror stays bare for a moment, so that a lost face does not flash the title."""
    screen = context((1920, 1080))
    with_visitor = compose(FRAME, visitors_at([(face((600, 300, 150)), GUEST)]), screen, 10.0)
    bare = compose(FRAME, None, screen, 10.1, with_visitor)
    still_bare = compose(FRAME, None, screen, 10.0 + EMPTY_S, bare)
    waiting = compose(FRAME, None, screen, 10.2 + EMPTY_S, still_bare)
    assert screen.words.invitation not in text_of(still_bare)
    assert screen.words.invitation in text_of(waiting)
    assert waiting.brightness < still_bare.brightness == 1


@pytest.mark.parametrize("size", SCREENS)
def test_the_notice_is_on_every_scene_with_the_mirror(context: MakeContext, size: Size) -> None:
    """Visitors are told that an AI system sorts them, what a label is, and what is not stored."""
    screen = context(size)
    sightings = visitors_at([(face((640, 300, 150)), CLINICIAN), (face((300, 300, 150)), None)])
    for scene in (compose(FRAME, sightings, screen, 0.0), compose(FRAME, None, screen, 0.0)):
        for sentence in (screen.words.notice, screen.words.guess, screen.words.privacy):
            assert sentence in text_of(scene)
            assert all(panel.rect.within(screen.screen) for panel in scene.panels)


def _visitor_at(
    now: float, evidence: float, previous: Scene | None, context: ScreenContext
) -> Scene:
    track = Track(1, Box(500, 200, 600, 320), (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0)
    candidates = sighting(1, track.box, None).candidates
    sightings = sightings_of([Sighting(track, candidates, evidence, None, "reading")])
    return compose(FRAME, sightings, context, now, previous)


def test_names_tumble_in_the_order_of_the_distribution(context: MakeContext) -> None:
    """With no evidence every name of the distribution passes, best first, over and over."""
    scene: Scene | None = None
    names: list[str] = []
    for step in range(200):
        scene = _visitor_at(step / 60, 0.0, scene, context((1920, 1080)))
        name = scene.visitors[0].name
        names += [name] if not names or names[-1] != name else []
    order = [label.name for label in LABELS]
    assert names[: 2 * len(order)] == order * 2


def test_names_slow_down_as_evidence_grows(context: MakeContext) -> None:
    """A name stays longer the more evidence there is, and the least likely names drop out."""
    turns = [name_duration_s(step / 10) for step in range(11)]
    assert turns == sorted(turns)
    assert (turns[0], turns[-1]) == pytest.approx((FIRST_NAME_S, LAST_NAME_S))
    scene: Scene | None = None
    late: list[str] = []
    for step in range(300):
        scene = _visitor_at(step / 60, 0.75, scene, context((1920, 1080)))
        late.append(scene.visitors[0].name)
    assert set(late) == {LABELS[0].name, LABELS[1].name}


def test_a_tumbling_name_needs_no_candidates() -> None:
    """Before the first reading a visitor has a square and no name."""
    assert tumble((), 0.0, 1.0, None) == ("", 0, 1.0)


def test_the_same_input_gives_the_same_scene(context: MakeContext) -> None:
    """Composing is pure: the scene follows from frame, sightings, time and previous scene."""
    sightings = visitors_at([(face((640, 300, 150)), None), (face((300, 300, 150)), CLINICIAN)])
    previous = compose(FRAME, sightings, context((1920, 1080)), 0.0)
    one = compose(FRAME, sightings, context((1920, 1080)), 0.2, previous)
    assert one == compose(FRAME, sightings, context((1920, 1080)), 0.2, previous)
