from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import (
    GLANCE_S,
    HYSTERESIS,
    SHOWN_S,
    Presence,
    Present,
)
from installation.seeing.tracker import Track
from tests.support.sightings import still_track

HEIGHT = 1000
"""The picture's height, px."""


def frame_at(at: float) -> Frame:
    """Return a frame that was taken at this instant."""
    return Frame.from_rgb(np.zeros((HEIGHT, HEIGHT, 3), np.uint8), at)


def face_of(size: float, number: int = 1) -> Track:
    """Return a visitor whose face has `size` of the picture's height."""
    height = size * HEIGHT
    return still_track(number, Box.from_centre(500, 500, 0.8 * height, height))


def update(
    presence: Presence, *tracks: Track, at: float = 0.0
) -> tuple[Sequence[Present], Sequence[Track]]:
    """Return the visitors and the bystanders on a frame that is published at once."""
    frame = frame_at(at)
    return presence.update(tracks, frame, frame.box, at)


def test_nobody_is_read_before_the_announcement_has_stood() -> None:
    """Only a frame that was taken three seconds after the announcement appeared may be read."""
    presence = Presence(3.0, 0.1)
    readable = []
    for step in range(40):
        at = 100 + step / 10
        ((visitor,), _) = update(presence, face_of(0.2), at=at)
        assert visitor.is_announced(at) is (at < 103)
        readable.append(visitor.may_be_read)
    assert readable.index(True) == round(10 * (3.0 + SHOWN_S))
    assert all(readable[31:])


def test_the_announcement_begins_when_it_is_published() -> None:
    """The announcement counts from its publication, even if the analysis publishes a frame late."""
    presence = Presence(3.0, 0.1)
    frame = frame_at(100.0)
    presence.update([face_of(0.2)], frame, frame.box, 102.0)
    for taken_at, may_be_read in ((104.0, False), (105.0, False), (105.2, True)):
        frame = frame_at(taken_at)
        ((visitor,), _) = presence.update([face_of(0.2)], frame, frame.box, taken_at + 2)
        assert visitor.may_be_read is may_be_read


def test_a_small_face_is_a_bystander() -> None:
    """Behind the line nobody is a visitor, however long they stand there."""
    presence = Presence(3.0, 0.1)
    for second in range(60):
        visitors, bystanders = update(presence, face_of(0.099), at=float(second))
        assert (visitors, [track.id for track in bystanders]) == ([], [1])


def test_visitors_and_bystanders_are_told_apart_one_by_one() -> None:
    """With a child in front and a crowd behind the line, only the child is a visitor."""
    presence = Presence(0.0, 0.1)
    visitors, bystanders = update(presence, face_of(0.05, 1), face_of(0.3, 2), face_of(0.09, 3))
    assert [visitor.track.id for visitor in visitors] == [2]
    assert [track.id for track in bystanders] == [1, 3]


def test_nobody_flickers_at_the_line() -> None:
    """A face whose size varies by 5 % around the line becomes a visitor once and for all."""
    presence = Presence(0.0, 0.1)
    trembling = (0.095, 0.105) * 50
    seen = [
        bool(update(presence, face_of(size), at=float(i))[0]) for i, size in enumerate(trembling)
    ]
    assert seen == [False] + [True] * 99


def test_who_steps_back_is_announced_again() -> None:
    """A visitor who steps back behind the line and returns is announced for three seconds again."""
    presence = Presence(3.0, 0.1)
    update(presence, face_of(0.11), at=0.0)
    ((visitor,), _) = update(presence, face_of(0.11), at=4.0)
    assert visitor.may_be_read
    assert update(presence, face_of(0.1 / HYSTERESIS - 0.001), at=4.1)[0] == []
    ((visitor,), _) = update(presence, face_of(0.11), at=4.2)
    assert visitor.announced_until == pytest.approx(7.2)
    assert not visitor.may_be_read


def test_who_leaves_is_forgotten() -> None:
    """Nothing is kept about somebody who has left."""
    presence = Presence(3.0, 0.1)
    update(presence, face_of(0.2, 1), face_of(0.2, 2))
    update(presence, face_of(0.2, 2), at=1.0)
    assert presence._announcements.keys() == {2}
    update(presence, at=2.0)
    assert presence._announcements == {}


def test_a_face_that_is_not_found_is_not_read() -> None:
    """A visitor whose face is not found on this frame is not cropped."""
    presence = Presence(0.0, 0.1)
    ((visitor,), _) = update(presence, replace(face_of(0.2), misses=1))
    assert not visitor.may_be_read


def test_without_an_announcement_visitors_are_read_at_once() -> None:
    """With `announce_s: 0` there is no countdown."""
    frame = frame_at(5.0)
    ((visitor,), _) = Presence(0.0, 0.1).update([face_of(0.2)], frame, frame.box, 5.3)
    assert visitor.may_be_read
    assert not visitor.is_announced(5.0)


def test_a_presence_that_has_forgotten_announces_everybody() -> None:
    """A visitor who was announced before the camera was lost is announced again."""
    presence = Presence(3.0, 0.1)
    update(presence, face_of(0.2), at=0.0)
    presence.forget()
    ((visitor,), _) = update(presence, face_of(0.2), at=4.0)
    assert not visitor.may_be_read


def test_nobody_is_read_whose_square_would_be_off_the_screen() -> None:
    """A person at the sides of a picture that a tall screen does not show is a bystander."""
    presence, frame = Presence(0.0, 0.1), frame_at(0.0)
    view = Box(300, 0, 700, HEIGHT)
    beside, inside = (
        still_track(number, Box.from_centre(x, 500, 160, 200)) for number, x in ((1, 280), (2, 320))
    )
    visitors, bystanders = presence.update([beside, inside], frame, view, 0.0)
    assert [visitor.track.id for visitor in visitors] == [2]
    assert [track.id for track in bystanders] == [1]


def test_who_comes_back_onto_the_screen_is_announced_again() -> None:
    """The announcement begins again when a visitor comes back into the visible part of a frame."""
    presence, view = Presence(3.0, 0.1), Box(300, 0, 700, HEIGHT)
    for at, x in ((0.0, 500), (2.0, 200), (4.0, 500)):
        track = still_track(1, Box.from_centre(x, 500, 160, 200))
        visitors, _ = presence.update([track], frame_at(at), view, at)
    assert visitors[0].announced_until == pytest.approx(7.0)


def looked_at(found: str) -> Track:
    """Return a visitor after a look that found their face `toward`, `turned`, or not at all."""
    return replace(face_of(0.2), is_turned=found == "turned", misses=int(found == "missed"))


looks = st.lists(
    st.tuples(st.floats(0.01, 1.2), st.sampled_from(["toward", "toward", "turned", "missed"])),
    max_size=40,
)


@given(looks, st.floats(0, 0.5))
def test_nobody_is_read_before_the_notice_was_in_their_view(
    steps: list[tuple[float, str]], latency_s: float
) -> None:
    """Before somebody is read, they have looked toward the screen for three seconds.

    Only time between two looks in a row that found the face toward the screen counts, and nothing
    from before they were turned away for half a second.
    """
    presence, at = Presence(3.0, 0.1), 100.0
    shown_at = seen_at = at + latency_s
    seen_s, was_toward, is_told = 0.0, False, False
    for number, (step_s, found) in enumerate([(0.0, "toward"), *steps]):
        at += step_s
        frame = frame_at(at)
        ((visitor,), _) = presence.update([looked_at(found)], frame, frame.box, at + latency_s)
        is_toward = found == "toward"
        if is_toward and at >= shown_at:
            if was_toward:
                seen_s += at - seen_at
            elif at - seen_at >= GLANCE_S:
                seen_s = 0.0
            seen_at = at
        was_toward = is_toward if number else True
        is_told = is_told or seen_s >= 3.0
        assert visitor.is_held is not is_toward
        if visitor.may_be_read:
            assert is_toward
            assert is_told


def test_a_countdown_stands_while_the_face_is_turned() -> None:
    """A glance of less than half a second interrupts the countdown, and a longer one restarts it.

    Somebody who bends over a child all the time is never read.
    """
    for away_s, until in ((0.4, 103.4), (0.6, 104.6)):
        presence = Presence(3.0, 0.1)
        update(presence, looked_at("toward"), at=100.0)
        update(presence, looked_at("toward"), at=101.0)
        for step in (0.1, 0.2, 0.3):
            ((visitor,), _) = update(presence, looked_at("turned"), at=101.0 + step)
            assert visitor.is_held
            assert visitor.announced_until - (101.0 + step) == pytest.approx(2.0)
        ((visitor,), _) = update(presence, looked_at("toward"), at=101.0 + away_s)
        assert not visitor.is_held
        assert visitor.announced_until == pytest.approx(until)
        for found, may_be_read in (("toward", True), ("turned", False), ("toward", True)):
            ((visitor,), _) = update(presence, looked_at(found), at=until + 0.2)
            assert visitor.may_be_read is may_be_read
    presence = Presence(3.0, 0.1)
    for second in range(60):
        ((visitor,), _) = update(presence, looked_at("turned"), at=float(second))
        assert not visitor.may_be_read
        assert visitor.is_announced(float(second))


def test_without_an_announcement_a_turned_face_is_not_read_either() -> None:
    """With `announce_s: 0` somebody is read as soon as they look toward the screen."""
    presence = Presence(0.0, 0.1)
    for at, found in ((0.0, "turned"), (0.7, "turned"), (0.8, "toward")):
        ((visitor,), _) = update(presence, looked_at(found), at=at)
        assert visitor.may_be_read is (found == "toward")
        assert not visitor.is_announced(at)
