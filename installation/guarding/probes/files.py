"""Probes that change the contents or the properties of files, in every known way."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

from installation.guarding.layers import syscalls
from installation.guarding.probes.action import AT_FDCWD, NOWHERE, existing, system_call, undo
from installation.guarding.probes.probe import Action, Probe
from installation.guarding.status import LANDLOCK, SECCOMP

FS_IOC_SETFLAGS, EXT4_IOC_SETVERSION = 0x40086602, 0x40086604
FS_IOC_ENABLE_VERITY, BTRFS_IOC_SUBVOL_CREATE = 0x40806685, 0x5000940E
VIDIOC_LOG_STATUS, KDSETLED, VT_ACTIVATE = 0x5646, 0x4B32, 0x5606
FIOSETOWN, TIOCSWINSZ, TCSETS, RNDGETENTCNT = 0x8901, 0x5414, 0x5402, 0x80045200
F_SETFL, F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETPIPE_SZ = 4, 8, 10, 15, 1031
"""The numbers of ioctl and fcntl calls; from the kernel's include/uapi."""


def _open(path: Path, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC, 0o600))


def _opening(name: str, flags: int) -> Action:
    """Return an action that opens the file `name` in the scratch folder with `flags`."""
    return lambda scratch_dir: _open(scratch_dir / name, flags)


def _making(make: Callable[[Path], object]) -> Action:
    """Return an action that calls `make` with a new path and removes the result."""
    return lambda scratch_dir: _make_and_remove(scratch_dir / "new", make)


def _make_and_remove(path: Path, make: Callable[[Path], object]) -> None:
    make(path)
    path.unlink()


def _create(path: Path) -> None:
    _open(path, os.O_CREAT | os.O_WRONLY)


def _openat2(path: Path) -> None:
    how = struct.pack("=QQQ", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600, 0)
    os.close(syscalls.call("openat2", AT_FDCWD, os.fsencode(path) + b"\0", how, len(how)))


def _creat(path: Path) -> None:
    os.close(syscalls.call("creat", os.fsencode(path) + b"\0", 0o600))


def _truncate(scratch_dir: Path) -> None:
    file = scratch_dir / "file"
    os.truncate(file, file.stat().st_size)


def _open_unnamed(scratch_dir: Path) -> None:
    os.close(os.open(scratch_dir, os.O_TMPFILE | os.O_WRONLY))


def _reopen(scratch_dir: Path) -> None:
    with (scratch_dir / "file").open("rb") as file:
        _open(Path(f"/proc/self/fd/{file.fileno()}"), os.O_WRONLY)


def _map(scratch_dir: Path) -> None:
    import mmap

    with (scratch_dir / "file").open("r+b") as file, mmap.mmap(file.fileno(), 0):
        return


def _make_folder(scratch_dir: Path) -> None:
    (scratch_dir / "new").mkdir()
    (scratch_dir / "new").rmdir()


def _remove_folder(scratch_dir: Path) -> None:
    (scratch_dir / "folder").rmdir()
    (scratch_dir / "folder").mkdir()


def _remove_file(scratch_dir: Path) -> None:
    (scratch_dir / "file").unlink()
    (scratch_dir / "file").write_bytes(b"nothing\n")


def _renaming(new: str) -> Action:
    """Return an action that renames the file in the scratch folder to `new`, and back."""

    def action(scratch_dir: Path) -> None:
        (scratch_dir / "file").rename(scratch_dir / new)
        (scratch_dir / new).rename(scratch_dir / "file")

    return action


def _link(scratch_dir: Path) -> None:
    _make_and_remove(scratch_dir / "new", lambda new: os.link(scratch_dir / "file", new))


def _write_at_home(scratch_dir: Path) -> None:
    _make_and_remove(existing(Path.home()) / ".kiosk-new", _create)


def _write_shared_memory(scratch_dir: Path) -> None:
    _make_and_remove(existing(Path("/dev/shm")) / "kiosk-new", _create)


def _control_device(scratch_dir: Path) -> None:
    with open("/dev/urandom", "rb") as file:
        fcntl.ioctl(file, RNDGETENTCNT, b"\0\0\0\0")


def _on_open_file(step: Callable[[int], object]) -> Action:
    """Return an action that calls `step` with a descriptor that is open only for reading."""

    def action(scratch_dir: Path) -> None:
        with (scratch_dir / "file").open("rb") as file:
            step(file.fileno())

    return action


def _ioctl(number: int, size: int) -> Action:
    """Return an action that makes an ioctl on a file open for reading.

    The ioctl's argument is `size` bytes, all of them zero.
    """
    return _on_open_file(lambda file: fcntl.ioctl(file, number, bytes(size)))


def _fcntl(command: int, argument: int | bytes) -> Action:
    """Return an action that makes an fcntl on a file open for reading."""
    return _on_open_file(lambda file: fcntl.fcntl(file, command, argument))


def _make_volume(scratch_dir: Path) -> None:
    folder = os.open(scratch_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(folder, BTRFS_IOC_SUBVOL_CREATE, bytearray(4096))
    finally:
        os.close(folder)


def _set_attribute(scratch_dir: Path) -> None:
    os.setxattr(scratch_dir / "file", "user.kiosk", b"x")
    undo(lambda: os.removexattr(scratch_dir / "file", "user.kiosk"))


def _chmod(scratch_dir: Path) -> None:
    file = scratch_dir / "file"
    os.chmod(file, file.stat().st_mode & 0o777)


IN_SCRATCH_DIR: tuple[Probe, ...] = (
    Probe("create a file", "open(O_CREAT)", LANDLOCK, _making(_create)),
    Probe("create a file with openat2", "openat2(O_CREAT)", LANDLOCK, _making(_openat2)),
    Probe("create a file with creat", "creat()", LANDLOCK, _making(_creat)),
    Probe("write a file", "open(O_WRONLY)", LANDLOCK, _opening("file", os.O_WRONLY)),
    Probe("read and write a file", "open(O_RDWR)", LANDLOCK, _opening("file", os.O_RDWR)),
    Probe(
        "append to a file",
        "open(O_APPEND)",
        LANDLOCK,
        _opening("file", os.O_WRONLY | os.O_APPEND),
    ),
    Probe(
        "empty a file opened for reading",
        "open(O_TRUNC)",
        LANDLOCK,
        _opening("file", os.O_RDONLY | os.O_TRUNC),
    ),
    Probe("truncate a file", "truncate()", LANDLOCK, _truncate),
    Probe("create a file without a name", "open(O_TMPFILE)", LANDLOCK, _open_unnamed),
    Probe("reopen a read-only file for writing", "open() of /proc/self/fd", LANDLOCK, _reopen),
    Probe("map a file for writing", "open(O_RDWR) for mmap()", LANDLOCK, _map),
    Probe("make a folder", "mkdir()", LANDLOCK, _make_folder),
    Probe("remove a folder", "rmdir()", LANDLOCK, _remove_folder),
    Probe("remove a file", "unlink()", LANDLOCK, _remove_file),
    Probe("rename a file", "rename()", LANDLOCK, _renaming("new")),
    Probe("move a file to another folder", "rename()", LANDLOCK, _renaming("folder/file")),
    Probe("link a file", "link()", LANDLOCK, _link),
    Probe(
        "make a symbolic link",
        "symlink()",
        LANDLOCK,
        _making(lambda new: new.symlink_to("picture")),
    ),
    Probe("make a named pipe", "mkfifo()", LANDLOCK, _making(os.mkfifo)),
    Probe("make a file with mknod", "mknod(S_IFREG)", LANDLOCK, _making(os.mknod)),
    Probe(
        "write into a named pipe",
        "open() of a FIFO",
        LANDLOCK,
        _opening("pipe", os.O_RDWR | os.O_NONBLOCK),
    ),
)
"""The probes that change only the scratch folder."""

TRUNCATING = ("truncate a file", "empty a file opened for reading")
"""The probes that Landlock refuses only from the version `landlock.TRUNCATE_ABI` on. If the
kernel's Landlock is older, the filter of stage two refuses them.
"""

_ELSEWHERE = (
    Probe("write into the home folder", "open(O_CREAT) there", LANDLOCK, _write_at_home),
    Probe("write into shared memory", "open(O_CREAT) in /dev/shm", LANDLOCK, _write_shared_memory),
    Probe(
        "write to a device that is not allowed",
        "open() of /dev/full",
        LANDLOCK,
        lambda _: _open(existing(Path("/dev/full")), os.O_WRONLY),
    ),
    Probe(
        "control a device that is not allowed",
        "ioctl() on /dev/urandom",
        LANDLOCK,
        _control_device,
    ),
    Probe(
        "open a new terminal",
        "open() of /dev/ptmx",
        LANDLOCK,
        lambda _: _open(existing(Path("/dev/ptmx")), os.O_RDWR | os.O_NOCTTY),
    ),
    Probe(
        "change a kernel setting of this process",
        "open() of /proc/self/oom_score_adj",
        LANDLOCK,
        lambda _: _open(Path("/proc/self/oom_score_adj"), os.O_WRONLY),
    ),
)

_BESIDE_THE_CONTENT = (
    Probe("add an attribute to a file", "setxattr()", SECCOMP, _set_attribute),
    Probe("change a file's permissions", "chmod()", SECCOMP, _chmod),
    Probe(
        "change an open file's permissions",
        "fchmod()",
        SECCOMP,
        _on_open_file(lambda file: os.fchmod(file, 0o600)),
    ),
    Probe(
        "change a file's owner",
        "chown()",
        SECCOMP,
        lambda scratch_dir: os.chown(scratch_dir / "file", -1, -1),
    ),
    Probe(
        "change an open file's owner",
        "fchown()",
        SECCOMP,
        _on_open_file(lambda file: os.fchown(file, -1, -1)),
    ),
    Probe(
        "change a file's times",
        "utimensat()",
        SECCOMP,
        lambda scratch_dir: os.utime(scratch_dir / "file"),
    ),
    Probe("change an open file's times", "futimens()", SECCOMP, _on_open_file(os.utime)),
    Probe(
        "set the on-disk flags of an open file",
        "ioctl(FS_IOC_SETFLAGS)",
        SECCOMP,
        _ioctl(FS_IOC_SETFLAGS, 8),
    ),
    Probe(
        "set an open file's version number",
        "ioctl(EXT4_IOC_SETVERSION)",
        SECCOMP,
        _ioctl(EXT4_IOC_SETVERSION, 8),
    ),
    Probe(
        "turn on fs-verity for an open file",
        "ioctl(FS_IOC_ENABLE_VERITY)",
        SECCOMP,
        _ioctl(FS_IOC_ENABLE_VERITY, 128),
    ),
    Probe("make a volume in a folder", "ioctl(BTRFS_IOC_SUBVOL_CREATE)", SECCOMP, _make_volume),
    Probe(
        "set a file's flags with file_setattr",
        "file_setattr()",
        SECCOMP,
        system_call("file_setattr", AT_FDCWD, NOWHERE, None, 0, 0),
    ),
    Probe(
        "lock a part of a file",
        "fcntl(F_SETLK)",
        SECCOMP,
        _on_open_file(lambda file: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    ),
    Probe(
        "lock a file",
        "flock()",
        SECCOMP,
        _on_open_file(lambda file: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    ),
    Probe("set the size of a pipe", "fcntl(F_SETPIPE_SZ)", SECCOMP, _fcntl(F_SETPIPE_SZ, 4096)),
    Probe(
        "choose the process that gets a file's signals",
        "fcntl(F_SETOWN)",
        SECCOMP,
        _fcntl(F_SETOWN, 0),
    ),
    Probe(
        "choose the thread that gets a file's signals",
        "fcntl(F_SETOWN_EX)",
        SECCOMP,
        _fcntl(F_SETOWN_EX, bytes(8)),
    ),
    Probe("choose the signal that a file sends", "fcntl(F_SETSIG)", SECCOMP, _fcntl(F_SETSIG, 0)),
    Probe(
        "choose the process that gets a socket's signals",
        "ioctl(FIOSETOWN)",
        SECCOMP,
        _ioctl(FIOSETOWN, 4),
    ),
    Probe("set the flags of an open descriptor", "fcntl(F_SETFL)", SECCOMP, _fcntl(F_SETFL, 0)),
    Probe(
        "write a camera's settings into the kernel's log",
        "ioctl(VIDIOC_LOG_STATUS)",
        SECCOMP,
        _ioctl(VIDIOC_LOG_STATUS, 0),
    ),
    Probe("set the lights of a keyboard", "ioctl(KDSETLED)", SECCOMP, _ioctl(KDSETLED, 0)),
    Probe("switch to another console", "ioctl(VT_ACTIVATE)", SECCOMP, _ioctl(VT_ACTIVATE, 0)),
    Probe("set the size of a terminal", "ioctl(TIOCSWINSZ)", SECCOMP, _ioctl(TIOCSWINSZ, 8)),
    Probe("change the settings of a terminal", "ioctl(TCSETS)", SECCOMP, _ioctl(TCSETS, 60)),
)

PROBES: tuple[Probe, ...] = (*IN_SCRATCH_DIR, *_ELSEWHERE, *_BESIDE_THE_CONTENT)
