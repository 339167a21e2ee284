from __future__ import annotations

import pytest

from installation.naming.label_set.label_set import Label
from installation.naming.reading.reading_time import reading_time_s


def test_each_two_and_a_half_words_take_a_second() -> None:
    """The reading time is 3 s, plus 1 s for each 2.5 words of the name and the definition."""
    short = Label("1", "sea captain", "who commands a ship", ("person",))
    assert reading_time_s(short) == pytest.approx(3 + 6 / 2.5)
    long = Label("2", "poet", " ".join(["verse"] * 34), ("person",))
    assert reading_time_s(long) == pytest.approx(17)
