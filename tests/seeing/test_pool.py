from __future__ import annotations

import gc

import numpy as np

from installation.seeing.frame import Frame
from installation.seeing.pool import Pool
from installation.seeing.turn import Turn


def test_memory_is_used_again_once_nobody_holds_the_picture() -> None:
    """A camera that gives pictures for hours lives in a few pieces of memory."""
    pool = Pool()
    for _ in range(100):
        Frame(pool.take(90, 160), 0.0)
    assert pool.made == 1


def test_a_view_keeps_its_picture() -> None:
    """A crop that somebody still looks at is not written over."""
    pool = Pool()
    picture = pool.take(90, 160)
    picture.fill(7)
    crop = picture[10:20, 10:20][::2]
    del picture
    pool.take(90, 160).fill(9)
    assert pool.made == 2
    assert (crop == 7).all()


def test_a_picture_is_zeroed_as_soon_as_nobody_holds_it() -> None:
    """However slow the camera is, and when it is lost, no picture waits to be replaced."""
    pool = Pool()
    held, free = pool.take(9, 16), pool.take(9, 16)
    held.fill(200)
    free.fill(200)
    del free
    assert not pool.take(9, 16).any()
    assert (held == 200).all(), "what is on the screen stays until it is let go"
    del held
    assert not pool.take(9, 16).any()
    assert pool.made == 2


def test_a_larger_picture_takes_new_memory() -> None:
    """A camera that comes back with another size gets pieces of that size."""
    pool = Pool()
    small = pool.take(9, 16)
    large = pool.take(90, 160)
    assert large.shape == (90, 160, 3)
    del small, large
    gc.collect()
    assert pool.take(9, 16).shape == (9, 16, 3)
    assert pool.made == 1


def test_pictures_that_need_no_turning_live_in_the_pool_too() -> None:
    """No picture lies where the pool cannot zero it."""
    turn = Turn()
    picture = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    kept = turn.apply(picture)
    assert (kept == picture).all()
    assert not np.shares_memory(kept, picture)
    assert turn.pool.made == 1


def test_turned_pictures_live_in_the_pool() -> None:
    """The mirror's picture is turned right, into memory of the pool."""
    turn = Turn(rotate=90, mirror=True)
    picture = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    expected = np.rot90(picture, -1)[:, ::-1]
    for _ in range(10):
        assert (turn.apply(picture) == expected).all()
    assert turn.pool.made == 2
