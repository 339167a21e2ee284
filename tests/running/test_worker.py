from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Collection

import pytest

from installation.running.worker import SecondThread, Worker


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


class BothAtOnce:
    """Work that returns only while two threads do it; it fails in the threads named `failing`."""

    def __init__(self, failing: Collection[str] = ()) -> None:
        self._both = threading.Barrier(2, timeout=60)
        self._failing = failing
        self.threads: list[str] = []

    def __call__(self) -> None:
        self._both.wait()
        name = threading.current_thread().name
        self.threads.append(name)
        if name in self._failing:
            raise ArithmeticError(name)


def test_two_threads_share_work() -> None:
    """Each thread calls the work; the second one is the same until it is ended."""
    ended: list[int] = []
    second = SecondThread("reading", lambda: ended.append(threading.get_ident()))
    second.end()
    work, idents = BothAtOnce(), set[int]()

    def noted() -> None:
        work()
        idents.add(threading.get_ident())

    for _ in range(3):
        second.share(noted)
    assert sorted(work.threads) == ["MainThread"] * 3 + ["reading"] * 3
    assert len(idents) == 2
    assert not ended
    second.end()
    second.end()
    assert {threading.get_ident(), *ended} == idents
    second.share(work)
    second.end()
    assert len(ended) == 2


def test_a_second_thread_ends_when_nobody_can_use_it() -> None:
    """A network that is dropped without having forgotten its crops leaves no thread behind."""
    ended = threading.Event()
    second = SecondThread("reading", ended.set)
    second.share(BothAtOnce())
    assert not ended.is_set()
    del second
    assert ended.wait(60)


def test_an_ended_thread_leaves_nothing_in_memory() -> None:
    """A thread for each crowd of a day does not make the memory of the process grow."""
    second = SecondThread("reading", lambda: None)
    second.share(BothAtOnce())
    used = weakref.ref(second._calls)
    second.end()
    second.share(BothAtOnce())
    second.end()
    assert used() is None


USED_AT_EXIT = """
import atexit
import weakref
from installation.running.worker import SecondThread
second = SecondThread("reading", lambda: None)
def use():
    second.share(lambda: None)
    second.end()
    print("ended")
atexit.register(use)
weakref.finalize(use, print)  # Python calls its finalizers before `use`
"""


def test_a_second_thread_can_be_ended_while_python_ends() -> None:
    """A network that is used after Python has called its finalizers does not delay the exit."""
    ran = subprocess.run(
        [sys.executable, "-c", USED_AT_EXIT], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.split() == ["ended"], ran.stderr


@pytest.mark.parametrize("failing", [["reading"], ["MainThread"], ["MainThread", "reading"]])
def test_what_one_of_two_threads_raises_is_raised_after_both(failing: list[str]) -> None:
    """An exception of either thread is raised, and what the work has used is freed at once."""
    second = SecondThread("reading", lambda: None)
    work = BothAtOnce(failing)
    used = weakref.ref(work)
    raised: list[str] = []

    def share(work: BothAtOnce) -> None:
        try:
            second.share(work)
        except ArithmeticError as error:
            raised.append(str(error))

    gc.disable()
    try:
        share(work)
        assert sorted(work.threads) == ["MainThread", "reading"]
        del work
        second.end()
        assert raised == failing[-1:]
        assert used() is None
    finally:
        gc.enable()
    assert not any(thread.name == "reading" for thread in threading.enumerate())
