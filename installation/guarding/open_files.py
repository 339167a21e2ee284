"""The search for leaks: checks everything that the process still has open after the start-up.

Landlock checks a file only when it is opened, and no layer sees bytes that go into shared memory.
So after stage two, when nothing more can be opened, the open files, sockets, pipes and mappings are
checked once, before the first frame. Everything that is not known to be harmless is a mistake. A
child process that the show started before stage two is a mistake too, because stage two does not
restrict the child, and the child may share memory with this process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import stat
import struct
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from installation.errors import Mistake

LEAK_REMEDY = (
    "Report this as a bug, because it prevents the show from running. If you know which library is "
    "the cause, name that library in the report."
)

MOST_DISPLAY_SOCKETS = 3
"""The largest allowed number of sockets to the display server. SDL opens two to an X server, and
the window opens a third one to ask for the monitors. SDL opens one to a Wayland compositor.
"""

TEXT_STREAMS = (1, 2)
"""The descriptors of standard output and error: pipes to the output filters, or /dev/null."""

READABLE_DEVICES = ("/dev/urandom", "/dev/random", "/dev/zero")
HARMLESS_INODES = ("[eventpoll]", "[timerfd]", "[signalfd]", "inotify", "sync_file")
COUNTER = "[eventfd]"
"""The end of the name of an eventfd. An eventfd is a counter in the kernel. Every program that has
its descriptor can read and write the counter. CUDA makes such counters, and so do the libraries of
a window on Wayland.
"""

DISPLAY_MEMORY = "/memfd:"
"""The beginning of the names of memory that a window may share with its display server."""

PRIVATE_MEMORY = ("/dmabuf", "/dev/zero (deleted)", "/i915", "/drm mm object")
"""A shared mapping whose name begins with one of these is harmless. It is memory that has no file
and belongs to this process, its GPU or the display. Only a process that was given the descriptor of
such memory can use it. System V's shared memory is not listed, because every program on this
machine can find it.

From the middle stage on, memfd_create is refused. So every memfd was made before the middle stage,
when the show opened its window. A window shares a memfd with its display server, and nothing else
needs one. So a memfd (`DISPLAY_MEMORY`) is harmless only if there is a display.
"""


def find_leaks(
    devices: Collection[str],
    pipes: Collection[int],
    known_children: Collection[int] = (),
    environment: Mapping[str, str] = os.environ,
) -> list[Mistake]:
    """Return a mistake for each open object through which pictures could leave this process.

    Allowed are the devices with the paths `devices`, the pipes with the descriptors `pipes`, the
    standard streams, and sockets to the display that the session's `environment` names. Child
    processes are allowed if their ids are in `known_children`: they started before stage one.
    """
    files = _open_files()
    on_wayland = any(
        stat.S_ISSOCK(state.st_mode) and is_wayland(_peer(file), environment)
        for file, (state, _) in files.items()
    )
    displays = [
        file
        for file, (state, _) in files.items()
        if stat.S_ISSOCK(state.st_mode) and is_display(_peer(file), environment)
    ]
    return [
        *_leaking_files(
            files,
            {os.path.realpath(device) for device in devices},
            set(pipes),
            displays,
            on_wayland=on_wayland,
        ),
        *_hidden_files(),
        *_leaking_mappings(has_display=bool(displays)),
        *_unknown_children(set(known_children)),
        *_tracers(),
    ]


def children() -> set[int]:
    """Return the ids of this process's children that are still running."""
    listed: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                listed.update(map(int, file.read().split()))
    except (FileNotFoundError, ProcessLookupError):
        # The kernel lacks the list of children (CONFIG_PROC_CHILDREN), or the thread has just
        # ended.
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
        problem = f"the show started process {process}, which stage two does not restrict"
        yield Mistake("child processes", problem, LEAK_REMEDY)


def _tracers() -> Iterator[Mistake]:
    tracer = re.search(r"^TracerPid:\s+([1-9]\d*)$", "".join(_lines("/proc/self/status")), re.M)
    if tracer:
        problem = f"process {tracer[1]} traces the show and sees every picture"
        yield Mistake("tracers", problem, "End that process, and start the show again.")


def _open_files() -> dict[int, tuple[os.stat_result, str]]:
    """Return the `stat` result and the target of every open descriptor."""
    files = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            files[int(name)] = (os.fstat(int(name)), os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # Closed: it was the descriptor of the listing.
    return files


def _leaking_files(
    files: Mapping[int, tuple[os.stat_result, str]],
    devices: set[str],
    pipes: set[int],
    displays: Collection[int],
    *,
    on_wayland: bool,
) -> Iterator[Mistake]:
    has_cuda = any("nvidia" in device for device in devices)
    if len(displays) > MOST_DISPLAY_SOCKETS:
        seen = f"the show has {len(displays)} sockets to the display"
        too_many = f"{seen} (expected at most {MOST_DISPLAY_SOCKETS})"
        yield Mistake("open files", too_many, LEAK_REMEDY)
    for file, (state, target) in files.items():
        mode = state.st_mode
        problem: str | None = None
        if stat.S_ISREG(mode):
            if target.startswith("/memfd:"):
                problem = None if displays else "is memory that other programs could share"
            elif _access(file) != os.O_RDONLY:
                problem = "is a file that is open for writing"
        elif stat.S_ISSOCK(mode):
            problem = _socket_problem(file, is_display=file in displays)
        elif stat.S_ISFIFO(mode):
            # CUDA uses pipes within this process.
            known = file in (*TEXT_STREAMS, *pipes) or has_cuda
            problem = None if known else "is a pipe"
        elif stat.S_ISCHR(mode):
            known = target in devices or target in READABLE_DEVICES
            problem = None if known else "is a device that is not allowed"
        elif stat.S_ISBLK(mode):
            problem = "is a disk"
        elif not stat.S_ISDIR(mode) and not target.startswith("anon_inode:"):
            problem = "has an unknown type"
        elif target.endswith(COUNTER):
            problem = (
                None if has_cuda or on_wayland else "is a counter that other programs could read"
            )
        elif target.startswith("anon_inode:") and not target.endswith(HARMLESS_INODES):
            problem = "has a type that could carry pictures"
        if problem:
            yield Mistake("open files", f"descriptor {file}, {target}, {problem}", LEAK_REMEDY)


def _hidden_files() -> Iterator[Mistake]:
    """Yield a mistake for each thread with descriptors that the other threads do not have.

    Such a thread can keep a file open that is not in the list of the process.
    """
    for thread in os.listdir("/proc/self/task"):
        folder = f"/proc/self/task/{thread}/fd"
        # Another thread may close a file between the two lists.
        if all(_targets(folder) not in ({}, _targets("/proc/self/fd")) for _ in range(3)):
            problem = f"thread {thread} has descriptors of its own"
            yield Mistake("open files", problem, LEAK_REMEDY)


def _targets(folder: str) -> dict[str, str]:
    """Return what each descriptor in `folder` leads to; `folder` is a thread's `fd` in /proc.

    The result is empty if the thread has ended.
    """
    targets = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for name in os.listdir(folder):
            # The descriptor of the listing is closed by now.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                targets[name] = os.readlink(f"{folder}/{name}")
    return targets


def _access(file: int) -> int:
    """Return the mode in which the descriptor `file` was opened: O_RDONLY, O_WRONLY or O_RDWR."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    # A descriptor with O_PATH can be neither read nor written.
    return os.O_RDONLY if flags & os.O_PATH else flags & os.O_ACCMODE


def _peer(file: int) -> bytes:
    """Return the address to which a stream socket is connected; b"" for other sockets."""
    try:
        with socket.socket(fileno=os.dup(file)) as opened:
            if opened.family != socket.AF_UNIX or opened.type != socket.SOCK_STREAM:
                return b""
            peer = opened.getpeername()
    except OSError:
        return b""
    return peer if isinstance(peer, bytes) else os.fsencode(peer)


def _socket_problem(file: int, *, is_display: bool) -> str | None:
    with socket.socket(fileno=os.dup(file)) as opened:
        try:
            opened.getpeername()
        except OSError:
            return "is a socket that is not connected"
        if opened.family != socket.AF_UNIX or opened.type != socket.SOCK_STREAM:
            return "is a network socket or a datagram socket"
        listener = opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    address = _peer(file).decode(errors="replace").strip("\0") or "an unnamed program"
    if not is_display:
        return f"is a socket to {address}"
    # A socket that this process listens on itself may have been given to another program.
    if struct.unpack("=iii", listener)[0] == os.getpid():
        return f"is a socket to this process itself, at the address {address}"
    if _in_flight(file):
        return "is a socket that is sending descriptors of open files"
    return None


def _in_flight(file: int) -> int:
    """Return the number of descriptors that wait in a socket's queue; 0 if it is not known."""
    found = re.search(r"^scm_fds:\s+(\d+)$", "".join(_lines(f"/proc/self/fdinfo/{file}")), re.M)
    return int(found[1]) if found else 0


def is_display(address: bytes, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the display server of `environment` listens at `address`.

    An X server may also listen at a name that has no file and begins with a zero byte. A Wayland
    compositor may give its socket any name; `wayland-0` is used if the environment names none.
    """
    address = address.rstrip(b"\0") if address[:1] != b"\0" else address
    number = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", environment.get("DISPLAY", ""))
    if number:
        server = f"/tmp/.X11-unix/X{number[1]}".encode()  # noqa: S108 - only compared
        if address in (server, b"\0" + server):
            return True
    return is_wayland(address, environment)


def is_wayland(address: bytes, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the Wayland compositor of `environment` listens at `address`."""
    address = address.rstrip(b"\0")
    name = environment.get("WAYLAND_DISPLAY") or "wayland-0"
    folder = environment.get("XDG_RUNTIME_DIR", "/nonexistent")
    return bool(address) and address == os.fsencode(os.path.join(folder, name))


def _leaking_mappings(*, has_display: bool) -> Iterator[Mistake]:
    """Yield a mistake for each shared file mapping that is or can become writable."""
    harmless = (*PRIVATE_MEMORY, DISPLAY_MEMORY) if has_display else PRIVATE_MEMORY
    shared = [line for line in _lines("/proc/self/maps") if line.split(maxsplit=2)[1][3] == "s"]
    suspects = {}
    for line in shared:
        fields = line.split(maxsplit=5)
        path = fields[5].strip() if len(fields) > 5 else ""
        if path and not path.startswith(harmless) and not _is_device(path):
            suspects[fields[0]] = path
    if not suspects:
        return
    current = ""
    for line in _lines("/proc/self/smaps"):
        first = line.split(maxsplit=1)[0]
        if "-" in first:
            current = first
        elif first == "VmFlags:" and current in suspects and "mw" in line.split():
            yield Mistake("shared memory", f"{suspects[current]} is writable", LEAK_REMEDY)


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError:
        return False


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readlines()
