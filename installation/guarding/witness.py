"""The witness: checks a show from outside, without relying on anything that the show reports.

The self-test runs inside the process that it tests, so an attacker who changes the show can change
the self-test too. The supervisor is outside the sandbox. It sees no frame, and the show can send it
only numbers. The witness runs in the supervisor, and reads in /proc what the kernel knows about the
show: its filters, its limits, the process that traces it, and the processes that it left behind.
The show opens no camera before the witness has found the sandbox complete.

Shows of several supervisors may run side by side, also as the same user. Each witness gives its
supervisor's process a mark. Every process that this supervisor starts inherits the mark. From stage
one on, no process of the show can change its mark. So a process that a show has left behind is
recognised even if it has another parent now. Processes of other supervisors have other marks.

A filter does not check a system call that began before the filter was installed. During the
start-up, a thread could begin such a call, wait in it, and later send pictures from memory to a
socket. If the socket has been closed meanwhile, no list of open files contains it. Therefore, after
the witness has seen the filters, it stops all threads of the show for a moment. This interrupts
every call that waits. The call then ends, or the kernel makes it again and the filters check it.

A fact that cannot be read counts as missing, with two exceptions. Only root may list the open files
of a process with protected memory, so as another user the witness cannot check them. And the kernel
does not report which processes Landlock restricts.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from installation.errors import Mistake, counted

PROC = Path("/proc")

FILTERS = 3
"""The number of seccomp filters of a show in stage two, in addition to the filters of the process
that started the show.
"""

WITNESS_REMEDY = "Start the show again. If this happens again, report it as a bug, with the log."

HIDDEN = Mistake(
    "witness",
    "/proc hides the show's process from the supervisor",
    "Mount /proc with `hidepid=2,gid=kiosk` (kiosk: the group of the kiosk's user), or without "
    "`hidepid`.",
)
"""The mistake to report if the supervisor cannot see the show in /proc. The supervisor may not
trace the show, and /proc can be mounted so that users see only processes that they may trace
(proc(5)).
"""

STOP_S = 5.0
"""The most seconds that the threads of a show get to stop; they need a few milliseconds."""

_READ_ALL = 1 << 2
"""The capability CAP_DAC_READ_SEARCH, the only one that a show may have."""

MAX_ROUNDS = 100
"""The largest number of times that one check lists the processes. It lists them until no process is
new, but a busy computer starts processes all the time.
"""

_PID_BITS = 22
"""The number of bits of a process id: PID_MAX_LIMIT in the kernel's include/linux/threads.h."""

_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")
_NO_LIMITS = ("", "")


@dataclass(frozen=True)
class ProcessFacts:
    """What the kernel tells every user about a process."""

    pid: int
    parent: int
    uid: int
    started: int
    """The time at which the process started, in clock ticks since the start of the machine."""
    mark: str
    """The mark of the supervisor that started the process (`layers.limits.mark`)."""
    no_new_privileges: bool
    filters: int
    tracer: int
    capabilities: int
    core_limits: tuple[str, str]
    """The soft and the hard limit of core dumps."""
    size_limits: tuple[str, str]
    """The soft and the hard limit of the size of files."""

    @classmethod
    def read(cls, pid: int, proc: Path = PROC) -> ProcessFacts | None:
        """Return the facts of the process `pid`; None if all of its threads have ended."""
        folder = proc / str(pid)
        try:
            thread = _living_thread(folder)
            if thread is None:
                return None
            status, words, limits = _status(thread), _stat(folder), _text(folder / "limits")
        except (FileNotFoundError, ProcessLookupError):
            return None
        capabilities = 0
        for name in _CAPABILITIES:
            capabilities |= int(status.get(name, "f"), 16)
        return cls(
            pid=pid,
            parent=int(words[1]),
            uid=int(status["Uid"].split()[1]),
            started=int(words[19]),
            mark=_limits(limits, "file locks")[0],
            no_new_privileges=status.get("NoNewPrivs") == "1",
            filters=_filters(status),
            tracer=int(status.get("TracerPid", "-1")),
            capabilities=capabilities,
            core_limits=_limits(limits, "core file size"),
            size_limits=_limits(limits, "file size"),
        )


class Witness:
    """Checks shows, from the process that starts them."""

    def __init__(self) -> None:
        """Mark this process and store the facts about it, before the first show starts."""
        from installation.guarding.layers import limits

        self._proc = PROC
        own = ProcessFacts.read(os.getpid())
        assert own is not None
        # No other process that has run since the start of the machine has the same two numbers.
        limits.mark(own.started << _PID_BITS | own.pid)
        own = ProcessFacts.read(os.getpid())
        assert own is not None
        self._own = own
        self._interrupted = 0
        """The id of the last show whose system calls this witness interrupted; 0 if none."""

    def find_problems(self, pid: int, known: Collection[int] = ()) -> list[Mistake]:
        """Return a `Mistake` for each problem of the show `pid`; empty if there is none.

        The show must be in stage two. `known` are the ids of other processes that may run without
        stage two, such as the card, which has no camera.
        """
        facts = ProcessFacts.read(pid, self._proc)
        if facts is None:
            is_hidden = not (self._proc / str(pid)).exists() and _is_running(pid)
            return [HIDDEN if is_hidden else _mistake("the show has ended")]
        problems = [
            *self._weak_points(facts),
            *self._thread_problems(pid),
            *self._leftovers({pid, *known}),
            *self._open_files(pid),
        ]
        if not problems and pid not in (self._interrupted, os.getpid()):
            # Not before the filters have been seen, so that no call can begin in between. A process
            # that stopped itself could not continue itself.
            self._interrupted = pid
            if not self._interrupt_calls(pid):
                problems = ["a thread of the show is in a call that cannot be interrupted"]
        return [_mistake(problem) for problem in problems]

    def _interrupt_calls(self, pid: int) -> bool:
        """Stop all threads of `pid`, then let them continue; return whether all of them stopped.

        No process can block SIGSTOP. Some of the system calls that it interrupts end early. The
        kernel makes the others again (signal(7)), and the filters check these.
        """
        try:
            os.kill(pid, signal.SIGSTOP)
            ends_at = time.monotonic() + STOP_S
            while not (stopped := self._has_stopped(pid)) and time.monotonic() < ends_at:
                time.sleep(0.001)
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return True  # The show has ended, which is found next.
        return stopped

    def _has_stopped(self, pid: int) -> bool:
        """Return whether every thread of `pid` is stopped, by a stop signal or by a tracer."""
        for thread in os.listdir(self._proc / str(pid) / "task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                state = _text(self._proc / str(pid) / "task" / thread / "stat")
                if state.rpartition(")")[2].split()[0] not in "TtZX":
                    return False
        return True

    def _weak_points(self, facts: ProcessFacts) -> Iterator[str]:
        if facts.uid != self._own.uid:
            yield f"the show runs as user {facts.uid} (expected {self._own.uid})"
        if facts.mark != self._own.mark:
            yield (
                "another program has changed the mark by which the supervisor recognises the show "
                "(its limit of file locks)"
            )
        if not facts.no_new_privileges:
            yield "the show can gain privileges (no_new_privs is not set)"
        if facts.tracer:
            yield f"process {facts.tracer} traces the show and sees every picture"
        if facts.capabilities & ~_READ_ALL:
            yield f"the show has capabilities ({facts.capabilities:#x})"
        if facts.core_limits != ("0", "0"):
            yield (
                "the kernel may write core dumps of the show (limits "
                f"{', '.join(facts.core_limits)})"
            )
        if facts.size_limits != ("0", "0"):
            yield (
                "the show can make files larger (limits of a file's size: "
                f"{' and '.join(facts.size_limits)}; expected 0 and 0)"
            )
        if self._own.uid and not self._is_closed(facts.pid):
            yield "other programs of the same user can read the show's memory"

    def _is_closed(self, pid: int) -> bool:
        """Return whether the memory of `pid` is protected from other programs of the same user.

        If it is, the process's files in /proc belong to root.
        """
        try:
            return (self._proc / str(pid) / "environ").stat().st_uid != self._own.uid
        except OSError:
            return False

    def _thread_problems(self, pid: int) -> Iterator[str]:
        """Yield a problem if a thread has too few seccomp filters, or if no thread can be read."""
        expected = self._own.filters + FILTERS
        try:
            threads = os.listdir(self._proc / str(pid) / "task")
        except OSError:
            threads = []
        counts: list[int] = []
        for thread in threads:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                counts.append(_filters(_status(self._proc / str(pid) / "task" / thread)))
        lacking = [count for count in counts if count < expected]
        if lacking or not counts:
            fewest = counted(min(lacking, default=0), "filter")
            seen = f"a thread has {fewest}, expected {expected}"
            yield (
                f"seccomp filters are missing in {len(lacking)} of "
                f"{counted(len(counts), 'thread')} ({seen})"
            )

    def _leftovers(self, known: Collection[int]) -> Iterator[str]:
        """Yield a problem for each running process that the show started and that is not `known`.

        Such a process may have another parent by now. So it is recognised by two properties that it
        cannot change itself: the supervisor's mark, and more seccomp filters than the supervisor.
        Another program of the same user could change the process's mark. So a descendant of the
        supervisor that has more filters is recognised even if it lacks the mark.
        """
        running = self._running()
        for facts in running.values():
            if facts.pid in known or facts.filters <= self._own.filters:
                continue
            if facts.mark == self._own.mark or self._is_ancestor(facts, running):
                yield (
                    f"process {facts.pid}, started by the show, is still running and may "
                    "share the show's memory"
                )

    def _running(self) -> Mapping[int, ProcessFacts]:
        """Return the facts of each process that is not older than the supervisor, keyed by its id.

        A process may copy itself and end, and its copy may do the same, again and again. Each copy
        has usually ended before its facts are read. So the processes are listed again until a list
        contains no new process, at most `MAX_ROUNDS` times.
        """
        running: dict[int, ProcessFacts] = {}
        listed: set[int] = set()
        for _ in range(MAX_ROUNDS):
            new = {int(name) for name in os.listdir(self._proc) if name.isdecimal()} - listed
            if not new:
                break
            listed |= new
            for pid in new:
                with contextlib.suppress(PermissionError):  # Not a process of this user.
                    facts = ProcessFacts.read(pid, self._proc)
                    if facts is not None and facts.started >= self._own.started:
                        running[pid] = facts
        return running

    def _is_ancestor(self, facts: ProcessFacts, running: Mapping[int, ProcessFacts]) -> bool:
        """Return whether this process is an ancestor of the process of `facts`."""
        seen: set[int] = set()
        while facts.parent != self._own.pid:
            # Ids are used again, so parents that were read one after the other may form a circle.
            if facts.parent in seen or facts.parent not in running:
                return False
            seen.add(facts.parent)
            facts = running[facts.parent]
        return True

    def _open_files(self, pid: int) -> Iterator[str]:
        """Yield a problem for each open disk and for each file that is open for writing.

        Yields nothing if the supervisor's user may not list the open files of `pid`.
        """
        folder = self._proc / str(pid) / "fd"
        try:
            names = os.listdir(folder)
        except OSError:
            return
        for name in names:
            with contextlib.suppress(OSError):
                mode, target = (folder / name).stat().st_mode, os.readlink(folder / name)
                flags = re.search(
                    r"^flags:\s+(\d+)", _text(self._proc / str(pid) / "fdinfo" / name), re.M
                )
                writes = flags is None or int(flags[1], 8) & (os.O_WRONLY | os.O_RDWR)
                if stat.S_ISBLK(mode):
                    yield f"the show has a disk open ({target})"
                elif stat.S_ISREG(mode) and writes and not target.startswith("/memfd:"):
                    yield f"the show has a file open for writing ({target})"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # It runs as another user.
        return True
    return True


def _mistake(problem: str) -> Mistake:
    return Mistake("witness", problem, WITNESS_REMEDY)


def _text(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as opened:
        return opened.read()


def _stat(folder: Path) -> list[str]:
    """Return the fields of a `stat` file from field 3, the state (proc_pid_stat(5))."""
    return _text(folder / "stat").rpartition(")")[2].split()


def _living_thread(folder: Path) -> Path | None:
    """Return the folder of a living thread of the process `folder`; None if all have ended.

    The first thread of a process may end before the others. Then the process looks as if it had
    ended, and its `status` names no filters.
    """
    if _stat(folder)[0] not in "ZX":
        return folder
    for thread in (folder / "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if _stat(thread)[0] not in "ZX":
                return thread
    return None


def _status(folder: Path) -> Mapping[str, str]:
    """Return the fields of a `status` file, without spaces around them."""
    pairs = (line.partition(":") for line in _text(folder / "status").splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _filters(status: Mapping[str, str]) -> int:
    """Return the number of seccomp filters in `status`, the fields of a file /proc/PID/status.

    It is 0 if the thread is not in seccomp's filter mode.
    """
    return int(status.get("Seccomp_filters", "0")) if status.get("Seccomp") == "2" else 0


def _limits(limits: str, name: str) -> tuple[str, str]:
    """Return the soft and the hard limit `name` from `limits`, the text of a file /proc/PID/limits.

    Both are empty texts if `name` is missing.
    """
    found = re.search(rf"^Max {name}\s+(\w+)\s+(\w+)", limits, re.MULTILINE)
    return (found[1], found[2]) if found else _NO_LIMITS
