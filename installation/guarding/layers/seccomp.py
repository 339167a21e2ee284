"""Seccomp: filters of system calls, one for each stage.

Stage one is for the start-up, which opens windows and devices; stage two leaves what a running show
needs. The filters list the calls that are refused. The alternative, a list of allowed calls, fails
on machines that we do not know: graphics drivers and neural networks make calls that nobody could
list for all of them. System calls newer than our list are all refused.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from installation.guarding.layers import syscalls

REFUSED_ERRNO = errno.ECANCELED
"""The error number with which the filters refuse; the kernel never returns it for these calls.

EPERM would not show what refused the call: the kernel itself returns EPERM to ordinary users.
"""


@dataclass(frozen=True)
class Refusal:
    """A rule: refuse `call`, or, with an `argument` (0–5), only if that argument passes the `test`.

    `is` and `is not` compare the argument with `value`. `has` means that a bit of `value` is set,
    `lacks` that none is, `given` that the argument is not zero, and `family` that its second byte
    is `value` and that it is not one of `spared`.
    """

    call: str
    argument: int | None = None
    test: Literal["is", "is not", "has", "lacks", "given", "family"] = "is"
    value: int = 0
    spared: tuple[int, ...] = ()
    error: int = REFUSED_ERRNO


_CLONE_PARENT = 0x8000
_CLONE_THREAD = 0x10000
_SET_DUMPABLE = 4
_SET_TRACER = 0x59616D61
_SCHED_CORE = 62

_IN_STAGE_ONE = (
    # Other programs: their memory, their descriptors, their namespaces.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"),
    *("pidfd_getfd", "pidfd_send_signal", "unshare", "setns"),
    # Ways into the kernel past Landlock or past these filters.
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "bpf", "userfaultfd"),
    *("perf_event_open", "open_by_handle_at", "fanotify_init"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    # What stores bytes without a file.
    *("add_key", "request_key", "keyctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_notify"),
    *("msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semtimedop", "semctl"),
    # SDL would share the whole screen with the X server in such memory, which every user of the
    # machine may read (0777). If it is refused, SDL sends the picture through its socket.
    *("shmget", "shmat", "shmctl"),
    *("setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "sethostname", "setdomainname"),
    *("file_setattr", "lsm_set_self_attr"),
    # The file system and the machine as a whole.
    *("mount", "umount2", "mount_setattr", "move_mount", "open_tree", "open_tree_attr"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot", "quotactl"),
    *("quotactl_fd", "acct", "swapon", "swapoff", "reboot", "iopl", "ioperm"),
)

_FILE_FAMILIES = {
    0x83: "ZFS",
    0x94: "Btrfs, and calls that others took from it: copies of files, volumes, labels",
    0x97: "Ceph",
    0xBC: "bcachefs",
    0xCF: "SMB",
    0xF5: "F2FS",
    ord("X"): "XFS: flags of files and projects",
    ord("f"): "ext4: flags and versions of files, fs-verity, keys of folders",
    ord("o"): "OCFS2",
    ord("r"): "FAT",
    ord("v"): "versions of files",
}
"""The families of ioctls that store bytes on a disk through a file that is open only for reading.

Landlock does not cover them. The family is the second byte of an ioctl's number; cameras (V), GPUs
(d, F, 0) and terminals (T) have others. From the kernel's include/uapi/linux/fs.h, btrfs.h,
fscrypt.h, fsverity.h, msdos_fs.h and f2fs.h, and from the headers of the file systems.
"""

_TERMINAL_CALLS = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
"""The ioctls that type into a terminal."""

STAGE_ONE: tuple[Refusal, ...] = (
    *(Refusal(name) for name in _IN_STAGE_ONE),
    *(Refusal("ioctl", 1, "family", family) for family in _FILE_FAMILIES),
    *(Refusal("ioctl", 1, "is", value) for value in _TERMINAL_CALLS.values()),
    Refusal("socket", 0, "is not", socket.AF_UNIX),
    # A process that is not this one's child could not be found. The arguments of clone3 lie in
    # memory, which no filter can read; without clone3 the C library falls back to clone.
    Refusal("clone", 0, "has", _CLONE_PARENT),
    Refusal("clone3", error=errno.ENOSYS),
)
"""The calls that are refused from stage one on. During the start-up only Unix sockets can be
opened, because the display needs them.
"""

_IN_STAGE_TWO = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("execve", "execveat", "fork", "vfork", "memfd_create", "memfd_secret"),
    *("tkill", "setrlimit", "pidfd_open", "capset", "flock"),
    # How other programs of this user run: it stays set, and every program can read it.
    *("sched_setattr", "sched_setscheduler", "sched_setparam", "sched_setaffinity"),
    *("setpriority", "ioprio_set", "move_pages", "migrate_pages"),
    # The memory node of a file in memory stays set, even if it was opened only for reading.
    "mbind",
)

_MARKS = {
    "F_SETLK": 6,
    "F_SETLKW": 7,
    "F_SETOWN": 8,
    "F_SETSIG": 10,
    "F_SETOWN_EX": 15,
    "F_OFD_SETLK": 37,
    "F_OFD_SETLKW": 38,
    "F_SETLEASE": 1024,
    "F_NOTIFY": 1026,
    "F_SETPIPE_SZ": 1031,
    "F_SET_RW_HINT": 1036,
    "F_SET_FILE_RW_HINT": 1038,
    "F_SETDELEG": 1040,
}
"""The fcntl commands that change a property of an open file which other programs can read.

The kernel lists 16 bytes of each lock in /proc/locks. From include/uapi/asm-generic/fcntl.h and
include/uapi/linux/fcntl.h.
"""

_OWNER_CALLS = {"FIOSETOWN": 0x8901, "SIOCSPGRP": 0x8902}
"""The ioctls that do for a socket what F_SETOWN does for a file. From
include/uapi/asm-generic/sockios.h.
"""

_READING_TERMINAL_CALLS = {
    "TCGETS": 0x5401,
    "TIOCGPGRP": 0x540F,
    "TIOCOUTQ": 0x5411,
    "TIOCGWINSZ": 0x5413,
    "FIONREAD": 0x541B,
    "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450,
    "FIOCLEX": 0x5451,
    "TCGETS2": 0x802C542A,
}
"""The ioctls of the terminals' family that only read, or that apply to all files. The others change
settings that the next program on the terminal can read. From include/uapi/asm-generic/ioctls.h.
"""


def stage_two() -> tuple[Refusal, ...]:
    """Return the calls that are refused from stage two on; signals may go to this process only."""
    return (
        *(Refusal(name) for name in _IN_STAGE_TWO),
        # Threads are allowed, processes are not.
        Refusal("clone", 0, "lacks", _CLONE_THREAD),
        Refusal("sendto", 4, "given"),
        Refusal("prlimit64", 2, "given"),
        Refusal("prctl", 0, "is", _SET_DUMPABLE),
        Refusal("prctl", 0, "is", _SET_TRACER),
        # Which programs may share a core.
        Refusal("prctl", 0, "is", _SCHED_CORE),
        *(Refusal("fcntl", 1, "is", command) for command in _MARKS.values()),
        *(Refusal("ioctl", 1, "is", value) for value in _OWNER_CALLS.values()),
        Refusal("ioctl", 1, "family", ord("T"), tuple(_READING_TERMINAL_CALLS.values())),
        *(
            Refusal(name, 0, "is not", os.getpid())
            for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
        ),
    )


def install(refusals: Iterable[Refusal], *, all_threads: bool) -> None:
    """Refuse the calls of `refusals` in this thread and the threads it starts, or in all threads.

    Raises OSError if the kernel has no seccomp or a thread cannot be put under the filter, and
    NotImplementedError on a machine that is neither x86-64 nor aarch64.
    """
    if syscalls.MACHINE is None:
        raise NotImplementedError("this machine is neither x86-64 nor aarch64")
    code = program(refusals, syscalls.MACHINE)
    instructions = b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    filter_ = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    set_filter, with_all_threads = 1, 1
    unfiltered = syscalls.call(
        "seccomp", set_filter, with_all_threads if all_threads else 0, filter_
    )
    if unfiltered:
        raise OSError(errno.ESRCH, f"thread {unfiltered} cannot be put under the filter", "seccomp")


def all_threads_filtered() -> bool:
    """Return whether every thread of this process is under the filters of both stages.

    The kernel reports the number of filters of a thread. systemd or a container may have added
    filters to our two; then every thread must have as many as the calling thread.
    """
    own = _filter_count(str(threading.get_native_id()))
    counts = [_filter_count(thread) for thread in os.listdir("/proc/self/task")]
    return own is not None and own >= 2 and all(count in (own, None) for count in counts)


def _filter_count(thread: str) -> int | None:
    """Return the number of filters on `thread`; None if the thread has ended."""
    try:
        with open(f"/proc/self/task/{thread}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields.get("Seccomp_filters", "0"))


Instruction = tuple[int, int, int, int]
_INSTRUCTION = struct.Struct("=HBBI")

# Of classic BPF and of seccomp; from include/uapi/linux/bpf_common.h, seccomp.h and audit.h.
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ARCHITECTURES = (0xC000003E, 0xC00000B7)


def program(refusals: Iterable[Refusal], machine: int) -> list[Instruction]:
    """Return the filter as classic BPF instructions: (code, jump if true, jump if false, value)."""
    code: list[Instruction] = [
        # Calls of another architecture have other numbers, so they kill the process.
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        # Newer calls, and x86-64's second set of numbers (x32), which begins far above.
        (_GREATER, 0, 1, syscalls.LAST_KNOWN),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
    ]
    for refusal in refusals:
        number = syscalls.NUMBERS[refusal.call][machine]
        if number is not None:
            block = _block(refusal)
            code += [(_LOAD, 0, 0, _NUMBER_AT), (_EQUAL, 0, len(block), number), *block]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _block(refusal: Refusal) -> Sequence[Instruction]:
    """Return the instructions that refuse a recognised call, or fall through if it is allowed."""
    refuse = (_RETURN, 0, 0, _REFUSE | refusal.error)
    if refusal.argument is None:
        return [refuse]
    low = _ARGUMENTS_AT + 8 * refusal.argument  # both machines are little-endian
    load = (_LOAD, 0, 0, low)
    if refusal.test == "is":
        return [load, (_EQUAL, 0, 1, refusal.value), refuse]
    if refusal.test == "is not":
        return [load, (_EQUAL, 1, 0, refusal.value), refuse]
    if refusal.test == "has":
        return [load, (_ANY_BIT, 0, 1, refusal.value), refuse]
    if refusal.test == "lacks":
        return [load, (_ANY_BIT, 1, 0, refusal.value), refuse]
    if refusal.test == "family":
        family = [(_AND, 0, 0, 0xFF00), (_EQUAL, 0, 1, refusal.value << 8), refuse]
        jumps = range(len(refusal.spared) + len(family) - 1, 0, -1)
        spare = [
            (_EQUAL, jump, 0, number) for jump, number in zip(jumps, refusal.spared, strict=False)
        ]
        return [load, *spare, *family]
    # `given`: an address is compared in two halves.
    return [load, (_EQUAL, 0, 2, 0), (_LOAD, 0, 0, low + 4), (_EQUAL, 1, 0, 0), refuse]
