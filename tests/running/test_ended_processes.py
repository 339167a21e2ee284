from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys

import pytest

from installation.running.ended_processes import EndedProcesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pidfds")


def test_a_process_that_ends_wakes_the_loop() -> None:
    """The end of a process wakes the loop once, before its exit status is read."""
    sleeping = subprocess.Popen(["sleep", "60"])
    selector = selectors.DefaultSelector()
    watched = EndedProcesses(selector)
    watched.watch([sleeping.pid, os.getpid()])
    watched.update([key.fileobj for key, _ in selector.select(0)], 1.0)
    assert watched.ended_s(5.0) < 0
    sleeping.send_signal(signal.SIGKILL)
    watched.update([key.fileobj for key, _ in selector.select(10)], 2.0)
    assert watched.ended_s(5.0) == 3.0
    assert selector.select(0) == []
    watched.clear()
    assert watched.ended_s(5.0) < 0
    assert not selector.get_map()
    sleeping.wait()


def test_a_process_that_is_gone_already_is_not_watched() -> None:
    """A process that ends between the listing and the watch is not watched."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    selector = selectors.DefaultSelector()
    EndedProcesses(selector).watch([ended.pid])
    assert not selector.get_map()


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_a_container_that_refuses_pidfds_ends_no_supervisor(
    error: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pidfds, or without a free file descriptor, no process is watched."""

    def refuse(pid: int) -> int:
        raise error

    monkeypatch.setattr(os, "pidfd_open", refuse)
    selector = selectors.DefaultSelector()
    EndedProcesses(selector).watch([os.getpid()])
    assert not selector.get_map()
