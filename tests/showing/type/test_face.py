from __future__ import annotations

import numpy as np
import pytest

from installation.showing.type.face import draw
from installation.showing.type.font_files import own_face


@pytest.mark.parametrize("text", ["fjord", "o\u0323\u0300m\u0303", "\u1e9e\U0001df00a", "a\u200bb"])
def test_advances_are_those_of_the_drawn_line(text: str) -> None:
    """The widths of the characters add up to the line's, in every plane of Unicode."""
    advances = own_face().advances(text, False, "")
    assert len(advances) == len(text)
    assert sum(advances) == pytest.approx(own_face().shape(text, False, "", 0.0)[1])


def test_a_mark_adds_nothing() -> None:
    """A letter with a mark is as wide as the letter."""
    assert own_face().advances("m\u0303a", False, "")[1] == 0


def test_type_is_bold() -> None:
    """The variable font is set to the one weight of the screen: a stem is a fifth of the height."""
    ink = draw(own_face().shape("I", False, "", 0.0)[0], 1000)
    assert ink is not None
    assert 0.19 < ink.alpha.shape[1] / ink.alpha.shape[0] < 0.6
    l_ink = draw(own_face().shape("l", False, "", 0.0)[0], 1000)
    assert l_ink is not None
    assert 140 < l_ink.alpha.shape[1] < 170


def test_letters_stand_at_fractions_of_a_pixel() -> None:
    """Letters are placed at fractions of a pixel, so that small type is spaced as large type."""
    face = own_face()
    at_0, at_half = (draw(face.shape("l", False, "", x)[0], 20) for x in (0.0, 0.5 / 20))
    assert at_0 is not None
    assert at_half is not None
    assert not np.array_equal(at_0.alpha, at_half.alpha)


def test_spaces_leave_no_ink() -> None:
    """Spaces have no ink, and are not an error."""
    assert draw(own_face().shape("  ", False, "", 0.0)[0], 40) is None
