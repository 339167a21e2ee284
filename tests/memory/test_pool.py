from __future__ import annotations

import gc

from installation.memory.pool import Pool
from installation.seeing.frame import Frame


def test_memory_is_used_again_when_nothing_refers_to_the_picture() -> None:
    """A camera that sends pictures for hours uses a few blocks of memory."""
    pool = Pool()
    for _ in range(100):
        Frame(bgr=pool.take(90, 160), taken_at=0.0)
    assert pool.allocated == 1


def test_a_view_keeps_its_picture() -> None:
    """A crop that is still in use is not overwritten by the next picture."""
    pool = Pool()
    picture = pool.take(90, 160)
    picture.fill(7)
    crop = picture[10:20, 10:20][::2]
    del picture
    pool.take(90, 160).fill(9)
    assert pool.allocated == 2
    assert (crop == 7).all()


def test_a_picture_is_zeroed_as_soon_as_nothing_refers_to_it() -> None:
    """A picture is zeroed as soon as nothing refers to it, and not when the next arrives."""
    pool = Pool()
    held, free = pool.take(9, 16), pool.take(9, 16)
    held.fill(200)
    free.fill(200)
    del free
    assert not pool.take(9, 16).any()
    assert (held == 200).all(), "what is on the screen stays until it is let go"
    del held
    assert not pool.take(9, 16).any()
    assert pool.allocated == 2


def test_forgetting_zeroes_pictures_that_something_still_refers_to() -> None:
    """A frame that a hanging thread still refers to turns black, whatever its size."""
    pool = Pool()
    small, large = pool.take(9, 16), pool.take(90, 160)
    small.fill(200)
    large.fill(200)
    pool.forget()
    assert not small.any()
    assert not large.any()


def test_a_pool_that_has_forgotten_can_be_used_again() -> None:
    """Pictures in use stay in use, and free memory is used again."""
    pool = Pool()
    held = pool.take(9, 16)
    pool.forget()
    pool.take(9, 16).fill(200)
    assert not held.any()
    assert pool.allocated == 2


def test_a_larger_picture_takes_new_memory() -> None:
    """A camera that is reopened with another size gets blocks of that size."""
    pool = Pool()
    small = pool.take(9, 16)
    large = pool.take(90, 160)
    assert large.shape == (90, 160, 3)
    del small, large
    gc.collect()
    assert pool.take(9, 16).shape == (9, 16, 3)
    assert pool.allocated == 1
