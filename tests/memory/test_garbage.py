from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from installation.memory.garbage import pause_collection, resume_collection
from tests.support.small_show import GreyFilm, small_show


@pytest.fixture(autouse=True)
def collection() -> Iterator[None]:
    """Restore the state of Python's collector after the test."""
    yield
    gc.enable()
    gc.unfreeze()


def test_a_running_show_collects_garbage_again() -> None:
    """A running show collects garbage again, but leaves out the objects made during the start."""
    pause_collection()
    assert not gc.isenabled()
    small_show(GreyFilm(3)).run()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_without_a_pause_everything_is_searched() -> None:
    """Without a pause, `resume_collection` excludes no object from later garbage collections."""
    resume_collection()
    assert gc.get_freeze_count() == 0
