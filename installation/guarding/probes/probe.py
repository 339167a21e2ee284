"""Every way out that we know: what the guard must refuse, each as a small deed that is then tried.

An attempt that gets through undoes what it did, as far as it may, so that the list may be tried
without the guard: only so does it show that it is the guard which refuses. What fails for another
reason, such as a name that does not exist, has got through; what the kernel keeps from this user
without any guard proves nothing of the guard. The kernel's number tells which it was; many
libraries lose it, and then no more is known than that their attempt failed. `ground` is a folder
that belongs to this user and may be written, but for the guard.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from installation.guarding.layers import seccomp, syscalls
from installation.guarding.status import FILE_SIZE_LIMIT, LANDLOCK, SECCOMP

READ_ONLY = "read-only file system"

LAYERS = {
    errno.EACCES: LANDLOCK,
    seccomp.ANSWER: SECCOMP,
    errno.EFBIG: FILE_SIZE_LIMIT,
    errno.EROFS: READ_ONLY,
}
"""Which layer says no with which number; any other number means that it was not the guard."""

_KERNELS_OWN = (errno.EPERM, errno.EACCES, errno.ENOSYS)
"""How the kernel says that a call is not for this user, or that there is none."""

Became = Literal["refused", "forbidden anyway", "got through", "not there"]
"""What became of an attempt: `refused` by the guard, `forbidden anyway` by the kernel itself, and
`not there` where this machine has nothing to try."""


class AbsentError(Exception):
    """What an attempt goes for is not on this machine."""


_HERE = -100
"""AT_FDCWD: names are looked up from the current folder."""

Deed = Callable[[Path], object]


@dataclass(frozen=True)
class Attempt:
    """One way out: its name, what is called, and the layer that is expected to refuse it."""

    name: str
    how: str
    layer: str
    deed: Deed
    library: bool = False
    """Whether it goes through a library of the show; those are left out of the self-test."""
    error: int | None = None
    """The number with which the layer refuses it, where that is another than usual."""

    def refused_by(self, error: int | None) -> str | None:
        """Return the layer that refuses this with the number `error`; None for any other no.

        To a call that Landlock does not see, the kernel itself may answer with Landlock's number.
        """
        if error is None:
            return None
        if error == self.error:
            return self.layer
        layer = LAYERS.get(error)
        return None if layer == LANDLOCK and self.layer != LANDLOCK else layer


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt in a thread.

    `error` is the kernel's number and `layer` what refuses with that number; None where a library
    told no number.
    """

    name: str
    how: str
    thread: str
    became: Became
    layer: str | None = None
    error: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as `kiosk audit --json` says it; what is not there was no attempt."""
        return {
            "name": self.name,
            "thread": self.thread,
            "refused": self.became == "refused",
            "layer": self.layer,
            "errno": self.error,
        }


def tried(attempts: Iterable[Attempt], ground: Path, thread: str) -> list[Outcome]:
    """Return what became of `attempts`, tried now by the calling thread, called `thread`."""
    return [
        Outcome(attempt.name, attempt.how, thread, *_try(attempt, ground)) for attempt in attempts
    ]


def _try(attempt: Attempt, ground: Path) -> tuple[Became, str | None, int | None]:
    try:
        attempt.deed(ground)
    except (AbsentError, NotImplementedError):
        return "not there", None, None
    except (ImportError, AttributeError, TypeError):
        return "got through", None, None  # A mistake of ours; nobody has refused anything.
    except Exception as failure:
        error = failure.errno if isinstance(failure, OSError) else None
        layer = attempt.refused_by(error)
        if layer or (attempt.library and error is None):
            return "refused", layer, error
        return "forbidden anyway" if error in _KERNELS_OWN else "got through", None, error
    return "got through", None, None


def _opened(path: Path, flags: int, mode: int = 0o600) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC, mode))


def _there(path: Path) -> Path:
    if not path.exists():
        raise AbsentError(path)
    return path


def _made(path: Path, make: Callable[[Path], object]) -> None:
    make(path)
    path.unlink()


def _undone(undo: Callable[[], object]) -> None:
    """Do `undo`, where it may be done: what it undoes has got through, whatever becomes of it."""
    with contextlib.suppress(OSError):
        undo()


def _there_and_back(old: Path, new: Path) -> None:
    old.rename(new)
    new.rename(old)


def _cut_off(ground: Path) -> None:
    os.truncate(ground / "file", (ground / "file").stat().st_size)


def _opened_anew(ground: Path) -> None:
    new = ground / "new"
    how = struct.pack("=QQQ", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600, 0)
    os.close(syscalls.call("openat2", _HERE, os.fsencode(new) + b"\0", how, len(how)))
    new.unlink()


def _created(ground: Path) -> None:
    new = ground / "new"
    os.close(syscalls.call("creat", os.fsencode(new) + b"\0", 0o600))
    new.unlink()


def _unnamed(ground: Path) -> None:
    os.close(os.open(ground, os.O_TMPFILE | os.O_WRONLY))


def _made_folder(ground: Path) -> None:
    (ground / "new").mkdir()
    (ground / "new").rmdir()


def _removed_folder(ground: Path) -> None:
    (ground / "folder").rmdir()
    (ground / "folder").mkdir()


def _removed_file(ground: Path) -> None:
    (ground / "file").unlink()
    (ground / "file").write_bytes(b"nothing\n")


def _opened_again(ground: Path) -> None:
    with (ground / "file").open("rb") as file:
        _opened(Path(f"/proc/self/fd/{file.fileno()}"), os.O_WRONLY)


def _mapped(ground: Path) -> None:
    import mmap

    with (ground / "file").open("r+b") as file, mmap.mmap(file.fileno(), 0):
        return


def _asked_device(ground: Path) -> None:
    entropy_count = 0x80045200
    with open("/dev/urandom", "rb") as file:
        fcntl.ioctl(file, entropy_count, b"\0\0\0\0")


def _on_file(ground: Path, deed: Callable[[int], object]) -> None:
    with (ground / "file").open("rb") as file:
        deed(file.fileno())


def _on_pipe(command: int, argument: int | bytes) -> Deed:
    def deed(ground: Path) -> None:
        ends = os.pipe()
        try:
            fcntl.fcntl(ends[0], command, argument)
        finally:
            for end in ends:
                os.close(end)

    return deed


def _asked_folder(number: int) -> Deed:
    def deed(ground: Path) -> None:
        folder = os.open(ground, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, number, bytearray(4096))
        finally:
            os.close(folder)

    return deed


def _attribute(ground: Path) -> None:
    os.setxattr(ground / "file", "user.kiosk", b"x")
    _undone(lambda: os.removexattr(ground / "file", "user.kiosk"))


def _linked(ground: Path) -> None:
    _made(ground / "new", lambda new: os.link(ground / "file", new))


def _moved(ground: Path) -> None:
    _there_and_back(ground / "file", ground / "folder" / "file")


def _socket(family: int, kind: int) -> Deed:
    return lambda ground: socket.socket(family, kind).close()


def _pair(kind: int) -> Deed:
    def deed(ground: Path) -> None:
        for end in socket.socketpair(socket.AF_UNIX, kind):
            end.close()

    return deed


def _call(name: str, *arguments: int | bytes | None) -> Deed:
    """Return the system call itself; where it gives a file, that is closed again."""

    def deed(ground: Path) -> None:
        returned = syscalls.call(name, *arguments)
        if name in _GIVE_FILES:
            os.close(returned)

    return deed


_GIVE_FILES = (
    *("memfd_create", "memfd_secret", "io_uring_setup", "perf_event_open", "userfaultfd"),
    *("fanotify_init", "bpf", "fsopen", "open_tree", "pidfd_open"),
)


def _shared_memory(ground: Path) -> None:
    remove = 0
    segment = syscalls.call("shmget", 0, 4096, 0o1600)
    _undone(lambda: syscalls.call("shmctl", segment, remove, None))


def _message_queue(ground: Path) -> None:
    remove = 0
    queue = syscalls.call("msgget", 0, 0o1600)
    _undone(lambda: syscalls.call("msgctl", queue, remove, None))


def _semaphores(ground: Path) -> None:
    remove = 0
    made = syscalls.call("semget", 0, 1, 0o1600)
    _undone(lambda: syscalls.call("semctl", made, 0, remove, None))


def _forked(ground: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of threads; the child ends at once.
        child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _asynchronous(ground: Path) -> None:
    import ctypes

    context = ctypes.create_string_buffer(8)
    syscalls.call("io_setup", 1, context)
    syscalls.call("io_destroy", *struct.unpack("=Q", context.raw))


def _key(ground: Path) -> None:
    revoke, process_keyring = 3, 2**64 - 2
    key = syscalls.call("add_key", b"user\0", b"kiosk\0", b"x", 1, process_keyring)
    _undone(lambda: syscalls.call("keyctl", revoke, key))


def _queue(ground: Path) -> None:
    os.close(syscalls.call("mq_open", b"kiosk\0", os.O_CREAT | os.O_RDWR, 0o600, None))
    _undone(lambda: syscalls.call("mq_unlink", b"kiosk\0"))


def _raised_limit(which: int) -> Deed:
    """Set a limit to what it is: refused as raising it would be, and harmless where it is not."""

    def deed(ground: Path) -> None:
        syscalls.call("prlimit64", 0, which, struct.pack("=qq", *resource.getrlimit(which)), None)

    return deed


def _signal_parent(ground: Path) -> None:
    os.kill(os.getppid() or 1, 0)


def _memory(call: str) -> Deed:
    """Copy a byte of this process's own memory the way that another's is reached."""

    def deed(ground: Path) -> None:
        import ctypes

        byte = ctypes.create_string_buffer(1)
        vector = struct.pack("@PN", ctypes.addressof(byte), 1)
        syscalls.call(call, os.getpid(), vector, 1, vector, 1, 0)

    return deed


def _gone(path: Path, deed: Callable[[], object]) -> None:
    """Do `deed`, which should make `path`; raise where it did not, and remove it where it did."""
    try:
        deed()
        if not path.exists() or not path.stat().st_size:
            raise RuntimeError("it says that it went well, but nothing is there")
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _imwrite(ground: Path) -> None:
    import cv2
    import numpy as np

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    new = ground / "new.png"
    _gone(new, lambda: cv2.imwrite(str(new), np.zeros((8, 8, 3), np.uint8)))


def _video(ground: Path) -> None:
    import cv2
    import numpy as np

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    new = ground / "new.avi"

    def deed() -> None:
        writer = cv2.VideoWriter(str(new), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 64))
        for _ in range(4):
            writer.write(np.zeros((64, 64, 3), np.uint8))
        writer.release()

    _gone(new, deed)


def _numpy(ground: Path) -> None:
    import numpy as np

    _gone(ground / "new.npy", lambda: np.save(ground / "new.npy", np.zeros(8)))


def _numpy_raw(ground: Path) -> None:
    import numpy as np

    _gone(ground / "new", lambda: np.zeros(8).tofile(ground / "new"))


def _numpy_map(ground: Path) -> None:
    import numpy as np

    _gone(ground / "new", lambda: np.memmap(ground / "new", np.uint8, "w+", shape=8).flush())


def _torch(ground: Path) -> None:
    import torch

    _gone(ground / "new.pt", lambda: torch.save(torch.zeros(8), ground / "new.pt"))


def _torch_shared(ground: Path) -> None:
    import torch

    torch.zeros(8).share_memory_()  # type: ignore[no-untyped-call]


def _safetensors(ground: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    _gone(ground / "new", lambda: save_file({"a": np.zeros(8)}, ground / "new"))


def _pygame(ground: Path) -> None:
    import pygame

    surface = pygame.Surface((8, 8))
    _gone(ground / "new.bmp", lambda: pygame.image.save(surface, ground / "new.bmp"))


def _sqlite(ground: Path) -> None:
    import sqlite3

    def deed() -> None:
        with contextlib.closing(sqlite3.connect(ground / "new.db")) as database:
            database.execute("create table t (x)")

    _gone(ground / "new.db", deed)


def _temporary(ground: Path) -> None:
    import tempfile

    with tempfile.TemporaryFile(dir=ground):
        return


def _log_file(ground: Path) -> None:
    import logging

    def deed() -> None:
        handler = logging.FileHandler(ground / "new.log")
        handler.emit(logging.LogRecord("kiosk", logging.ERROR, "", 0, "x", None, None))
        handler.close()

    _gone(ground / "new.log", deed)


def _multiprocessing(ground: Path) -> None:
    from multiprocessing.shared_memory import SharedMemory

    memory = SharedMemory(create=True, size=64)
    memory.close()
    memory.unlink()


def _system(ground: Path) -> None:
    if os.system("true"):  # noqa: S605 - it must not run
        raise RuntimeError("no shell was started")


def _connected(ground: Path) -> None:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen("http://127.0.0.1:9/", timeout=1):
            return
    except urllib.error.URLError as failure:
        raise failure.reason if isinstance(failure.reason, OSError) else failure from None


_FAMILIES = {
    "AF_UNIX": 1,
    "AF_INET": 2,
    "AF_INET6": 10,
    "AF_NETLINK": 16,
    "AF_PACKET": 17,
    "AF_CAN": 29,
    "AF_BLUETOOTH": 31,
    "AF_ALG": 38,
    "AF_VSOCK": 40,
}
"""Linux's numbers, from its include/linux/socket.h: not every Python has a name for each."""

_ADDRESS = struct.pack("=HHI8x", socket.AF_INET, 9, 0x0100007F)
_SET_FLAGS, _TYPE_INTO_TERMINAL = 0x40086602, 0x5412
_OWN, _SIZE_TERMINAL, _SET_TERMINAL = 0x8901, 0x5414, 0x5402
_SCHED_CORE = 62
_FROM_A_QUEUE = struct.pack("=iii116x", 0, 0, -1)
"""What goes with a signal that somebody sends with a value."""
_NUMBER_FILE, _MAKE_VOLUME, _SIGN_FILE = 0x40086604, 0x5000940E, 0x40806685
_NEVER = b"/nonexistent/kiosk\0"
_NO_NUMBER = 2**31 - 1
"""Of a queue, semaphores or shared memory that nobody has made."""

ATTEMPTS: tuple[Attempt, ...] = (
    # Files by every route.
    Attempt(
        "create a file",
        "open(O_CREAT)",
        LANDLOCK,
        lambda g: _made(g / "new", lambda new: _opened(new, os.O_CREAT | os.O_WRONLY)),
    ),
    Attempt("create a file by a newer call", "openat2(O_CREAT)", LANDLOCK, _opened_anew),
    Attempt("create a file in a hurry", "creat()", LANDLOCK, _created),
    Attempt("write a file", "open(O_WRONLY)", LANDLOCK, lambda g: _opened(g / "file", os.O_WRONLY)),
    Attempt(
        "read and write a file", "open(O_RDWR)", LANDLOCK, lambda g: _opened(g / "file", os.O_RDWR)
    ),
    Attempt(
        "append to a file",
        "open(O_APPEND)",
        LANDLOCK,
        lambda g: _opened(g / "file", os.O_WRONLY | os.O_APPEND),
    ),
    Attempt(
        "empty a file while reading",
        "open(O_TRUNC)",
        LANDLOCK,
        lambda g: _opened(g / "file", os.O_RDONLY | os.O_TRUNC),
    ),
    Attempt("cut off a file", "truncate()", LANDLOCK, _cut_off),
    Attempt("make a file without a name", "open(O_TMPFILE)", LANDLOCK, _unnamed),
    Attempt("open a read file again to write", "open() of /proc/self/fd", LANDLOCK, _opened_again),
    Attempt("map a file to write", "open(O_RDWR) for mmap()", LANDLOCK, _mapped),
    Attempt(
        "make a folder",
        "mkdir()",
        LANDLOCK,
        _made_folder,
    ),
    Attempt("remove a folder", "rmdir()", LANDLOCK, _removed_folder),
    Attempt("remove a file", "unlink()", LANDLOCK, _removed_file),
    Attempt(
        "rename a file",
        "rename()",
        LANDLOCK,
        lambda g: _there_and_back(g / "file", g / "new"),
    ),
    Attempt("move a file to another folder", "rename()", LANDLOCK, _moved),
    Attempt("link a file", "link()", LANDLOCK, _linked),
    Attempt(
        "name a file by a symbolic link",
        "symlink()",
        LANDLOCK,
        lambda g: _made(g / "new", lambda new: new.symlink_to("picture")),
    ),
    Attempt("make a pipe with a name", "mkfifo()", LANDLOCK, lambda g: _made(g / "new", os.mkfifo)),
    Attempt(
        "make a file as a node", "mknod(S_IFREG)", LANDLOCK, lambda g: _made(g / "new", os.mknod)
    ),
    Attempt(
        "write into a pipe with a name",
        "open() of a FIFO",
        LANDLOCK,
        lambda g: _opened(g / "pipe", os.O_RDWR | os.O_NONBLOCK),
    ),
    Attempt(
        "write into the home folder",
        "open(O_CREAT) there",
        LANDLOCK,
        lambda g: _made(
            _there(Path.home()) / ".kiosk-new", lambda new: _opened(new, os.O_CREAT | os.O_WRONLY)
        ),
    ),
    Attempt(
        "write into shared memory",
        "open(O_CREAT) in /dev/shm",
        LANDLOCK,
        lambda g: _made(
            _there(Path("/dev/shm")) / "kiosk-new",
            lambda new: _opened(new, os.O_CREAT | os.O_WRONLY),
        ),
    ),
    Attempt(
        "write to a device that was not named",
        "open() of /dev/full",
        LANDLOCK,
        lambda g: _opened(_there(Path("/dev/full")), os.O_WRONLY),
    ),
    Attempt(
        "control a device that was not named", "ioctl() on /dev/urandom", LANDLOCK, _asked_device
    ),
    Attempt(
        "open a new terminal",
        "open() of /dev/ptmx",
        LANDLOCK,
        lambda g: _opened(_there(Path("/dev/ptmx")), os.O_RDWR | os.O_NOCTTY),
    ),
    Attempt(
        "set what the kernel keeps of this process",
        "open() of /proc/self/oom_score_adj",
        LANDLOCK,
        lambda g: _opened(Path("/proc/self/oom_score_adj"), os.O_WRONLY),
    ),
    # What is kept beside a file's content.
    Attempt("add an attribute to a file", "setxattr()", SECCOMP, _attribute),
    Attempt(
        "change a file's permissions",
        "chmod()",
        SECCOMP,
        lambda g: os.chmod(g / "file", (g / "file").stat().st_mode & 0o777),
    ),
    Attempt(
        "change an open file's permissions",
        "fchmod()",
        SECCOMP,
        lambda g: _on_file(g, lambda file: os.fchmod(file, 0o600)),
    ),
    Attempt("change a file's owner", "chown()", SECCOMP, lambda g: os.chown(g / "file", -1, -1)),
    Attempt(
        "change an open file's owner",
        "fchown()",
        SECCOMP,
        lambda g: _on_file(g, lambda file: os.fchown(file, -1, -1)),
    ),
    Attempt("change a file's times", "utimensat()", SECCOMP, lambda g: os.utime(g / "file")),
    Attempt(
        "change an open file's times",
        "futimens()",
        SECCOMP,
        lambda g: _on_file(g, os.utime),
    ),
    Attempt(
        "set flags of an open file",
        "ioctl(FS_IOC_SETFLAGS)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _SET_FLAGS, b"\0" * 8)),
    ),
    Attempt(
        "number an open file",
        "ioctl(EXT4_IOC_SETVERSION)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _NUMBER_FILE, b"\0" * 8)),
    ),
    Attempt(
        "sign an open file",
        "ioctl(FS_IOC_ENABLE_VERITY)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _SIGN_FILE, b"\0" * 128)),
    ),
    Attempt(
        "make a volume in a folder",
        "ioctl(BTRFS_IOC_SUBVOL_CREATE)",
        SECCOMP,
        _asked_folder(_MAKE_VOLUME),
    ),
    Attempt(
        "set a file's flags by a newer call",
        "file_setattr()",
        SECCOMP,
        _call("file_setattr", _HERE, _NEVER, None, 0, 0),
    ),
    Attempt(
        "leave a lock on a part of a file",
        "fcntl(F_SETLK)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    ),
    Attempt(
        "leave a lock on a file",
        "flock()",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    ),
    *(
        Attempt(name, f"fcntl({how})", SECCOMP, _on_pipe(command, argument))
        for name, how, command, argument in (
            ("leave a size on a pipe", "F_SETPIPE_SZ", 1031, 4096),
            ("leave an owner on an open file", "F_SETOWN", 8, 0),
            ("leave an owner of a kind on an open file", "F_SETOWN_EX", 15, bytes(8)),
            ("leave a signal on an open file", "F_SETSIG", 10, 0),
        )
    ),
    Attempt(
        "leave an owner on a socket",
        "ioctl(FIOSETOWN)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _OWN, bytes(4))),
    ),
    Attempt(
        "leave a size on a terminal",
        "ioctl(TIOCSWINSZ)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _SIZE_TERMINAL, bytes(8))),
    ),
    Attempt(
        "leave settings on a terminal",
        "ioctl(TCSETS)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _SET_TERMINAL, bytes(60))),
    ),
    Attempt(
        "leave a place on a file in memory",
        "mbind()",
        SECCOMP,
        _call("mbind", None, 0, 0, None, 0, 0),
    ),
    Attempt(
        "type into a terminal",
        "ioctl(TIOCSTI)",
        SECCOMP,
        lambda g: _on_file(g, lambda file: fcntl.ioctl(file, _TYPE_INTO_TERMINAL, b"x")),
    ),
    Attempt("name the machine", "sethostname()", SECCOMP, _call("sethostname", None, 2**31)),
    # Memory that others can see.
    Attempt("make memory with a name", "memfd_create()", SECCOMP, _call("memfd_create", b"k\0", 1)),
    Attempt("make secret memory", "memfd_secret()", SECCOMP, _call("memfd_secret", 0)),
    Attempt("make shared memory", "shmget()", SECCOMP, _shared_memory),
    Attempt("attach shared memory", "shmat()", SECCOMP, _call("shmat", _NO_NUMBER, None, 0)),
    Attempt("change shared memory", "shmctl()", SECCOMP, _call("shmctl", _NO_NUMBER, 1, None)),
    Attempt("make a queue of messages", "msgget()", SECCOMP, _message_queue),
    Attempt(
        "send to a queue of messages",
        "msgsnd()",
        SECCOMP,
        _call("msgsnd", _NO_NUMBER, struct.pack("@l8s", 1, b"picture"), 8, 0),
    ),
    Attempt(
        "change a queue of messages", "msgctl()", SECCOMP, _call("msgctl", _NO_NUMBER, 1, None)
    ),
    Attempt("make semaphores", "semget()", SECCOMP, _semaphores),
    Attempt("set a semaphore", "semctl()", SECCOMP, _call("semctl", _NO_NUMBER, 0, 16, 1)),
    Attempt(
        "raise a semaphore",
        "semop()",
        SECCOMP,
        _call("semop", _NO_NUMBER, struct.pack("=Hhh", 0, 1, 0), 1),
    ),
    Attempt("open a queue of messages", "mq_open()", SECCOMP, _queue),
    Attempt("keep bytes as a key", "add_key()", SECCOMP, _key),
    Attempt("ask for a key", "keyctl()", SECCOMP, _call("keyctl", 0, 2**64 - 3, 0)),
    # Ways that pass by the guard.
    Attempt(
        "queue calls for the kernel", "io_uring_setup()", SECCOMP, _call("io_uring_setup", 0, None)
    ),
    Attempt("write without waiting", "io_setup()", SECCOMP, _asynchronous),
    Attempt("load a program into the kernel", "bpf()", SECCOMP, _call("bpf", 99, None, 0)),
    Attempt("load a module", "init_module()", SECCOMP, _call("init_module", None, 0, b"\0")),
    Attempt(
        "record what the machine does",
        "perf_event_open()",
        SECCOMP,
        _call("perf_event_open", None, 0, -1, -1, 0),
    ),
    Attempt("handle another's page faults", "userfaultfd()", SECCOMP, _call("userfaultfd", 1)),
    Attempt(
        "open a file by its number",
        "open_by_handle_at()",
        SECCOMP,
        _call("open_by_handle_at", _HERE, None, 0),
    ),
    Attempt("watch the file system", "fanotify_init()", SECCOMP, _call("fanotify_init", 0x200, 0)),
    Attempt("mount", "mount()", SECCOMP, _call("mount", _NEVER, _NEVER, _NEVER, 0, None)),
    Attempt("mount in pieces", "fsopen()", SECCOMP, _call("fsopen", b"nonexistent\0", 0)),
    Attempt("leave for another name space", "unshare()", SECCOMP, _call("unshare", 0)),
    Attempt("enter another name space", "setns()", SECCOMP, _call("setns", -1, 0)),
    Attempt("change the root folder", "chroot()", SECCOMP, _call("chroot", _NEVER)),
    Attempt("swap to a file", "swapon()", SECCOMP, _call("swapon", _NEVER, 0)),
    # Undoing the guard.
    Attempt(
        "raise the file size limit",
        "prlimit(RLIMIT_FSIZE)",
        SECCOMP,
        _raised_limit(resource.RLIMIT_FSIZE),
    ),
    Attempt(
        "raise the core dump limit",
        "prlimit(RLIMIT_CORE)",
        SECCOMP,
        _raised_limit(resource.RLIMIT_CORE),
    ),
    Attempt(
        "let others look into memory",
        "prctl(PR_SET_DUMPABLE)",
        SECCOMP,
        lambda g: syscalls.prctl(4, 3),
    ),
    Attempt("take rights", "capset()", SECCOMP, _call("capset", None, None)),
    # Other programs.
    Attempt("start a process", "fork()", SECCOMP, _forked),
    Attempt(
        "start a process by a newer call",
        "clone3()",
        SECCOMP,
        _call("clone3", None, 0),
        error=errno.ENOSYS,
    ),
    Attempt(
        "become another program",
        "execve()",
        SECCOMP,
        lambda g: os.execve("/nonexistent/kiosk", ["kiosk"], {}),
    ),
    Attempt(
        "become another program by its file",
        "execveat()",
        SECCOMP,
        _call("execveat", -1, b"\0", None, None, 0),
    ),
    Attempt(
        "start a program", "subprocess.run", SECCOMP, lambda g: subprocess.run(["true"], check=True)
    ),
    Attempt("trace a program", "ptrace()", SECCOMP, _call("ptrace", 1, -1, 0, 0)),
    Attempt("read a program's memory", "process_vm_readv()", SECCOMP, _memory("process_vm_readv")),
    Attempt(
        "write into a program's memory",
        "process_vm_writev()",
        SECCOMP,
        _memory("process_vm_writev"),
    ),
    Attempt("take a program's file", "pidfd_getfd()", SECCOMP, _call("pidfd_getfd", -1, 0, 0)),
    Attempt(
        "hold a program", "pidfd_open()", SECCOMP, lambda g: _call("pidfd_open", os.getpid(), 0)(g)
    ),
    # What is set of a program stays with it; tried on this one itself, where it changes nothing.
    *(
        Attempt(f"leave {what} on a program", f"{call}()", SECCOMP, _call(call, *arguments))
        for what, call, arguments in (
            ("settings of the scheduler", "sched_setattr", (0, None, 0)),
            ("a kind of scheduling", "sched_setscheduler", (0, -1, None)),
            ("a place in the schedule", "sched_setparam", (0, None)),
            ("a set of cores", "sched_setaffinity", (0, 0, None)),
            ("a priority", "setpriority", (-1, 0, 0)),
            ("a priority at the disk", "ioprio_set", (-1, 0, 0)),
            ("a place in memory", "move_pages", (0, 0, None, None, None, 0)),
            ("another place in memory", "migrate_pages", (0, 0, None, None)),
        )
    ),
    Attempt(
        "choose who shares a core with a program",
        "prctl(PR_SCHED_CORE)",
        SECCOMP,
        lambda g: syscalls.prctl(_SCHED_CORE, -1),
    ),
    Attempt("send a signal", "kill()", SECCOMP, _signal_parent),
    Attempt(
        "send a signal to a thread",
        "tgkill()",
        SECCOMP,
        lambda g: _call("tgkill", os.getppid() or 1, os.getppid() or 1, 0)(g),
    ),
    Attempt(
        "send a signal with a value",
        "rt_sigqueueinfo()",
        SECCOMP,
        lambda g: _call("rt_sigqueueinfo", os.getppid() or 1, 0, _FROM_A_QUEUE)(g),
    ),
    Attempt(
        "send a signal with a value to a thread",
        "rt_tgsigqueueinfo()",
        SECCOMP,
        lambda g: _call(
            "rt_tgsigqueueinfo", os.getppid() or 1, os.getppid() or 1, 0, _FROM_A_QUEUE
        )(g),
    ),
    Attempt(
        "send a signal by a handle",
        "pidfd_send_signal()",
        SECCOMP,
        _call("pidfd_send_signal", -1, signal.SIGCONT, None, 0),
    ),
    # The network, and programs on this machine that listen.
    *(
        Attempt(
            f"open a socket: {name}",
            f"socket({family}, {kind.name})",
            SECCOMP,
            _socket(_FAMILIES[family], kind),
        )
        for name, family, kind in (
            ("TCP", "AF_INET", socket.SOCK_STREAM),
            ("UDP", "AF_INET", socket.SOCK_DGRAM),
            ("TCP over IPv6", "AF_INET6", socket.SOCK_STREAM),
            ("UDP over IPv6", "AF_INET6", socket.SOCK_DGRAM),
            ("raw packets", "AF_INET", socket.SOCK_RAW),
            ("the network card", "AF_PACKET", socket.SOCK_RAW),
            ("the kernel", "AF_NETLINK", socket.SOCK_RAW),
            ("the host of a virtual machine", "AF_VSOCK", socket.SOCK_STREAM),
            ("the kernel's ciphers", "AF_ALG", socket.SOCK_SEQPACKET),
            ("Bluetooth", "AF_BLUETOOTH", socket.SOCK_SEQPACKET),
            ("a car's bus", "AF_CAN", socket.SOCK_RAW),
            ("a program here", "AF_UNIX", socket.SOCK_STREAM),
            ("a program here, by messages", "AF_UNIX", socket.SOCK_DGRAM),
        )
    ),
    Attempt(
        "open a pair of sockets", "socketpair(SOCK_STREAM)", SECCOMP, _pair(socket.SOCK_STREAM)
    ),
    Attempt(
        "open a pair for messages", "socketpair(SOCK_DGRAM)", SECCOMP, _pair(socket.SOCK_DGRAM)
    ),
    Attempt("connect", "connect()", SECCOMP, _call("connect", -1, _ADDRESS, 16)),
    Attempt("take an address", "bind()", SECCOMP, _call("bind", -1, _ADDRESS, 16)),
    Attempt("listen", "listen()", SECCOMP, _call("listen", -1, 1)),
    Attempt("let somebody in", "accept4()", SECCOMP, _call("accept4", -1, None, None, 0)),
    Attempt(
        "send to an address", "sendto()", SECCOMP, _call("sendto", -1, b"x", 1, 0, _ADDRESS, 16)
    ),
    # The libraries' own ways.
    Attempt("start a shell", "os.system", SECCOMP, _system, library=True),
    Attempt("write a picture", "cv2.imwrite", LANDLOCK, _imwrite, library=True),
    Attempt("write a film", "cv2.VideoWriter", LANDLOCK, _video, library=True),
    Attempt("write an array", "numpy.save", LANDLOCK, _numpy, library=True),
    Attempt("write an array plainly", "ndarray.tofile", LANDLOCK, _numpy_raw, library=True),
    Attempt("map an array to a file", "numpy.memmap", LANDLOCK, _numpy_map, library=True),
    Attempt("write a tensor", "torch.save", LANDLOCK, _torch, library=True),
    Attempt("share a tensor", "Tensor.share_memory_", SECCOMP, _torch_shared, library=True),
    Attempt("write tensors", "safetensors.save_file", LANDLOCK, _safetensors, library=True),
    Attempt("write a screen", "pygame.image.save", LANDLOCK, _pygame, library=True),
    Attempt("write a database", "sqlite3.connect", LANDLOCK, _sqlite, library=True),
    Attempt("write a temporary file", "tempfile.TemporaryFile", LANDLOCK, _temporary, library=True),
    Attempt("log to a file", "logging.FileHandler", LANDLOCK, _log_file, library=True),
    Attempt(
        "share memory", "multiprocessing.SharedMemory", LANDLOCK, _multiprocessing, library=True
    ),
    Attempt("fetch a page", "urllib.request", SECCOMP, _connected, library=True),
)

SHORT = tuple(attempt for attempt in ATTEMPTS if not attempt.library)
"""Those of the self-test at each start: everything that asks the kernel directly."""
