from __future__ import annotations

import numpy as np
import pytest

from installation.seeing.cameras.orientation import Orientation
from tests.support.pictures import turned

PICTURE = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_picture_is_rotated_and_then_mirrored(rotate: int, mirror: bool) -> None:
    """NumPy's rotation and flip result in the same picture."""
    oriented = Orientation(rotate, mirror).apply(PICTURE)
    assert (oriented == turned(PICTURE, rotate, mirror)).all()


def test_a_picture_that_keeps_its_orientation_lives_in_the_pool_too() -> None:
    """A picture that is not rotated is copied into the pool too, so that it can be zeroed."""
    orientation = Orientation()
    copied = orientation.apply(PICTURE)
    assert (copied == PICTURE).all()
    assert not np.shares_memory(copied, PICTURE)
    assert orientation.pool.allocated == 1


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_rotated_and_mirrored_pictures_live_in_the_pool(rotate: int, mirror: bool) -> None:
    """One block of the pool's memory holds the copy of each picture, however many come.

    A picture that is rotated by 270 degrees and mirrored is copied twice.
    """
    orientation = Orientation(rotate, mirror)
    expected = turned(PICTURE, rotate, mirror)
    for _ in range(10):
        assert (orientation.apply(PICTURE) == expected).all()
    assert orientation.pool.allocated == (2 if (rotate, mirror) == (270, True) else 1)
