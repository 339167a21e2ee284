from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from mmap import mmap

import numpy as np
import pygame
import pytest

from installation.naming.reading.values import Sighting, Sightings
from installation.running.latest import Latest
from installation.seeing.box import Box
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import GONE_S
from installation.show.camera.capture import CameraStatus
from installation.show.context import open_context
from installation.show.mirror import UNREAD_S, Mirror
from installation.show.status import StatusReporter
from installation.showing.painter import Painter
from installation.showing.scenes.cards import no_camera_card
from installation.showing.type.expiring_cache import ExpiringCache
from installation.showing.window import OffScreen
from tests.support.manual_clock import ManualClock
from tests.support.sightings import sightings_of, still_track
from tests.support.small_show import (
    DEFAULTS,
    GreyFilm,
    OneFaceOnBright,
    grey_frame,
    small_analysis,
    small_parts,
    with_networks,
)


def test_the_mirror_measures_only_new_frames() -> None:
    """If the camera stalls, the measured figures do not improve."""
    clock = ManualClock(10.0)
    frames: Latest[Frame] = Latest()
    screen = OffScreen((320, 180))
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, Latest(), clock)
    frames.put(grey_frame(200, 9.98))
    mirror.step()
    clock.instant = 11.0
    mirror.step()
    assert mirror.ages.total == 1
    assert mirror.ages.percentile_ms(1.0) == pytest.approx(20, abs=1)
    frames.put(grey_frame(200, 11.0))
    mirror.step()
    assert mirror.intervals.percentile_ms(1.0) == pytest.approx(1000, abs=1)


def test_the_staffs_card_is_on_the_screen_only_while_it_is_asked_for() -> None:
    """The staff card is shown only on request, and afterwards the mirror is as before."""
    frames: Latest[Frame] = Latest()
    screen = OffScreen((320, 180))
    camera = GreyFilm(0)
    status = CameraStatus.from_camera(camera)
    label_set = small_parts(camera).label_set
    reporter = StatusReporter(label_set, None, frames, status, 0.0, 10.0)
    context = open_context(screen, DEFAULTS)
    mirror = Mirror(screen, context, frames, Latest(), ManualClock(10.0), status=reporter.status)
    painted = []
    for wanted in (False, True, False):
        frames.put(grey_frame(200, 10.0))
        mirror.step(staff_card=wanted)
        painted.append(pygame.surfarray.array3d(screen.surface).copy())
    assert np.array_equal(painted[0], painted[2])
    assert not np.array_equal(painted[0], painted[1])


def test_the_mirror_stays_for_a_minute_if_faces_cannot_be_searched() -> None:
    """A visitor sees themselves without words for a minute; then the room counts as empty.

    An idle screen stays idle.
    """
    clock, frames, screen = ManualClock(10.0), Latest[Frame](), OffScreen((320, 180))
    sightings: Latest[Sightings] = Latest()
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, sightings, clock)

    def has_picture_at(instant: float) -> bool:
        clock.instant = instant
        frames.put(grey_frame(200, instant))
        mirror.step()
        assert mirror._scene is not None
        return mirror._scene.picture is not None

    visitor = Sighting(still_track(box=Box(60, 20, 100, 70)), (), 0.5, None, "reading")
    sightings.put(sightings_of([visitor]))
    assert has_picture_at(0.1), "somebody is there"
    mirror.searches_faces = False
    mirror.forget_people()
    pictures = [has_picture_at(at) for at in (0.2, 5.0, UNREAD_S, UNREAD_S + 1.0, UNREAD_S + 3.0)]
    assert pictures == [True, True, True, True, False]
    mirror.forget_people()
    assert not has_picture_at(UNREAD_S + 5.0)


def test_networks_that_fail_again_and_again_do_not_keep_the_mirror() -> None:
    """The picture disappears after `UNREAD_S`, even if networks open and fail again meanwhile."""
    clock, frames, screen = ManualClock(10.0), Latest[Frame](), OffScreen((320, 180))
    sightings: Latest[Sightings] = Latest()
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, sightings, clock)
    visitor = Sighting(still_track(box=Box(60, 20, 100, 70)), (), 0.5, None, "reading")
    sightings.put(sightings_of([visitor]))
    has_picture = []
    for second in range(round(UNREAD_S) + 10):
        mirror.searches_faces = second % 5 == 0
        clock.instant = 0.1 + second
        frames.put(grey_frame(200, clock.instant))
        mirror.step()
        assert mirror._scene is not None
        has_picture.append(mirror._scene.picture is not None)
        mirror.forget_people()
    assert all(has_picture[: round(UNREAD_S)])
    assert not any(has_picture[-5:])


def test_the_staffs_card_can_be_opened_before_the_first_frame() -> None:
    """Before the first frame, the staff's card can be opened; after it the calm card is shown."""
    screen, camera = OffScreen((640, 360)), GreyFilm(0)
    reporter = StatusReporter(
        small_parts(camera).label_set, None, Latest(), CameraStatus.from_camera(camera), 0.0, 10.0
    )
    context, clock = open_context(screen, DEFAULTS), ManualClock(10.0)
    mirror = Mirror(screen, context, Latest(), Latest(), clock, status=reporter.status)
    mirror.step()
    assert not pygame.surfarray.array3d(screen.surface).any(), "the earlier card stays"
    mirror.step(staff_card=True)
    staff = pygame.surfarray.array3d(screen.surface).copy()
    mirror.step()
    expected = pygame.Surface(screen.surface.get_size(), depth=32)
    Painter(context.fonts).paint(no_camera_card(context), expected)
    calm = pygame.surfarray.array3d(screen.surface)
    assert (calm == pygame.surfarray.array3d(expected)).all()
    assert (staff != calm).any()


class CountedFlips(OffScreen):
    """A screen of 320×180 px that counts its flips."""

    def __init__(self) -> None:
        super().__init__((320, 180))
        self.flips = 0

    def flip(self) -> None:
        self.flips += 1


@pytest.mark.parametrize("exposed", [False, True])
def test_a_part_that_becomes_visible_again_is_painted_at_once(exposed: bool) -> None:
    """A scene that does not change is flipped again only if a covered part is visible again."""
    screen, clock, frames = CountedFlips(), ManualClock(10.0), Latest[Frame]()
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, Latest(), clock)
    for _ in range(2):
        frames.put(grey_frame(200, 10.0))
        mirror.step()
    assert screen.flips == 1
    frames.put(grey_frame(200, 10.0))
    mirror.step(exposed=exposed)
    assert screen.flips == 1 + exposed


def test_the_card_of_a_missing_camera_is_not_painted_thirty_times_a_second() -> None:
    """The calm card does not change, so it is painted about three times a second."""
    screen, clock, frames = CountedFlips(), ManualClock(10.0), Latest[Frame]()
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, Latest(), clock)
    frames.put(grey_frame(200, 10.0))
    mirror.step()
    clock.instant += 1.0
    mirror.step()
    flips = screen.flips
    for _ in range(30):
        clock.instant += 1 / 30
        mirror.step()
    assert 2 <= screen.flips - flips <= 4


@pytest.mark.parametrize("drop", [Mirror.forget, Mirror.forget_people])
def test_no_text_about_a_visitor_stays_in_the_caches(drop: Callable[[Mirror], None]) -> None:
    """Forgetting drops every text that was measured or typeset, such as a name and its share."""
    screen, clock, frames = OffScreen((640, 360)), ManualClock(5.0), Latest[Frame]()
    context, sightings = open_context(screen, DEFAULTS), Latest[Sightings]()
    mirror = Mirror(screen, context, frames, sightings, clock)
    somebody = Sighting(still_track(7, Box(60, 20, 100, 70), at=5.0), (), 0.5, None, "reading")
    frames.put(grey_frame(200, 5.0))
    sightings.put(sightings_of([somebody], 5.0))
    mirror.step()
    caches = [each for each in vars(context.fonts).values() if isinstance(each, ExpiringCache)]
    assert len(caches) == 5
    assert all(len(cache) for cache in (context.fonts.captions, context.fonts.panels))
    drop(mirror)
    assert not any(len(cache) for cache in caches)


@pytest.mark.parametrize(("age", "named"), [(GONE_S, True), (GONE_S + 0.1, False)])
def test_nobody_is_named_by_sightings_of_long_ago(age: float, named: bool) -> None:
    """If the analysis hangs, names disappear before they could be on somebody else."""
    screen = OffScreen((320, 180))
    context = open_context(screen, DEFAULTS)
    painted = []
    somebody = Sighting(still_track(7, Box(60, 30, 90, 60), at=5.0), (), 0.5, None, "reading")
    for visitors in ((), (somebody,)):
        frames: Latest[Frame] = Latest()
        frames.put(grey_frame(200, 5.0 + age))
        seen: Latest[Sightings] = Latest()
        seen.put(sightings_of(visitors, 5.0))
        Mirror(screen, context, frames, seen, ManualClock(5.0 + age)).step()
        painted.append(pygame.surfarray.array3d(screen.surface).copy())
    without, with_somebody = painted
    assert np.array_equal(without, with_somebody) is not named


@pytest.mark.parametrize(
    ("interval_s", "gone_after_s"), [(1 / 30, 0.5), (1 / 3, 0.5), (0.8, 1.2), (600.0, 1.5)]
)
def test_half_a_second_after_the_last_frame_nobody_is_on_the_wall(
    interval_s: float, gone_after_s: float
) -> None:
    """A calm card replaces picture, boxes and labels, until the next frame arrives.

    A camera with fewer than three frames a second has one and a half of its intervals.
    """
    clock, screen = ManualClock(5.0), OffScreen((320, 180))
    context = open_context(screen, DEFAULTS)
    frames: Latest[Frame] = Latest()
    seen: Latest[Sightings] = Latest()
    mirror = Mirror(screen, context, frames, seen, clock)
    somebody = Sighting(still_track(7, Box(50, 20, 90, 70), at=5.0), (), 0.5, None, "reading")

    def painted() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        mirror.step()
        return pygame.surfarray.array3d(screen.surface).copy()

    for _ in range(2):
        clock.instant += interval_s
        frames.put(grey_frame(200, clock.instant))
        seen.put(sightings_of([somebody], clock.instant))
        with_somebody = painted()
    last_at = clock.instant
    clock.instant = last_at + gone_after_s - 0.01
    assert np.array_equal(painted(), with_somebody)
    clock.instant = last_at + gone_after_s + 0.01
    Painter(context.fonts).paint(no_camera_card(context), screen.surface)
    card = pygame.surfarray.array3d(screen.surface).copy()
    assert np.array_equal(painted(), card)
    frames.put(grey_frame(200, clock.instant))
    seen.put(sightings_of([somebody], clock.instant))
    assert np.array_equal(painted(), with_somebody)


def test_nobody_is_named_by_sightings_of_another_scene() -> None:
    """After a cut in a film, nobody has the name of a person in the scene before."""
    screen = OffScreen((320, 180))
    context = open_context(screen, DEFAULTS)
    somebody = Sighting(still_track(7, Box(50, 20, 90, 70), at=5.0), (), 0.5, None, "reading")
    painted = []
    for scene in (0, 1):
        frames: Latest[Frame] = Latest()
        frames.put(replace(grey_frame(200, 5.0), scene=1))
        seen: Latest[Sightings] = Latest()
        seen.put(sightings_of([somebody], 5.0, scene=scene))
        Mirror(screen, context, frames, seen, ManualClock(5.0)).step()
        painted.append(pygame.surfarray.array3d(screen.surface).copy())
    assert not np.array_equal(painted[0], painted[1])


def frame_memory() -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Return every array in the process that has a frame's size, and all memory of pools."""
    found = {}
    for owner in gc.get_objects():
        for held in (owner, *gc.get_referents(owner)):
            if issubclass(type(held), np.ndarray) and held.size == 97 * 163 * 3:
                found[id(held)] = held
            elif type(held) is mmap and len(held) == 97 * 163 * 3:
                found[id(held)] = np.frombuffer(held, np.uint8)
    return list(found.values())


@pytest.mark.parametrize(("frames_after", "is_held"), [(0, True), (1, False)])
def test_no_picture_of_a_visitor_outlives_the_next_one(frames_after: int, is_held: bool) -> None:
    """One frame after a visitor has left, no memory of frames contains them; before, some does."""
    parts = with_networks(small_parts(GreyFilm(0)), detector=OneFaceOnBright())
    frames: Latest[Frame] = Latest()
    seen: Latest[Sightings] = Latest()
    clock = ManualClock()
    analysis = small_analysis(parts, Latest(), seen, clock)
    screen = OffScreen((320, 180))
    mirror = Mirror(screen, open_context(screen, DEFAULTS), frames, seen, clock)
    orientation = Orientation(mirror=True)
    for number in range(30 + frames_after):
        level = 201 if number < 30 else 3
        pixels = orientation.apply(np.full((97, 163, 3), level, np.uint8))
        frame = Frame(bgr=pixels, taken_at=number / 30)
        seen.put(analysis.analyse(frame))
        frames.put(frame)
        del frame, pixels
        clock.instant = number / 30
        mirror.step()
    gc.collect()
    assert any((held == 201).any() for held in frame_memory()) is is_held
    assert orientation.pool.allocated < 10
    mirror.forget()
    gc.collect()
    assert not any((held == 201).any() for held in frame_memory()), "the mirror has forgotten"
