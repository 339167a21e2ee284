"""The search for leaks: checks everything that the process still holds open after the start-up.

Landlock checks a file only when it is opened, and no layer sees bytes that go into shared memory.
So after stage two, when nothing more can be opened, the open files, sockets, pipes and mappings are
checked once, before the first frame. Everything that is not known to be harmless is a mistake. A
child process of the start-up is a mistake too: it is only under stage one, and may share memory
with this process.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from installation.errors import Mistake

REMEDY = (
    "Find out which part opens this during the start-up; the show must not run while it is open."
)

DISPLAYS = re.compile(rb"@?(/tmp/\.X11-unix/X\d+|(/[^\0]*)?/wayland-\d+)\0?|\0/tmp/\.X11-unix/X\d+")
"""Matches the address of a display server's socket."""

JOURNAL = b"/run/systemd/journal/stdout"
"""The address of the socket to which systemd connects standard output and error."""

TEXT_STREAMS = (1, 2)
"""Standard output and error, which stay open for text, whatever file or pipe they are connected
to.
"""

READABLE_DEVICES = ("/dev/urandom", "/dev/random", "/dev/zero")
HARMLESS_INODES = ("[eventfd]", "[eventpoll]", "[timerfd]", "[signalfd]", "inotify", "sync_file")
PRIVATE_MEMORY = ("/memfd:", "/dmabuf", "/dev/zero (deleted)", "/i915", "/drm mm object")
"""Shared mappings without a file, of this process, its GPU or the display. Only a process that was
given their descriptor can share them. System V's shared memory is not listed, because every program
on this machine can find it.
"""


def find_leaks(
    devices: Collection[str], pipes: Collection[int], known_children: Collection[int] = ()
) -> list[Mistake]:
    """Return a mistake for each open object through which pictures could leave the process.

    Allowed are the `devices` by their paths, the descriptors `pipes` as pipes to other processes
    beside the standard streams, and the `known_children` from before stage one.
    """
    return [
        *_leaking_files({os.path.realpath(device) for device in devices}, set(pipes)),
        *_leaking_mappings(),
        *_unknown_children(set(known_children)),
    ]


def children() -> set[int]:
    """Return the ids of this process's children that are still running."""
    listed: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                listed.update(map(int, file.read().split()))
    except (FileNotFoundError, ProcessLookupError):
        # The kernel has no such list (CONFIG_PROC_CHILDREN), or the thread has just ended.
        listed.update(int(name) for name in os.listdir("/proc") if name.isdecimal())
    return {process for process in listed if _is_running_child(process)}


def _is_running_child(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:
            state, parent = file.read().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(parent) == os.getpid() and state not in "ZX"


def _unknown_children(known: set[int]) -> Iterator[Mistake]:
    for process in sorted(children() - known):
        problem = f"process {process} was started by the show and is not restricted by stage two"
        yield Mistake("child processes", problem, REMEDY)


def _leaking_files(devices: set[str], pipes: set[int]) -> Iterator[Mistake]:
    files = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            files[int(name)] = (os.fstat(int(name)), os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # The descriptor of the listing itself.
    own_pipes = {
        (state.st_dev, state.st_ino)
        for file, (state, _) in files.items()
        if stat.S_ISFIFO(state.st_mode) and _access(file) != os.O_WRONLY
    }
    for file, (state, target) in files.items():
        mode = state.st_mode
        problem = None
        if stat.S_ISREG(mode):
            if _access(file) != os.O_RDONLY and not target.startswith("/memfd:"):
                problem = "is a file that is open for writing"
        elif stat.S_ISSOCK(mode):
            problem = _socket_problem(file)
        elif stat.S_ISFIFO(mode):
            known = file in (*TEXT_STREAMS, *pipes) or (state.st_dev, state.st_ino) in own_pipes
            problem = None if known else "is a pipe to another program"
        elif stat.S_ISCHR(mode):
            known = target in devices or target in READABLE_DEVICES or file in TEXT_STREAMS
            problem = None if known else "is a device that is not allowed"
        elif stat.S_ISBLK(mode):
            problem = "is a disk"
        elif not stat.S_ISDIR(mode) and not target.startswith("anon_inode:"):
            problem = "has an unknown type"
        elif target.startswith("anon_inode:") and not target.endswith(HARMLESS_INODES):
            problem = "has a type that could carry pictures"
        if problem:
            yield Mistake("open files", f"descriptor {file}, {target}, {problem}", REMEDY)


def _access(file: int) -> int:
    """Return the mode in which the descriptor `file` was opened: O_RDONLY, O_WRONLY or O_RDWR."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    # A descriptor with O_PATH can be neither read nor written.
    return os.O_RDONLY if flags & os.O_PATH else flags & os.O_ACCMODE


def _socket_problem(file: int) -> str | None:
    with socket.socket(fileno=os.dup(file)) as opened:
        try:
            peer = opened.getpeername()
        except OSError:
            return "is a socket that is not connected"
        if opened.family != socket.AF_UNIX or opened.type != socket.SOCK_STREAM:
            return "is a socket to a network"
    address = peer if isinstance(peer, bytes) else peer.encode()
    if is_display(address) or (address == JOURNAL and file in TEXT_STREAMS):
        return None
    if not address and file in TEXT_STREAMS:
        return None  # The program that started the kiosk reads there, as from a pipe.
    return f"is a socket to {address.decode(errors='replace') or 'an unnamed program'}"


def is_display(address: bytes, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a display server listens at `address`.

    A Wayland compositor may give its socket any name; then the session names it.
    """
    name = environment.get("WAYLAND_DISPLAY")
    named = name and os.path.join(environment.get("XDG_RUNTIME_DIR", "/nonexistent"), name)
    return bool(DISPLAYS.fullmatch(address)) or (
        bool(named) and address.rstrip(b"\0") == os.fsencode(str(named))
    )


def _leaking_mappings() -> Iterator[Mistake]:
    """Yield a mistake for each shared mapping of a file that is or could become writable."""
    shared = [line for line in _lines("/proc/self/maps") if line.split(maxsplit=2)[1][3] == "s"]
    suspects = {}
    for line in shared:
        fields = line.split(maxsplit=5)
        path = fields[5].strip() if len(fields) > 5 else ""
        if path and not path.startswith(PRIVATE_MEMORY) and not _is_device(path):
            suspects[fields[0]] = path
    if not suspects:
        return
    current = ""
    for line in _lines("/proc/self/smaps"):
        first = line.split(maxsplit=1)[0]
        if "-" in first:
            current = first
        elif first == "VmFlags:" and current in suspects and "mw" in line.split():
            yield Mistake("shared memory", f"{suspects[current]} can be written", REMEDY)


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:
        return False


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readlines()
