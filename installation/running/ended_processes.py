"""Detects at once the end of processes that are not children of this process."""

from __future__ import annotations

import contextlib
import os
import selectors
from collections.abc import Collection, Iterable


class EndedProcesses:
    """Watches processes through the selector of a loop.

    A process is watched by its pidfd, which becomes readable when the process ends, even if its
    parent does not read its status. Rejected: reading /proc at intervals, which detects the end
    late.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Watch processes through `selector`."""
        self._selector = selector
        self._pidfds: set[int] = set()
        self._ended_at = float("inf")

    def watch(self, pids: Iterable[int]) -> None:
        """Watch the processes `pids`.

        Processes that have already ended are not watched. On systems other than Linux, and in a
        container that refuses pidfds, no process is watched and no end is detected.
        """
        for pid in pids if hasattr(os, "pidfd_open") else ():
            try:
                pidfd = os.pidfd_open(pid)
            except OSError:
                continue
            self._pidfds.add(pidfd)
            self._selector.register(pidfd, selectors.EVENT_READ)

    def update(self, ready: Collection[object], now: float) -> None:
        """Record the watched processes that have ended.

        `ready` has the files that the selector reports as ready.
        """
        for pidfd in self._pidfds.intersection(ready):
            self._close(pidfd)
            self._ended_at = min(self._ended_at, now)

    def ended_s(self, now: float) -> float:
        """Return the time since the first watched process ended, s; negative if all still run."""
        return now - self._ended_at

    def clear(self) -> None:
        """Stop watching all processes."""
        for pidfd in tuple(self._pidfds):
            self._close(pidfd)
        self._ended_at = float("inf")

    def _close(self, pidfd: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(pidfd)
        os.close(pidfd)
        self._pidfds.remove(pidfd)
