"""A thread whose exception is raised again in the thread that calls `check`."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable


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
