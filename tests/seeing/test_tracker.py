from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.seeing.box import Box
from installation.seeing.faces.detector import Face
from installation.seeing.tracker import (
    BRAKING_S,
    FULL_SPEED_S,
    GATE_RANGE,
    LOST_S,
    MAX_COVERED_S,
    MAX_PAUSE_S,
    MAX_UNSEEN_S,
    STILL_S,
    Track,
    Tracker,
    match,
)
from tests.support.pictures import face

sides = st.floats(0, 2000)
places = st.floats(-3000, 6000)
boxes = st.builds(Box.from_centre, places, places, sides, sides)
crowds = st.lists(boxes.map(face), max_size=6)
gaps = st.floats(0, 2)
shows = st.lists(st.tuples(crowds, gaps), max_size=12)

RATES = [4, 8, 30, 60]
every_rate = pytest.mark.parametrize("rate", RATES)


def _at(x: float, y: float = 200, size: float = 100) -> Face:
    return face(Box.from_centre(x, y, size, size))


def _play(tracker: Tracker, frames: Sequence[Sequence[Face]], rate: float) -> list[list[Track]]:
    return [tracker.update(faces, index / rate) for index, faces in enumerate(frames)]


@settings(max_examples=200)
@given(shows)
def test_no_id_comes_back_and_every_box_is_finite(show: list[tuple[list[Face], float]]) -> None:
    """For any detections, ids are not reused and boxes can be drawn."""
    tracker = Tracker()
    gone: set[int] = set()
    present: set[int] = set()
    instant = 0.0
    for faces, gap in show:
        instant += gap
        tracks = tracker.update(faces, instant)
        ids = [track.id for track in tracks]
        assert len(ids) == len(set(ids))
        assert not gone & set(ids)
        gone |= present - set(ids)
        present = set(ids)
        assert sum(track.misses == 0 for track in tracks) <= len(faces)
        for track in tracks:
            for ahead in (0, 0.1, 10):
                box = track.box_at(instant + ahead)
                assert all(map(math.isfinite, (box.x0, box.y0, box.x1, box.y1)))


@given(shows, st.randoms(use_true_random=False))
def test_the_detectors_order_changes_nothing(
    show: list[tuple[list[Face], float]], random: np.random.Generator
) -> None:
    """The same faces in another order result in the same tracks with the same ids."""
    one, other = Tracker(), Tracker()
    instant = 0.0
    for faces, gap in show:
        instant += gap
        shuffled = list(faces)
        random.shuffle(shuffled)
        assert one.update(faces, instant) == other.update(shuffled, instant)


@settings(max_examples=200)
@given(
    st.integers(0, 5).flatmap(
        lambda rows: st.integers(0, 5).flatmap(
            lambda columns: st.lists(
                st.lists(st.one_of(st.none(), st.floats(0, 3)), min_size=columns, max_size=columns),
                min_size=rows,
                max_size=rows,
            )
        )
    )
)
def test_no_other_match_is_better(table: list[list[float | None]]) -> None:
    """`match` makes as many pairs as possible, at the lowest cost for that number of pairs.

    The oracle compares all possible matches.
    """
    costs = np.array(
        [[math.inf if cost is None else cost for cost in row] for row in table], dtype=float
    ).reshape(len(table), len(table[0]) if table else 0)
    rows, columns = costs.shape
    best = (0, 0.0)
    slots: list[int | None] = [*range(columns), *[None] * rows]
    for choice in set(itertools.permutations(slots, rows)):
        picked = [
            costs[row, column]
            for row, column in enumerate(choice)
            if column is not None and math.isfinite(costs[row, column])
        ]
        best = min(best, (-len(picked), sum(picked)))
    pairs = match(costs)
    assert len(set(pairs.values())) == len(pairs)
    assert -len(pairs) == best[0]
    assert sum(costs[row, column] for row, column in pairs.items()) == pytest.approx(best[1])


@every_rate
def test_a_visitor_is_shown_within_a_third_of_a_second(rate: float) -> None:
    """A face becomes a visitor after a few hits, at every rate of analysis."""
    shown = _play(Tracker(), [[_at(300)]] * 60, rate)
    assert shown[0] == []
    first = next(index for index, tracks in enumerate(shown) if tracks)
    assert first / rate <= 1 / 3
    assert {track.id for tracks in shown for track in tracks} == {shown[-1][0].id}


@every_rate
def test_a_face_that_is_found_once_is_no_visitor(rate: float) -> None:
    """A detection that is missing on the next frame is never shown."""
    shown = _play(Tracker(), [[], [_at(300)], [], [], [_at(500)], []], rate)
    assert shown == [[]] * 6


@every_rate
def test_a_visitor_who_turns_away_for_a_moment_stays_the_same(rate: float) -> None:
    """A visitor keeps the track through half a second without a detection."""
    unseen = max(1, int(rate / 2))
    shown = _play(
        Tracker(), [[_at(300)]] * int(2 * rate) + [[]] * unseen + [[_at(310)]] * int(rate), rate
    )
    assert {track.id for tracks in shown for track in tracks} == {1}
    assert shown[-1][0].misses == 0


@every_rate
def test_a_visitor_who_has_left_is_gone_within_moments(rate: float) -> None:
    """A second after the last hit nobody is shown, and a face that comes then is a new track."""
    tracker = Tracker()
    frames = (
        [[_at(300)]] * int(2 * rate)
        + [[]] * int(MAX_UNSEEN_S * rate + 2)
        + [[_at(300)]] * int(rate)
    )
    shown = _play(tracker, frames, rate)
    assert shown[int(2 * rate) + int(MAX_UNSEEN_S * rate) + 1] == []
    assert shown[-1][0].id > 1


@every_rate
@pytest.mark.parametrize("speed", [1.0, 4.0, 8.0])
def test_a_visitor_who_walks_is_followed_without_lag(rate: float, speed: float) -> None:
    """At a steady walk of up to eight face widths a second the box stays on the face."""
    walk = [[_at(speed * 100 * index / rate)] for index in range(int(3 * rate))]
    shown = _play(Tracker(), walk, rate)
    assert {track.id for tracks in shown for track in tracks} == {shown[-1][0].id}
    (track,) = shown[-1]
    now = (len(walk) - 1) / rate
    for ahead in (0, 0.05, 0.1, 0.2):
        x, _ = track.box_at(now + ahead).centre
        assert x == pytest.approx(speed * 100 * (now + ahead), abs=5)


def test_the_box_of_a_visitor_who_stands_still_jitters_little() -> None:
    """The box of a visitor who stands still moves half as much as the detector's box."""
    noise = np.random.default_rng(3).normal(0, 1.5, 300)
    shown = _play(Tracker(), [[_at(300 + float(shift))] for shift in noise], 30)
    drawn = [tracks[0].box.centre[0] for tracks in shown[30:]]
    assert np.abs(np.diff(drawn)).mean() < 0.6 * np.abs(np.diff(noise[30:])).mean()


@every_rate
def test_two_visitors_who_pass_each_other_keep_their_ids(rate: float) -> None:
    """When two cross, each track continues in its direction."""
    seconds = np.arange(0, 4, 1 / rate)
    frames = [[_at(100 + 200 * s, 200), _at(900 - 200 * s, 240, 90)] for s in seconds.tolist()]
    shown = _play(Tracker(), frames, rate)
    first, last = shown[int(rate)], shown[-1]
    assert [track.id for track in last] == [track.id for track in first] == [1, 2]
    assert last[0].box.centre[0] == pytest.approx(frames[-1][0].box.centre[0], abs=10)


def test_a_face_found_twice_is_one_visitor() -> None:
    """A second box on the same face starts no second track."""
    shown = _play(Tracker(), [[_at(300), _at(312)]] * 30, 30)
    assert len(shown[-1]) == 1


def test_a_cut_ends_every_track() -> None:
    """After a cut of a film a face at the same place is a new visitor."""
    tracker = Tracker()
    for index in range(30):
        before = tracker.update([_at(300)], index / 30, scene=0)
    after = [tracker.update([_at(300)], 1 + index / 30, scene=1) for index in range(30)]
    assert after[0] == []
    assert after[-1][0].id != before[0].id


def test_a_crowd_of_32_is_followed() -> None:
    """The visitors of a school class keep their ids while all of them move."""
    rng = np.random.default_rng(5)
    starts = [(120.0 + 230 * column, 150.0 + 250 * row) for column in range(8) for row in range(4)]
    speeds = rng.uniform(-60, 60, (32, 2)).tolist()
    frames = [
        [_at(x + vx * s, y + vy * s) for (x, y), (vx, vy) in zip(starts, speeds, strict=True)]
        for s in np.arange(0, 1.5, 1 / 8).tolist()
    ]
    shown = _play(Tracker(), frames, 8)
    assert [track.id for track in shown[-1]] == list(range(1, 33))
    for track, (x, y), (vx, vy) in zip(shown[-1], starts, speeds, strict=True):
        expected = x + vx * 11 / 8, y + vy * 11 / 8
        assert track.box.centre == pytest.approx(expected, abs=8)


def _track(**changes: object) -> Track:
    fields: dict[str, object] = {
        "id": 1,
        "box": Box(100, 100, 200, 200),
        "velocity": (100.0, 0.0, 0.0, 0.0),
        "seen_at": 10.0,
        "born_at": 9.0,
        "hits": 8,
        "misses": 0,
    }
    return Track(**{**fields, **changes})  # type: ignore[arg-type]  # fields of several types


def test_a_box_brakes_and_rests_when_the_face_is_lost() -> None:
    """The box of a lost face does not leave the screen: after 0.75 s it stops."""
    track = _track()
    rest = FULL_SPEED_S + BRAKING_S
    travelled = [track.box_at(10 + s).centre[0] - 150 for s in np.arange(0, 2, 0.05).tolist()]
    assert travelled[5] == pytest.approx(25)
    assert travelled == sorted(travelled)
    assert travelled[-1] == pytest.approx(100 * (FULL_SPEED_S + BRAKING_S / 2))
    assert track.box_at(10 + rest) == track.box_at(10 + 1000)


def test_a_box_is_not_predicted_backwards() -> None:
    """For an instant before the last hit the box is the last hit's."""
    assert _track().box_at(9.5) == Box(100, 100, 200, 200)


def test_a_box_that_shrinks_fast_keeps_half_its_size() -> None:
    """No prediction gives a box a negative size."""
    box = _track(velocity=(0.0, 0.0, -900.0, -900.0)).box_at(10.5)
    assert (box.width, box.height) == (50, 50)


@given(st.floats(GATE_RANGE[1] + 0.1, 50))
def test_no_track_jumps_across_the_room(leap: float) -> None:
    """A face more than two face sizes away is another visitor's, however long the gap."""
    tracker = Tracker()
    for index in range(30):
        tracker.update([_at(300)], index / 30)
    for index in range(30):
        tracks = tracker.update([_at(300 + 100 * leap)], 1.5 + index / 30)
    assert [track.id for track in tracks if track.misses == 0] == [2]


@pytest.mark.parametrize("rate", [1, 4, 8, 30])
def test_a_lost_face_is_not_drawn_though_its_track_may_go_on(rate: int) -> None:
    """A face that is not found counts as lost at most one look after `LOST_S`."""
    tracker = Tracker()
    *_, (track,) = _play(tracker, [[_at(300)]] * max(3, rate), rate)
    assert not track.is_lost(track.seen_at + 5), "it was found on the last frame"
    lost_after_s = next(
        step / rate
        for step in range(1, 4 * rate)
        for tracks in [tracker.update([], track.seen_at + step / rate)]
        if not tracks or tracks[0].is_lost(track.seen_at + step / rate)
    )
    assert lost_after_s <= max(LOST_S + 1 / rate, 1 / rate) + 1e-9
    assert lost_after_s >= min(LOST_S, 1 / rate)


@pytest.mark.parametrize(("pause_s", "same"), [(1.0, True), (MAX_PAUSE_S + 0.1, False)])
def test_nobody_is_followed_across_a_long_pause(pause_s: float, same: bool) -> None:
    """After seconds without a look, somebody at the same place is another visitor."""
    tracker = Tracker()
    *_, (before,) = _play(tracker, [[_at(300)]] * 10, 10)
    tracker.update([_at(300)], before.seen_at + pause_s)
    (after,) = tracker.update([_at(300)], before.seen_at + pause_s + 0.2)
    assert (after.id == before.id) is same


def test_a_tracker_that_has_forgotten_follows_nobody() -> None:
    """After `forget` there is no track, and the ids of earlier visitors are not used again."""
    tracker = Tracker()
    *_, (before,) = _play(tracker, [[_at(300)]] * 10, 10)
    tracker.forget()
    assert tracker.update([], 1.0) == []
    *_, (after,) = (tracker.update([_at(300)], 1.1 + step / 10) for step in range(5))
    assert after.id > before.id


def _poster(tracker: Tracker, rate: int, seconds: float = STILL_S + 1) -> float:
    """Show `tracker` a face that does not move, and return the instant of the last frame."""
    noise = np.random.default_rng(2).normal(0, 3, (int(seconds * rate), 2)).tolist()
    for index, (x, y) in enumerate(noise):
        tracker.update([_at(300 + x, 200 + y)], index / rate)
    return (len(noise) - 1) / rate


@pytest.mark.parametrize("rate", [4, 30])
@pytest.mark.parametrize("covered_s", [2.0, MAX_COVERED_S - 1])
def test_a_poster_that_was_covered_is_the_same_face(rate: int, covered_s: float) -> None:
    """Somebody who walks past it has an id of their own, and the poster keeps its own."""
    tracker = Tracker()
    began_at = _poster(tracker, rate)
    steps = int(covered_s * rate)
    for step in range(1, steps + 1):
        passer = _at(200 + 400 * step / steps, 210, 160)
        tracks = tracker.update([passer], began_at + step / rate)
    assert [(track.id, track.misses > 0) for track in tracks] == [(1, True), (2, False)]
    assert tracks[0].is_covered(began_at + covered_s)
    tracks = tracker.update([_at(303), _at(600, 210, 160)], began_at + covered_s + 1 / rate)
    assert [(track.id, track.misses) for track in tracks] == [(1, 0), (2, 0)]


@pytest.mark.parametrize(
    ("before_s", "covered_s", "moved_px"),
    [
        (STILL_S / 2, 2.0, 0),
        (STILL_S + 1, MAX_COVERED_S + 1, 0),
        (STILL_S + 1, 3.0, 40),
    ],
    ids=["not yet still", "too long", "another place"],
)
def test_only_a_still_face_at_the_same_place_is_the_same_after_a_while(
    before_s: float, covered_s: float, moved_px: int
) -> None:
    """A visitor who leaves and one who comes are two, even if they stand almost at one place."""
    tracker = Tracker()
    began_at = _poster(tracker, 10, before_s)
    for step in range(1, int(covered_s * 10)):
        tracker.update([], began_at + step / 10)
    for step in range(5):
        tracks = tracker.update([_at(300 + moved_px)], began_at + covered_s + step / 10)
    assert [track.id for track in tracks if not track.misses] == [2]


@pytest.mark.parametrize("rate", [4, 30])
def test_somebody_who_sways_is_not_still(rate: int) -> None:
    """After a minute in front of the screen a visitor who leaves is gone within moments."""
    tracker = Tracker()
    frames = int(2 * STILL_S * rate)
    for index in range(frames):
        tracker.update([_at(300 + 25 * math.sin(index / rate / 4))], index / rate)
    for step in range(1, int(1.5 * rate)):
        tracks = tracker.update([], (frames + step) / rate)
    assert tracks == []
