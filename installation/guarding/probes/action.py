"""The functions that the actions of several probes share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from installation.guarding.layers import syscalls
from installation.guarding.probes.probe import AbsentError, Action

AT_FDCWD = -100
"""The number that makes a system call resolve paths from the current folder."""

NOWHERE = b"/nonexistent/kiosk\0"
"""A path for system calls that need one; no such file exists."""

_RETURN_DESCRIPTORS = (
    *("memfd_create", "memfd_secret", "io_uring_setup", "perf_event_open", "userfaultfd"),
    *("fanotify_init", "bpf", "fsopen", "open_tree", "pidfd_open"),
)


def system_call(name: str, *arguments: int | bytes | None) -> Action:
    """Return an action that makes a system call and closes the descriptor that it may return."""

    def action(scratch_dir: Path) -> None:
        returned = syscalls.call(name, *arguments)
        if name in _RETURN_DESCRIPTORS:
            os.close(returned)

    return action


def existing(path: Path) -> Path:
    """Return `path`; raises AbsentError if `path` does not exist."""
    if not path.exists():
        raise AbsentError(path)
    return path


def undo(step: Callable[[], object]) -> None:
    """Call `step`, which undoes a probe that succeeded, and ignore errors."""
    with contextlib.suppress(OSError):
        step()
