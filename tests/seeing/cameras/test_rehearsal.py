from __future__ import annotations

import numpy as np
import pytest

from installation.seeing.cameras.rehearsal import COMES_S, LOOKS_S, VISIT_S, Rehearsal


@pytest.fixture(scope="module")
def rehearsal() -> Rehearsal:
    """Return the rehearsal on a wide frame."""
    return Rehearsal(640, 360, 30)


@pytest.mark.parametrize("moment", [0.0, VISIT_S - 2, VISIT_S - 0.04])
def test_between_visits_the_room_is_empty(rehearsal: Rehearsal, moment: float) -> None:
    """Nobody is seen at the door before a visit, nor after it: a wall without an edge on it."""
    pixels = rehearsal.picture(moment).astype(int)
    assert max(np.abs(np.diff(pixels, axis=axis)).max() for axis in (0, 1)) <= 2


def test_the_visitor_wears_orange(rehearsal: Rehearsal) -> None:
    """Colours are RGB: the suit in the middle of the picture is orange, not blue."""
    suit = rehearsal.picture(COMES_S + 1)[-60:, 185:225].reshape(-1, 3).mean(axis=0)
    assert suit[0] > suit[1] + 40 > suit[2] + 50


def test_the_same_moment_is_the_same_picture(rehearsal: Rehearsal) -> None:
    """The rehearsal is a function of time alone."""
    again = Rehearsal(640, 360, 30)
    assert (again.picture(3.21) == rehearsal.picture(3.21)).all()


def test_nothing_jumps_in_a_visit(rehearsal: Rehearsal) -> None:
    """From each picture to the next, across the loop too, little changes."""
    moments = np.arange(0, VISIT_S, 1 / 30)
    last = rehearsal.picture(float(moments[-1]))[::8, ::8].astype(int)
    for moment in moments:
        picture = rehearsal.picture(float(moment))[::8, ::8].astype(int)
        assert np.abs(picture - last).mean() < 10
        last = picture


def test_a_visit_lasts_long_enough_for_a_verdict() -> None:
    """The visitor is there after two seconds and looks for ten at least."""
    assert COMES_S <= 2
    assert LOOKS_S >= 10


def test_a_reel_ends_and_starts_again() -> None:
    """One visit is as many pictures as its seconds hold, however many of them are skipped."""
    reel = Rehearsal(160, 120, 5)
    pictures = 0
    while True:
        there = reel.skip() if pictures % 3 else reel.next() is not None
        if not there:
            break
        pictures += 1
    assert pictures == VISIT_S * 5
    assert reel.next() is None
    reel.rewind()
    assert reel.next() is not None
