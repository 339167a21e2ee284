from __future__ import annotations

import numpy as np
import pytest

from installation.seeing.cameras.played.rehearsal import ENTER_S, STAY_S, VISIT_S, RehearsalPictures


@pytest.fixture(scope="module")
def rehearsal() -> RehearsalPictures:
    """Return the rehearsal on a wide frame."""
    return RehearsalPictures(640, 360, 30)


@pytest.mark.parametrize("moment_s", [0.0, VISIT_S - 2, VISIT_S - 0.04])
def test_between_visits_the_room_is_empty(rehearsal: RehearsalPictures, moment_s: float) -> None:
    """Before a visit and after it only the wall is visible, without an edge on it."""
    pixels = rehearsal.picture(moment_s).astype(int)
    assert max(np.abs(np.diff(pixels, axis=axis)).max() for axis in (0, 1)) <= 2


def test_the_visitors_suit_is_orange(rehearsal: RehearsalPictures) -> None:
    """Channels are in the order BGR: the suit would be blue in RGB."""
    suit = rehearsal.picture(ENTER_S + 1)[-60:, 185:225].reshape(-1, 3).mean(axis=0)
    assert suit[2] > suit[1] + 40 > suit[0] + 50


def test_the_same_moment_gives_the_same_picture(rehearsal: RehearsalPictures) -> None:
    """The rehearsal is a function of time alone."""
    again = RehearsalPictures(640, 360, 30)
    assert (again.picture(3.21) == rehearsal.picture(3.21)).all()


def test_nothing_jumps_in_a_visit(rehearsal: RehearsalPictures) -> None:
    """Little changes from each picture to the next, and from the last to the first."""
    moments = np.arange(0, VISIT_S, 1 / 30)
    last = rehearsal.picture(float(moments[-1]))[::8, ::8].astype(int)
    for moment_s in moments:
        picture = rehearsal.picture(float(moment_s))[::8, ::8].astype(int)
        assert np.abs(picture - last).mean() < 10
        last = picture


def test_a_visit_lasts_long_enough_for_a_verdict() -> None:
    """The visitor has entered after two seconds and stays for at least ten."""
    assert ENTER_S <= 2
    assert STAY_S >= 10
