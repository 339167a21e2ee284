from __future__ import annotations

import gc
import threading
import weakref

import pytest

from installation.running.worker import Worker


def test_what_a_thread_raises_is_raised_by_check() -> None:
    """A camera that fails in its thread ends the show with its error."""

    def fail(stopping: threading.Event) -> None:
        raise OSError("the camera is gone")

    worker = Worker("capture", fail)
    worker.start()
    assert worker.stop(timeout=30)
    with pytest.raises(OSError, match="the camera is gone"):
        worker.check()


def test_what_a_failed_thread_has_used_is_freed_at_once() -> None:
    """What a failed thread has used is freed at once, not by Python's garbage collector.

    The collector does not see the memory of networks, so it would come too late.
    """

    class Networks:
        def __call__(self, stopping: threading.Event) -> None:
            raise RuntimeError("the device is gone")

    def check(worker: Worker) -> None:
        try:
            worker.check()
        except RuntimeError as error:
            raised.append(str(error))

    raised: list[str] = []
    networks = Networks()
    used = weakref.ref(networks)
    worker = Worker("analysis", networks)
    worker.start()
    assert worker.stop(timeout=30)
    gc.disable()
    try:
        check(worker)
        del worker, networks
        assert raised == ["the device is gone"]
        assert used() is None
    finally:
        gc.enable()


def test_work_is_told_to_stop() -> None:
    """`stop` sets the event that the work waits for, and returns once the work has ended."""
    stopped: list[bool] = []
    worker = Worker("analysis", lambda stopping: stopped.append(stopping.wait(60)))
    worker.start()
    assert stopped == []
    assert worker.stop(timeout=30)
    assert stopped == [True]
    worker.check()


def test_stop_returns_whether_the_work_has_ended() -> None:
    """A thread that hangs in a driver does not delay the end of the show."""
    release = threading.Event()
    worker = Worker("capture", lambda stopping: release.wait(60))
    worker.start()
    assert not worker.stop(timeout=0)
    release.set()
    assert worker.stop(timeout=30)


def test_a_worker_that_never_started_has_stopped() -> None:
    """A show that ends while it loads waits for no thread."""
    assert Worker("analysis", lambda stopping: None).stop(timeout=0)
