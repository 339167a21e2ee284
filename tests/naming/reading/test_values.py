from __future__ import annotations

import numpy as np

from installation.naming.reading.values import Reading


def test_a_reading_prints_no_scores() -> None:
    """The `repr` of a reading has the number and the instant, and nothing of the picture."""
    reading = Reading(4, 12.5, np.full(3, 1 / 3, np.float32))
    assert repr(reading) == "<Reading of visitor 4 at 12.500>"
