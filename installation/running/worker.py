"""Threads whose exceptions are raised again in the thread that has started them."""

from __future__ import annotations

import threading
import traceback
import weakref
from collections.abc import Callable
from functools import partial

from installation.running.latest import Latest


class _Call:
    """A call of `work` in another thread."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._failure: BaseException | None = None
        self.has_ended = threading.Event()

    def run(self) -> None:
        """Call `work`, and keep its exception for `check`."""
        try:
            self._work()
        except BaseException as failure:
            # The traceback must not keep local variables alive, which may be frames.
            traceback.clear_frames(failure.__traceback__)
            self._failure = failure
        finally:
            self.has_ended.set()

    def check(self) -> None:
        """Raise the exception that ended `work`, if any; only the first call raises it."""
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            # The traceback refers to the caller's frames, and these refer to this object. If it
            # referred to the exception, the parts that `work` has used, such as networks of 40 MB,
            # would stay until Python's garbage collector finds the cycle, which may take hours.
            del failure


class Worker:
    """A thread that runs `work(stopping)` until it returns or raises.

    `work` must return soon after the event `stopping` is set.
    """

    def __init__(self, name: str, work: Callable[[threading.Event], object]) -> None:
        self._stopping = threading.Event()
        self._call = _Call(partial(work, self._stopping))
        self._thread = threading.Thread(target=self._call.run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def check(self) -> None:
        """Raise the exception that ended `work`, if any; only the first call raises it."""
        self._call.check()

    def stop(self, timeout: float) -> bool:
        """Set `stopping`, wait up to `timeout` seconds, and return whether `work` has ended."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()


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
        self._calls: Latest[_Call] = Latest()
        self._thread: threading.Thread | None = None
        self._finalizer: weakref.finalize[..., SecondThread] | None = None

    def share(self, work: Callable[[], object]) -> None:
        """Call `work` in both threads at once, and return when both calls have returned.

        If a call raises an exception, it is raised here after both have ended; if both raise one,
        it is that of the second thread. Raises RuntimeError if the thread cannot be started.

        Only Ctrl-C in the main thread can end the wait early: if KeyboardInterrupt is raised, the
        second thread may still be at work.
        """
        if self._thread is None:
            self._start()
        call = _Call(work)
        self._calls.put(call)
        try:
            work()
        finally:
            call.has_ended.wait()
            call.check()

    def end(self) -> None:
        """End the thread if it runs, and wait for its end."""
        if self._thread is not None:
            self._calls.close()
            self._thread.join()
            self._thread = None
        if self._finalizer is not None:
            # Otherwise Python would keep the mailbox of each ended thread with its finalizer.
            self._finalizer.detach()
            self._finalizer = None

    def _start(self) -> None:
        calls: Latest[_Call] = Latest()
        thread = threading.Thread(
            target=_run_all, args=(calls, self._at_end), name=self._name, daemon=True
        )
        thread.start()
        self._calls, self._thread = calls, thread
        self._finalizer = weakref.finalize(self, calls.close)


def _run_all(calls: Latest[_Call], at_end: Callable[[], object]) -> None:
    """Run `calls` as they arrive; when there are no more, call `at_end`."""
    while call := calls.take():
        call.run()
        del call
    at_end()
