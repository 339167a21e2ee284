from __future__ import annotations

import threading

import pytest

from installation.running.worker import Worker


def test_what_a_thread_raises_is_raised_where_it_is_asked() -> None:
    """A camera that fails in its thread ends the show loudly."""

    def fail(stopping: threading.Event) -> None:
        raise OSError("the camera is gone")

    worker = Worker("capture", fail)
    worker.start()
    assert worker.stop(timeout=30)
    with pytest.raises(OSError, match="the camera is gone"):
        worker.check()


def test_work_ends_when_asked() -> None:
    """Stopping sets the event that the work watches, and waits for it."""
    asked: list[bool] = []
    worker = Worker("analysis", lambda stopping: asked.append(stopping.wait(60)))
    worker.start()
    assert asked == []
    assert worker.stop(timeout=30)
    assert asked == [True]
    worker.check()


def test_work_that_does_not_end_is_said() -> None:
    """A thread stuck in a driver does not hold up the end of the show."""
    release = threading.Event()
    worker = Worker("capture", lambda stopping: release.wait(60))
    worker.start()
    assert not worker.stop(timeout=0)
    release.set()
    assert worker.stop(timeout=30)


def test_a_worker_that_never_started_has_stopped() -> None:
    """The show can end while it is still loading."""
    assert Worker("analysis", lambda stopping: None).stop(timeout=0)
