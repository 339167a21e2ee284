"""Tests of scenes: large type changes at most twice a second, whatever happens."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Sighting, Stage
from installation.seeing.box import Box
from installation.seeing.tracker import Track
from installation.showing.cover import Cover
from installation.showing.scene import Scene, Size
from installation.showing.scenes.bands import bands
from installation.showing.scenes.cards import rehearsal_mark
from installation.showing.scenes.compose import (
    CHANGE_S,
    EMPTY_S,
    LAST_NAME_S,
    OPEN,
    compose,
    name_duration_s,
    tumble,
)
from installation.showing.scenes.idle import BLEED, idle
from installation.showing.type.typesetting import ScreenContext
from tests.support.figures import (
    CLINICIAN,
    FRAME,
    GUEST,
    LABELS,
    ROOT,
    bystander,
    face,
    rows,
    sighting,
    text_of,
    visitors_at,
)
from tests.support.sightings import sightings_of

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720)]


@pytest.mark.parametrize("size", SCREENS)
def test_no_panel_covers_the_mark_of_the_rehearsal(context: MakeContext, size: Size) -> None:
    """Tag and caption never cover the corner with the mark of the rehearsal."""
    screen = context(size)
    mark = rehearsal_mark(screen).rect
    texts = 0
    for x in range(150, 1200, 150):
        for side in (120, 200, 300):
            visitors = visitors_at([(Box.from_centre(x, 330, 0.75 * side, side), CLINICIAN)])
            scene = compose(FRAME, visitors, screen, 0.0, None, [mark])
            for visitor in scene.visitors:
                panels = [each.panel for each in (visitor.tag, visitor.caption) if each]
                texts += len(panels)
                assert not mark.overlaps(*(panel.rect for panel in panels))
    assert texts
    bleed = screen.px(BLEED)
    waiting = idle(FRAME, screen, 0.0, 0.0)
    assert not mark.overlaps(*(panel.rect.grown(-bleed) for panel in waiting.panels))


def test_the_square_follows_a_visitor_who_walks(context: MakeContext) -> None:
    """A square contains the whole face, and their centres differ by at most 5 % of its side."""
    screen = context((1920, 1080))
    cover = Cover.from_sizes((1280, 720), bands(screen).room)
    for size in (30, 160):
        scene: Scene | None = None
        for step in range(60):
            box = Box.from_centre(200 + 12 * step, 300 + 3 * step, 0.75 * size, size)
            scene = compose(FRAME, visitors_at([(box, CLINICIAN)]), screen, step / 30, scene)
            square, face_box = scene.visitors[0].square, cover.to_screen(box)
            x, y = face_box.centre
            assert abs(square.x + square.width / 2 - x) <= 0.05 * square.width
            assert abs(square.y + square.height / 2 - y) <= 0.05 * square.width
            assert square.x <= face_box.x0
            assert face_box.x1 <= square.right
            assert square.y <= face_box.y0
            assert face_box.y1 <= square.bottom


def test_a_square_is_an_eighth_larger_on_each_side(context: MakeContext) -> None:
    """A square is an eighth larger than the face on each side, so that it includes the chin."""
    screen = context((1920, 1080))
    box = Box.from_centre(640, 360, 150, 200)
    square = compose(FRAME, visitors_at([(box, CLINICIAN)]), screen, 0.0).visitors[0].square
    height = Cover.from_sizes((1280, 720), bands(screen).room).to_screen(box).height
    assert (square.width - height) / 2 / height == pytest.approx(0.12, abs=0.003)


def test_boxes_are_predicted_to_the_frame(context: MakeContext) -> None:
    """A square is at a moving face's position on the shown frame, not on the analysed frame."""
    found = sighting(1, Box(100, 100, 200, 220), CLINICIAN)
    walking = replace(found, track=replace(found.track, velocity=(200.0, 0.0, 0.0, 0.0)))
    later = replace(FRAME, taken_at=0.1)
    screen = context((1280, 720))
    scene = compose(later, sightings_of([walking]), screen, now=0.1)
    square = scene.visitors[0].square
    cover = Cover.from_sizes((1280, 720), bands(screen).room)
    middle, _ = cover.to_screen(Box.from_centre(170, 160, 100, 120)).centre
    assert square.x + square.width / 2 == pytest.approx(middle, abs=1)


def test_faces_beside_the_visible_part_are_left_out(context: MakeContext) -> None:
    """On a tall screen the sides of a wide frame are cut off, with the people in them."""
    outside = face((60.0, 300.0, 80.0))
    scene = compose(FRAME, visitors_at([(outside, CLINICIAN)]), context((1080, 1920)), 0.0)
    assert scene.visitors == ()


def test_the_question_comes_back_after_the_last_visitor(context: MakeContext) -> None:
    """After the last visitor the mirror has no text for a moment; then the question returns."""
    screen = context((1920, 1080))
    with_visitor = compose(FRAME, visitors_at([(face((600, 300, 150)), GUEST)]), screen, 10.0)
    bare = compose(FRAME, None, screen, 10.1, with_visitor)
    still_bare = compose(FRAME, None, screen, 10.0 + EMPTY_S, bare)
    idle = compose(FRAME, None, screen, 10.2 + EMPTY_S, still_bare)
    assert screen.words.title not in text_of(still_bare)
    assert still_bare.picture is FRAME
    assert screen.words.title in text_of(idle)
    assert idle.picture is None


def test_whoever_only_passes_sees_no_live_picture(context: MakeContext) -> None:
    """People behind the line on the floor get no square and no words.

    No live picture is shown for them.
    """
    passing = replace(sightings_of([]), bystanders=(bystander((600, 300, 40)),))
    scene = compose(FRAME, passing, context((1920, 1080)), 0.0)
    assert scene.picture is None
    assert scene.visitors == ()


def test_a_bystander_beside_a_visitor_has_neither_square_nor_word(context: MakeContext) -> None:
    """Only a person in front of the line has a square and words."""
    near, far = (700.0, 300.0, 150.0), (300.0, 300.0, 40.0)
    both = replace(visitors_at([(face(near), CLINICIAN)]), bystanders=(bystander(far),))
    scene = compose(FRAME, both, context((1920, 1080)), 0.0)
    assert len(scene.visitors) == 1


def test_a_lost_face_has_no_square(context: MakeContext) -> None:
    """A visitor who has turned away gets no square, although their track still exists."""
    found = sighting(1, face((600, 300, 150)), CLINICIAN)
    lost = replace(found, track=replace(found.track, misses=2))
    later = replace(FRAME, taken_at=5.0)
    assert compose(later, sightings_of([lost]), context((1920, 1080)), 5.0).visitors == ()
    assert compose(later, sightings_of([found]), context((1920, 1080)), 5.0).visitors != ()


@pytest.mark.parametrize("size", SCREENS)
def test_the_notice_is_on_every_scene_with_the_mirror(context: MakeContext, size: Size) -> None:
    """Every scene with the mirror has the notice, how to stop the reading, and the privacy line."""
    screen = context(size)
    sightings = visitors_at([(face((640, 300, 150)), CLINICIAN), (face((300, 300, 150)), None)])
    first = compose(FRAME, sightings, screen, 0.0)
    for scene in (
        first,
        compose(FRAME, None, screen, 0.0),
        compose(FRAME, None, screen, 0.1, first),
        compose(FRAME, None, replace(screen, idle="mirror"), 0.0),
    ):
        for sentence in (screen.words.notice, "Turn away: it stops", screen.words.privacy):
            assert sentence in text_of(scene)
        assert scene.panels[-2:] == bands(screen).panels
        assert all(panel.rect.within(screen.screen) for panel in scene.panels)


def test_an_empty_square_counts_down_before_anything_is_read(context: MakeContext) -> None:
    """The open square says what comes next, and how to turn away, but no name.

    Its corners grow towards each other while the seconds pass.
    """
    screen = context((1920, 1080))
    announced = sightings_of([sighting(1, face((640, 300, 150)), None, stage="announced")])
    scene: Scene | None = None
    counted = []
    for step in range(90):
        scene = compose(FRAME, announced, screen, step / 30, scene)
        (visitor,) = scene.visitors
        counted += [visitor.shown.name] if visitor.shown.name not in counted else []
        assert visitor.lit == 0
        assert visitor.gap_share == pytest.approx(OPEN * (1 - step / 90))
        assert f"AI guesses in {counted[-1]}" in " ".join(text_of(scene).split())
        assert not any(label.name in text_of(scene) for label in LABELS)
        caption = "Turn away: it stops. This is an artwork."
        assert caption in " ".join(text_of(scene).split())
    assert counted == ["3", "2", "1"]
    read = sightings_of([sighting(1, face((640, 300, 150)), None)])
    scene = compose(FRAME, read, screen, 4.0, scene)
    assert scene.visitors[0].gap_share == 0


def test_a_name_is_taken_back_and_then_there_is_a_person(context: MakeContext) -> None:
    """A withdrawn name is struck through; then the caption says 'person'."""
    screen = context((1920, 1080))
    box = face((640, 300, 150))
    scene: Scene | None = None
    texts = []
    stages: list[tuple[Stage, Label]] = [
        ("named", CLINICIAN),
        ("withdrawn", CLINICIAN),
        ("person", ROOT),
    ]
    for step, (stage, label) in enumerate(stages):
        found = sightings_of([sighting(1, box, label, stage=stage)])
        scene = compose(FRAME, found, screen, float(step), scene)
        tag = scene.visitors[0].tag
        assert tag is not None
        texts.append((bool(tag.panel.filled_px), bool(tag.panel.strikes), text_of(scene)))
    assert [text[:2] for text in texts] == [(True, False), (False, True), (False, False)]
    assert (
        "The machine takes every name back. This one had 31\u00a0of\u00a0100 points." in texts[1][2]
    )
    assert "person a human being" in texts[2][2]


def test_large_type_changes_at_most_twice_a_second(context: MakeContext) -> None:
    """Even with a dozen visitors, large type changes at most twice a second."""
    screen = context((1920, 1080))
    heads = rows((1280, 720), (4, 4, 4), 90.0, 0.25, 0.2)
    scene: Scene | None = None
    changes: list[float] = []
    for step in range(300):
        now = step / 60
        found = [
            sighting(
                number,
                face(head),
                LABELS[number % 5] if now > 2 + number / 7 else None,
                evidence=min(1.0, now / 3),
                stage="announced" if now < number / 9 else None,
            )
            for number, head in enumerate(heads)
        ]
        after = compose(FRAME, sightings_of(found), screen, now, scene)
        before = {each.id: each for each in scene.visitors} if scene else {}
        shown = [(each.id, each.shown.name) for each in after.visitors if each.tag]
        if [pair for pair in shown if pair[0] in before and before[pair[0]].shown.name != pair[1]]:
            changes.append(now)
        scene = after
    assert len(changes) >= 5
    gaps = [later - earlier for earlier, later in itertools.pairwise(changes)]
    assert min(gaps) >= 0.5 - 1e-9


@pytest.mark.parametrize("seen_s", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("is_same", [True, False])
def test_a_face_that_is_lost_and_found_makes_no_name_flash(
    context: MakeContext, seen_s: float, is_same: bool
) -> None:
    """Large type does not flash if a face is lost and found again and again.

    It appears, disappears or changes at most twice a second.
    """
    screen = context((1920, 1080))
    scene: Scene | None = None
    texts: list[str] = []
    changes: list[float] = []
    for step in range(600):
        now = step / 60
        turn = int(now / seen_s)
        visitor = sighting(1 if is_same else turn, Box(500, 200, 620, 340), LABELS[turn % 5])
        found = [] if turn % 2 else [visitor]
        scene = compose(FRAME, sightings_of(found), screen, now, scene)
        panels = [each.tag.panel for each in scene.visitors if each.tag]
        large = [line.text for panel in panels for line in panel.lines]
        if large != texts:
            changes.append(now)
        texts = large
    assert len(changes) >= 9, "the name comes back"
    each_third = zip(changes, changes[2:], strict=False)
    assert all(later - earlier >= 1.0 - 1e-9 for earlier, later in each_third)


def test_a_name_waits_its_time_after_a_pause_of_the_analysis(context: MakeContext) -> None:
    """After a pause of the analysis, the next name is not shown sooner than otherwise."""
    screen = context((1920, 1080))
    box = Box(500, 200, 620, 340)
    named = compose(FRAME, sightings_of([sighting(1, box, LABELS[0])]), screen, 10.0)
    pause = compose(FRAME, None, screen, 10.1, named, keeps_mirror=True)
    assert (pause.picture, pause.visitors) == (FRAME, ())
    for now, has_name in ((10.2, False), (10.9, False), (11.01, True)):
        other = sightings_of([sighting(2, box, LABELS[1])])
        scene = compose(FRAME, other, screen, now, pause)
        assert any(visitor.tag for visitor in scene.visitors) is has_name


def _visitor_at(
    now: float, evidence: float, previous: Scene | None, context: ScreenContext
) -> Scene:
    track = Track(1, Box(500, 200, 600, 320), (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0)
    candidates = sighting(1, track.box, None).candidates
    sightings = sightings_of([Sighting(track, candidates, evidence, None, "reading")])
    return compose(FRAME, sightings, context, now, previous)


def test_names_tumble_in_the_order_of_the_distribution(context: MakeContext) -> None:
    """Without evidence, the candidates' names are shown in turn, again and again."""
    scene: Scene | None = None
    names: list[str] = []
    for step in range(400):
        scene = _visitor_at(step / 60, 0.0, scene, context((1920, 1080)))
        name = scene.visitors[0].shown.name
        names += [name] if not names or names[-1] != name else []
    order = [label.name for label in LABELS]
    assert names[: 2 * len(order)] == order * 2


def test_names_slow_down_as_evidence_grows(context: MakeContext) -> None:
    """A name stays longer the more evidence there is, and the least likely names are dropped."""
    turns = [name_duration_s(step / 10) for step in range(11)]
    assert turns == sorted(turns)
    assert (turns[0], turns[-1]) == pytest.approx((CHANGE_S, LAST_NAME_S))
    scene: Scene | None = None
    late: list[str] = []
    for step in range(300):
        scene = _visitor_at(step / 60, 0.75, scene, context((1920, 1080)))
        late.append(scene.visitors[0].shown.name)
    assert set(late) == {LABELS[0].name, LABELS[1].name}


def test_a_tumbling_name_needs_no_candidates() -> None:
    """Before the first reading a visitor has a square and no name."""
    assert tumble((), 0.0, 1.0, None) == ("", 0)


def test_the_same_input_gives_the_same_scene(context: MakeContext) -> None:
    """Composing is pure: the scene depends only on frame, sightings, time and previous scene."""
    sightings = visitors_at([(face((640, 300, 150)), None), (face((300, 300, 150)), CLINICIAN)])
    previous = compose(FRAME, sightings, context((1920, 1080)), 0.0)
    one = compose(FRAME, sightings, context((1920, 1080)), 0.2, previous)
    assert one == compose(FRAME, sightings, context((1920, 1080)), 0.2, previous)


def test_a_countdown_stands_still_while_the_face_is_turned_away(context: MakeContext) -> None:
    """Corners and number stay as they are, and go on when the face turns back."""
    screen, box = context((1920, 1080)), face((640, 300, 150))
    going = replace(sighting(1, box, None, stage="announced"), ends_at=3.0)
    scene = compose(FRAME, sightings_of([going]), screen, 0.5)
    (before,) = scene.visitors
    assert before.shown.name == "3"
    for now in (1.1, 1.7, 2.3):
        held = replace(going, ends_at=2.4 + now, held_at=now)
        scene = compose(FRAME, sightings_of([held]), screen, now, scene)
        assert scene.visitors[0].shown == before.shown
        assert scene.visitors[0].gap_share == before.gap_share
    scene = compose(FRAME, sightings_of([replace(going, ends_at=4.0)]), screen, 3.0, scene)
    assert scene.visitors[0].shown.name == "1"
    assert scene.visitors[0].gap_share < before.gap_share


def test_candidates_stand_still_while_the_face_is_turned_away(context: MakeContext) -> None:
    """While somebody who is read looks away, no other name appears at their face."""
    screen = context((1920, 1080))
    reading = sighting(1, face((640, 300, 150)), None, evidence=0.3)
    scene = compose(FRAME, sightings_of([reading]), screen, 0.0)
    shown = scene.visitors[0].shown
    assert shown.name
    for now in (1.0, 2.0, 3.0):
        held = sightings_of([replace(reading, held_at=now)])
        scene = compose(FRAME, held, screen, now, scene)
        assert scene.visitors[0].shown == shown
    scene = compose(FRAME, sightings_of([reading]), screen, 4.0, scene)
    assert scene.visitors[0].shown != shown
