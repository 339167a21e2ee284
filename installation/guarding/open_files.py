"""What the process holds open at the end of its start: a file opened earlier is under no guard.

Landlock looks when a file is opened, and no layer sees bytes that go into shared memory. So the
files, sockets, pipes and mappings are looked through once, before the first frame and when the
second stage has closed every way to open more; whatever is not known to be harmless is a mistake.
So is a process that the start has left behind: it is under the first stage alone, and may share
memory with this one.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from installation.errors import Mistake

REMEDY = "Look for what opens it during the start; the show must not run with it."

DISPLAYS = re.compile(rb"@?(/tmp/\.X11-unix/X\d+|(/[^\0]*)?/wayland-\d+)\0?|\0/tmp/\.X11-unix/X\d+")
"""The far end of a socket to a display server."""

JOURNAL = b"/run/systemd/journal/stdout"
"""The far end of standard output and error where systemd takes them."""

WORDS = (1, 2)
"""Standard output and error, which stay open for words wherever they lead."""

READABLE_DEVICES = ("/dev/urandom", "/dev/random", "/dev/zero")
HARMLESS_INODES = ("[eventfd]", "[eventpoll]", "[timerfd]", "[signalfd]", "inotify", "sync_file")
MEMORY = ("/memfd:", "/dmabuf", "/dev/zero (deleted)", "/i915", "/drm mm object")
"""Shared mappings that no file lies under and only who was handed them can share: of this process,
of its GPU, and of the display. System V's are not among them: every program here can find those."""


def look(
    devices: Collection[str], pipes: Collection[int], kin: Collection[int] = ()
) -> list[Mistake]:
    """Return what is there that might carry pictures away.

    `devices` are those that were allowed by name; `pipes` the files, beside the standard streams,
    that may be pipes to somebody else; `kin` the processes that were there before the first stage.
    """
    return [
        *_files({os.path.realpath(device) for device in devices}, set(pipes)),
        *_mappings(),
        *_processes(set(kin)),
    ]


def children() -> set[int]:
    """Return the processes that come from this one and still run."""
    listed: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                listed.update(map(int, file.read().split()))
    except (FileNotFoundError, ProcessLookupError):
        # A kernel that keeps no such list (CONFIG_PROC_CHILDREN), or a thread that just ended.
        listed.update(int(name) for name in os.listdir("/proc") if name.isdecimal())
    return {process for process in listed if _runs(process)}


def _runs(process: int) -> bool:
    """Tell whether `process` is a child of this one and has not ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:
            state, parent = file.read().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(parent) == os.getpid() and state not in "ZX"


def _processes(kin: set[int]) -> Iterator[Mistake]:
    for process in sorted(children() - kin):
        what = f"number {process} was started by the show and is not under the second stage"
        yield Mistake("other processes", what, REMEDY)


def _files(devices: set[str], pipes: set[int]) -> Iterator[Mistake]:
    files = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            files[int(name)] = (os.fstat(int(name)), os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # The listing's own.
    read_here = {
        (found.st_dev, found.st_ino)
        for file, (found, _) in files.items()
        if stat.S_ISFIFO(found.st_mode) and _access(file) != os.O_WRONLY
    }
    for file, (found, target) in files.items():
        mode = found.st_mode
        wrong = None
        if stat.S_ISREG(mode):
            if _access(file) != os.O_RDONLY and not target.startswith("/memfd:"):
                wrong = "is a file that may be written"
        elif stat.S_ISSOCK(mode):
            wrong = _socket(file)
        elif stat.S_ISFIFO(mode):
            known = file in WORDS or file in pipes or (found.st_dev, found.st_ino) in read_here
            wrong = None if known else "is a pipe to another program"
        elif stat.S_ISCHR(mode):
            known = target in devices or target in READABLE_DEVICES
            wrong = None if known or file in WORDS else "is a device that was not allowed"
        elif stat.S_ISBLK(mode):
            wrong = "is a disk"
        elif not stat.S_ISDIR(mode) and not target.startswith("anon_inode:"):
            wrong = "is of an unknown kind"
        elif target.startswith("anon_inode:") and not target.endswith(HARMLESS_INODES):
            wrong = "is of a kind that might carry pictures"
        if wrong:
            yield Mistake("open files", f"number {file}, {target}, {wrong}", REMEDY)


def _access(file: int) -> int:
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    # A file opened as a mere place (O_PATH) can be neither read nor written.
    return os.O_RDONLY if flags & os.O_PATH else flags & os.O_ACCMODE


def _socket(file: int) -> str | None:
    with socket.socket(fileno=os.dup(file)) as opened:
        try:
            peer = opened.getpeername()
        except OSError:
            return "is a socket without a far end"
        if opened.family != socket.AF_UNIX or opened.type != socket.SOCK_STREAM:
            return "is a socket to a network"
    name = peer if isinstance(peer, bytes) else peer.encode()
    if DISPLAYS.fullmatch(name) or (name == JOURNAL and file in WORDS):
        return None
    if not name and file in WORDS:
        return None  # Whoever started the kiosk listens there, as at a pipe.
    return f"is a socket to {name.decode(errors='replace') or 'an unnamed program'}"


def _mappings() -> Iterator[Mistake]:
    """Yield the shared mappings of files that are writable, or could be made so."""
    shared = [line for line in _lines("/proc/self/maps") if line.split(maxsplit=2)[1][3] == "s"]
    suspects = {}
    for line in shared:
        fields = line.split(maxsplit=5)
        path = fields[5].strip() if len(fields) > 5 else ""
        if path and not path.startswith(MEMORY) and not _is_device(path):
            suspects[fields[0]] = path
    if not suspects:
        return
    current = ""
    for line in _lines("/proc/self/smaps"):
        first = line.split(maxsplit=1)[0]
        if "-" in first:
            current = first
        elif first == "VmFlags:" and current in suspects and "mw" in line.split():
            yield Mistake("shared memory", f"{suspects[current]} may be written", REMEDY)


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:
        return False


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readlines()
