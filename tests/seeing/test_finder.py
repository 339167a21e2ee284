from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

from installation.seeing.box import Box
from installation.seeing.faces.detector import Detector, Face
from installation.seeing.finder import FaceFinder
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track, Tracker
from tests.support.drawn_film import END, FPS, write_drawn_film
from tests.support.pictures import face, frames_of

BLANK = np.zeros((90, 160, 3), np.uint8)

Room = Callable[[float], list[Box]]
"""The positions of the faces at an instant, s."""


class RoomDetector:
    """Finds the faces of a room exactly, and records when and where it looks."""

    name = "room"

    def __init__(self, room: Room, *, follows: bool = True) -> None:
        self._room = room
        self.follows = follows
        self.full: list[float] = []
        """The instants of looks at the whole frame."""
        self.followed: list[float] = []
        """The instants of looks at the places of tracks."""

    def detect(self, frame: Frame) -> list[Face]:
        self.full.append(frame.taken_at)
        return [face(box) for box in self._room(frame.taken_at)]

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        self.followed.append(frame.taken_at)
        near = (box for box in self._room(frame.taken_at) if any(box.iou(b) > 0.3 for b in boxes))
        return [face(box) for box in near]

    def forget(self) -> None:
        pass


def play(
    room: Room,
    seconds: float,
    fps: float = 30.0,
    scenes: Iterable[float] = (),
    *,
    follows: bool = True,
) -> tuple[RoomDetector, dict[float, list[Track]]]:
    """Return the detector that has watched `room` for `seconds`, and the tracks after each look.

    A new scene begins at each instant in `scenes`, s.
    """
    detector = RoomDetector(room, follows=follows)
    finder = FaceFinder(detector, Tracker())
    seen: dict[float, list[Track]] = {}
    for number in range(round(seconds * fps)):
        at = number / fps
        frame = Frame.from_rgb(BLANK, at, sum(at >= cut for cut in scenes))
        if finder.is_due(frame):
            seen[at] = finder.find(frame)
    return detector, seen


def box_at(x: float) -> Box:
    """Return the box of a face at `x`, px."""
    return Box.from_centre(x, 300, 80, 100)


every_camera = pytest.mark.parametrize("fps", [15, 24, 25, 30, 60])


@every_camera
def test_an_empty_room_costs_five_looks_a_second(fps: float) -> None:
    """While nobody is there a minute has at most 300 detections, and not many fewer."""
    detector, _ = play(lambda at: [], 60, fps)
    assert 230 <= len(detector.full) <= 301
    assert detector.followed == []


@every_camera
@pytest.mark.parametrize("others", [0, 3])
def test_a_newcomer_is_shown_within_half_a_second(fps: float, others: int) -> None:
    """A newcomer has a track within 0.48 s, whether the room is empty or others are present.

    Only visitors with a track are announced.
    """
    for step in range(20):
        comes_at = 3 + step / 50

        def room(at: float, comes_at: float = comes_at) -> list[Box]:
            crowd = [box_at(200 + 300 * number) for number in range(others)]
            return crowd + [box_at(2000)] * (at >= comes_at)

        _, seen = play(room, 5, fps)
        shown_at = min(at for at, tracks in seen.items() if len(tracks) == others + 1)
        assert shown_at - comes_at <= 0.48


@every_camera
@pytest.mark.parametrize(("visitors", "looks"), [(1, 34), (2, 17), (3, 12), (16, 10)])
def test_visitors_who_stay_cost_five_full_looks_a_second(
    fps: float, visitors: int, looks: int
) -> None:
    """Between full looks the visitors' places are searched, less often for more visitors."""

    def room(at: float) -> list[Box]:
        return [box_at(300 * number + 40 * at) for number in range(visitors)]

    detector, seen = play(room, 20, fps)
    assert len(detector.full) <= 5 * 20 + 10
    assert len(detector.full) + len(detector.followed) <= looks * 20 + 10
    assert len(detector.followed) >= 2 * 20
    assert {track.id for tracks in seen.values() for track in tracks} == set(range(1, visitors + 1))


@every_camera
def test_a_detector_that_does_not_follow_has_ten_looks_a_second(fps: float) -> None:
    """With a detector that cannot follow a face, a lone visitor has seven to ten looks a second."""
    detector, _ = play(lambda at: [box_at(300 + 40 * at)], 20, fps, follows=False)
    assert 7 * 20 <= len(detector.full) + len(detector.followed) <= 10 * 20 + 10


@every_camera
def test_a_face_that_flickers_costs_no_more_than_a_crowd(fps: float) -> None:
    """Somebody whom the detector finds on every other look does not make it look at every frame."""
    looks = itertools.count()
    detector, seen = play(lambda at: [box_at(300)] * (next(looks) % 2), 20, fps)
    assert len(detector.full) <= 17 * 20
    assert not any(seen.values()), "such a face is not shown"


def test_a_face_that_is_lost_sight_of_is_looked_for_everywhere() -> None:
    """A visitor who jumps aside between two looks is found by a full look at the same frame."""
    _, seen = play(lambda at: [box_at(300 if at < 2.1 else 360)], 4)
    assert {track.id for tracks in seen.values() for track in tracks} == {1}
    assert all(tracks[0].misses == 0 for at, tracks in seen.items() if at > 0.5)


def test_the_room_is_empty_for_the_budget_as_soon_as_the_last_track_has_ended() -> None:
    """A second and a half after everybody has gone, there are five looks a second again."""
    detector, _ = play(lambda at: [box_at(300)] if at < 5 else [], 15)
    late = [at for at in detector.full if 6.5 <= at < 14.5]
    assert len(late) == 8 * 5


def test_a_cut_is_looked_at_at_once() -> None:
    """The first frame of a scene is searched fully, and nobody is followed across the cut."""
    detector, _ = play(lambda at: [box_at(300)], 4, scenes=[2.0, 3.1])
    assert 2.0 in detector.full
    assert any(abs(at - 3.1) < 1 / 30 for at in detector.full)
    assert not {2.0, 3.1} & set(detector.followed)


class CountingDetector:
    """Passes all calls to a detector, and counts looks at the whole frame and at places."""

    name = "counting"

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.follows = detector.follows
        self.full = self.followed = 0

    def detect(self, frame: Frame) -> list[Face]:
        self.full += 1
        return self._detector.detect(frame)

    def follow(self, frame: Frame, boxes: Sequence[Box]) -> list[Face]:
        self.followed += 1
        return self._detector.follow(frame, boxes)

    def forget(self) -> None:
        self._detector.forget()


@pytest.fixture(scope="module")
def drawn_frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Return the frames of the drawn film of four shots, at their times."""
    film = write_drawn_film(tmp_path_factory.mktemp("films") / "drawn.avi")
    return list(frames_of(film, FPS))


def test_with_the_budget_everybody_of_a_film_is_followed(
    drawn_frames: list[Frame], detector: Detector
) -> None:
    """With few looks, the finder follows everybody whom looks at whole frames would find.

    The film has two people on a stage, a pan, a singer and an audience. A face is compared once it
    has been found on every frame for half a second, the time after which a newcomer is shown.
    """
    counting = CountingDetector(detector)
    finder, tracker = FaceFinder(counting, Tracker()), Tracker()
    looked_for = 0
    for frame in drawn_frames:
        thorough = tracker.update(detector.detect(frame), frame.taken_at, frame.scene)
        if not finder.is_due(frame):
            continue
        tracks = finder.find(frame)
        for expected in thorough:
            if expected.misses or frame.taken_at - expected.born_at < 0.5:
                continue
            looked_for += 1
            assert any(expected.box.iou(track.box) > 0.4 for track in tracks), frame
    assert looked_for > 100
    assert counting.full < END / 2
    assert counting.followed > END / (8 if detector.follows else 10)
