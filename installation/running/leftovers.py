"""Finds and ends the processes that a show leaves behind.

If the parent of a descendant ends, the supervisor becomes the new parent (PR_SET_CHILD_SUBREAPER),
so the process stays a descendant. Descendants are found by reading all of /proc; a process that
/proc does not show cannot be ended here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

PROC = Path("/proc")

MAX_ROUNDS = 100
"""The largest number of rounds; each round lists the descendants and kills them."""

ROUND_S = 0.01
"""The time between two rounds of killing, s; the kernel needs a moment to end a process."""


def descendants(pid: int, spared: Collection[int] = (), proc: Path = PROC) -> set[int]:
    """Return the running descendants of process `pid`, except `spared` and their descendants."""
    children: dict[int, list[int]] = {}
    for folder in _entries(proc):
        if folder.name.isdecimal() and (parent := _parent(folder)) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in spared and child not in found:
                found.add(child)
                waiting.append(child)
    return found


_FORKED_ONLY = 0x40
"""The flag of a process that has executed no program since it was forked: PF_FORKNOEXEC of the
kernel's include/linux/sched.h.
"""


def ended_forks(pid: int, proc: Path = PROC) -> set[int]:
    """Return the children of process `pid` that have ended and never started a program (execve).

    For a show these are its output filters. They are found only until the process `pid` reads their
    exit status. Programs that a library has started are not returned.
    """
    ended = set()
    for folder in _entries(proc):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            state, parent, flags = fields[0], int(fields[1]), int(fields[6])
            if state in "ZX" and parent == pid and flags & _FORKED_ONLY:
                ended.add(int(folder.name))
    return ended


def _entries(proc: Path) -> list[Path]:
    """Return the entries of `proc`; none if `proc` cannot be read.

    It cannot be read if this process has no free file descriptor, for example.
    """
    try:
        return list(proc.iterdir())
    except OSError:
        return []


def _parent(folder: Path) -> int | None:
    """Return the id of a process's parent; None if all threads of the process have ended.

    A process runs until all its threads have ended. If its first thread has ended and others run,
    /proc shows the state of an ended process, but also more than one thread.
    """
    try:
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        state, parent, threads = fields[0], int(fields[1]), int(fields[17])
    except (OSError, ValueError, IndexError):
        return None
    return None if state in "ZX" and threads <= 1 else parent


def end_descendants(pid: int, spared: Collection[int] = (), proc: Path = PROC) -> int:
    """Kill the descendants of `pid`, and return the number of processes killed.

    The processes `spared` and their descendants are not killed. The list of descendants is made
    again until it is empty, because a descendant may start a process before it is killed. After
    `MAX_ROUNDS` lists, some processes may still run.
    """
    killed: set[int] = set()
    for _ in range(MAX_ROUNDS):
        found = descendants(pid, spared, proc)
        if not found:
            break
        for process in found:
            kill(process, signal.SIGKILL)
        killed |= found
        time.sleep(ROUND_S)
    return len(killed)


def kill(pid: int, number: int) -> None:
    """Send the signal `number` to the process `pid`, which may have ended."""
    with contextlib.suppress(OSError):
        os.kill(pid, number)
