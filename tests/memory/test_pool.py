from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from installation.memory.pool import Pool
from installation.seeing.cameras.orientation import Turn
from installation.seeing.frame import Frame
from tests.support.children import USERS, run

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how memory is kept")


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


def test_forgetting_zeroes_pictures_that_somebody_still_refers_to() -> None:
    """A frame that a thread which hangs holds on to is black, whatever its size was."""
    pool = Pool()
    small, large = pool.take(9, 16), pool.take(90, 160)
    small.fill(200)
    large.fill(200)
    pool.forget()
    assert not small.any()
    assert not large.any()


def test_a_pool_that_has_forgotten_can_be_used_again() -> None:
    """Forgetting gives nothing back: pictures in use stay in use, free memory is used again."""
    pool = Pool()
    held = pool.take(9, 16)
    pool.forget()
    pool.take(9, 16).fill(200)
    assert not held.any()
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


def kept(address: int) -> set[str]:
    """Return the kernel's words for how the memory at `address` is kept; see proc_pid_smaps(5)."""
    here = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            first, last = (int(end, 16) for end in name.split("-"))
            here = first <= address < last
        elif here and name == "VmFlags:":
            return set(rest.split())
    raise AssertionError("the address lies in no memory")


@on_linux
def test_a_picture_is_in_no_core_dump_and_no_child() -> None:
    """The kernel leaves a picture's pages out of dumps, and of every process that is forked."""
    picture = Pool().take(90, 160)
    assert {"dd", "dc"} <= kept(picture.ctypes.data)
    elsewhere = np.zeros((9000, 160, 3), np.uint8)
    assert not {"dd", "dc", "lo"} & kept(elsewhere.ctypes.data), "the control: others are in both"


@on_linux
def test_what_is_said_to_be_locked_is_locked() -> None:
    """Pages that the staff read of as locked are never written to swap."""
    pool = Pool()
    picture = pool.take(90, 160)
    assert ("lo" in kept(picture.ctypes.data)) is bool(pool.locked)
    assert pool.locked == 1, "each user may lock 8 MiB, and this is 42 KiB"


@on_linux
def test_nothing_is_said_to_be_locked_that_may_not_be(tmp_path: Path) -> None:
    """A user who may lock nothing has a show all the same, and the staff read that none is."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0));"
        "from installation.memory.pages import pages; print(pages(4096)[1])"
    )
    assert run("-c", program, user=USERS[-1], folder=tmp_path).stdout == "False\n"
