"""Threads whose exceptions are raised again in the thread that has started them."""

from __future__ import annotations

import threading
import traceback
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue


class Worker:
    """A thread that runs `work(stopping)` until it returns or raises.

    `work` must return soon after the event `stopping` is set.
    """

    def __init__(self, name: str, work: Callable[[threading.Event], object]) -> None:
        self._work = work
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self._work(self._stopping)
        except BaseException as failure:
            # The traceback must not keep local variables alive, which may be frames.
            traceback.clear_frames(failure.__traceback__)
            self._failure = failure

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def check(self) -> None:
        """Raise the exception that ended `work`, if any; only the first call raises it."""
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            # The traceback refers to the caller's frames, and these refer to this worker. If the
            # worker referred to the exception, the parts that `work` has used, such as networks of
            # 40 MB, would stay until Python's garbage collector finds the cycle, which may take
            # hours.
            del failure

    def stop(self, timeout: float) -> bool:
        """Set `stopping`, wait up to `timeout` seconds, and return whether `work` has ended."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()


_Queue = SimpleQueue[tuple[Callable[[], object], Future[None]] | None]
"""Work for a second thread, each with what receives its end or its exception; None ends it."""


class SecondThread:
    """A thread that does work together with the calling thread. Use it from one thread only.

    It starts with the first work, and waits for further work until `end` is called or this object
    is no longer in use. Rejected: a new thread for each piece of work. On a busy machine it may
    begin before the last one has quite ended. glibc then creates a further arena of memory, and the
    memory of the process grew by 20 to 50 MB in a test of eight hours.
    """

    def __init__(self, name: str, at_end: Callable[[], object]) -> None:
        """Prepare the thread `name`, which calls `at_end` before it ends."""
        self._name = name
        self._at_end = at_end
        self._work: _Queue = SimpleQueue()
        self._thread: threading.Thread | None = None
        weakref.finalize(self, self._work.put, None)

    def share(self, work: Callable[[], object]) -> None:
        """Call `work` in both threads at once, and return when both calls have returned.

        If a call raises an exception, it is raised here after both have ended. Raises RuntimeError
        if the thread cannot be started.
        """
        if self._thread is None:
            thread = threading.Thread(
                target=_do_work, args=(self._work, self._at_end), name=self._name, daemon=True
            )
            thread.start()
            self._thread = thread
        called: Future[None] = Future()
        self._work.put((work, called))
        try:
            work()
        finally:
            called.exception()  # waits for the end of the other call
        try:
            called.result()
        finally:
            del called  # as in `Worker.check`

    def end(self) -> None:
        """End the thread if it runs, and wait for its end."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()
            self._thread = None


def _do_work(queue: _Queue, at_end: Callable[[], object]) -> None:
    while (given := queue.get()) is not None:
        work, called = given
        try:
            work()
        except BaseException as failure:
            # The traceback must not keep local variables alive, which may be crops.
            traceback.clear_frames(failure.__traceback__)
            called.set_exception(failure)
        else:
            called.set_result(None)
        del given, work, called
    at_end()
