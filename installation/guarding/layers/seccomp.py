"""Seccomp: the filters of system calls, one for each stage.

The filters of stage one and of the middle stage list the calls that they refuse, because nobody
knows all calls with which the start-up opens windows and devices on other machines. The filter of
stage two lists the calls that a running show may make (`show_calls`), and refuses all others.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping

from installation.guarding.layers import syscalls
from installation.guarding.layers.bpf import (
    Filter,
    family,
    has,
    lacks,
    none_of,
    one_of,
    program,
    refuse,
)
from installation.guarding.layers.limits import MARK
from installation.guarding.layers.show_calls import conditional, show_calls

_INSTRUCTION = struct.Struct("=HBBI")

_CLONE_FILES = 0x400
_CLONE_PARENT = 0x8000
_CLONE_THREAD = 0x10000

_CLOSE_RANGE_UNSHARE = 2

_SET_DUMPABLE, _SET_NAME, _SET_SECCOMP, _SET_MM, _SET_CHILD_SUBREAPER = 4, 15, 22, 35, 36
_SET_TRACER, _SCHED_CORE = 0x59616D61, 62
"""Options of prctl that are refused; from include/uapi/linux/prctl.h."""

_WAKE_OP, _FUTEX_OPERATION = 5, 0x7F
"""The futex operation that writes the thread's name and a chosen number into the kernel's log,
and the mask for the operation in the call's argument.
"""

FILTERS = 3
"""The number of filters of a running show: one each of stage one, middle stage and stage two."""

_IN_STAGE_ONE = (
    # Other programs: their memory, their descriptors, their namespaces.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"),
    *("pidfd_getfd", "pidfd_send_signal", "unshare", "setns"),
    # Calls that set up another sandbox inside this one; it could not improve anything.
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
    # Puts pages of this program into a pipe, whose reader sees what is written into them later.
    "vmsplice",
    # Calls that bypass Landlock or these filters.
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "bpf", "userfaultfd"),
    *("perf_event_open", "open_by_handle_at", "fanotify_init"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    # Calls that store bytes without a file.
    *("add_key", "request_key", "keyctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_notify"),
    *("msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semtimedop", "semctl"),
    # SDL would share the picture of the whole screen with the X server in System V's shared memory,
    # which every user of the machine may read (0777). If that is refused, SDL sends the picture
    # through its socket.
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
    0x94: "Btrfs, and file systems with the same calls: copying files, making volumes and labels",
    0x97: "Ceph",
    0xBC: "bcachefs",
    0xCF: "SMB",
    0xF5: "F2FS",
    ord("X"): "XFS: setting flags and project ids of files",
    ord("f"): "ext4: setting flags and versions of files, enabling fs-verity, adding keys",
    ord("o"): "OCFS2",
    ord("r"): "FAT",
    ord("v"): "versions of files",
}
"""The families of ioctls that store bytes on a disk through a file that is open only for reading.

Landlock does not cover them. The family is the second byte of an ioctl's number; cameras (V), GPUs
(d, F, 0) and terminals (T) have other families. From the kernel's include/uapi/linux/fs.h, btrfs.h,
fscrypt.h, fsverity.h, msdos_fs.h and f2fs.h, and from the headers of the file systems.
"""

_TERMINAL_CALLS = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
"""The ioctls that put text into a terminal as if a person had typed it."""

STAGE_ONE = Filter(
    (
        *(refuse(name) for name in _IN_STAGE_ONE),
        *(refuse("ioctl", family(1, byte)) for byte in _FILE_FAMILIES),
        *(refuse("ioctl", one_of(1, value)) for value in _TERMINAL_CALLS.values()),
        refuse("socket", none_of(0, socket.AF_UNIX)),
        # With CLONE_PARENT, a new process would be a sibling of this one, and the search for leaks
        # would not find it among the children. The arguments of clone3 are in memory, which no
        # filter can read; without clone3 the C library uses clone.
        refuse("clone", has(0, _CLONE_PARENT)),
        refuse("clone3", error=errno.ENOSYS),
        # A thread with descriptors of its own could keep a socket that the search for leaks does
        # not list.
        refuse("clone", has(0, _CLONE_THREAD), lacks(0, _CLONE_FILES)),
        refuse("close_range", has(2, _CLOSE_RANGE_UNSHARE)),
        # Otherwise this process could stop adopting orphans as its children.
        refuse("prctl", one_of(0, _SET_CHILD_SUBREAPER)),
        # By its mark the witness recognises a process that a show has left behind.
        refuse("setrlimit", one_of(0, MARK)),
        refuse("prlimit64", one_of(1, MARK)),
        refuse("futex", one_of(1, _WAKE_OP, mask=_FUTEX_OPERATION)),
        # Every user can read the names of threads, and the kernel writes them into its log.
        # Libraries name their threads, so the call seems to succeed.
        refuse("prctl", one_of(0, _SET_NAME), error=0),
    )
)
"""The calls that are refused from stage one on. During the start-up only Unix sockets can be
opened, because the display needs them.
"""

_IN_MIDDLE_STAGE = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("execve", "execveat", "fork", "vfork", "memfd_create", "memfd_secret"),
)

MIDDLE_STAGE = Filter(
    (
        *(refuse(name) for name in _IN_MIDDLE_STAGE),
        # Threads are allowed, processes are not.
        refuse("clone", lacks(0, _CLONE_THREAD)),
        # These options set the addresses of this program's arguments, which every user can read,
        # and decide who may read its memory or trace it.
        refuse("prctl", one_of(0, _SET_MM, _SET_DUMPABLE, _SET_TRACER)),
    )
)
"""The calls that are refused as soon as window and fonts are open. Torch, label sets and networks
are loaded later, so code in them cannot contact or start another program.
"""

_IN_STAGE_TWO = (
    *("kill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pipe", "pipe2"),
    *("tkill", "setrlimit", "pidfd_open", "capset", "flock", "seccomp", "umask", "close_range"),
    # Settings of how programs of this user run: they persist, and every program can read them.
    *("sched_setattr", "sched_setscheduler", "sched_setparam", "sched_setaffinity"),
    *("setpriority", "ioprio_set", "move_pages", "migrate_pages"),
    # mbind sets the memory node of a file in memory, even of one that was opened only for reading;
    # the setting persists.
    "mbind",
    # Calls that change files. Landlock refuses them too.
    *("creat", "truncate", "ftruncate", "mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "unlink"),
    *("unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    "openat2",
    # Calls that the kernel logs, with the name of the program.
    *("remap_file_pages", "setsockopt"),
)
"""The calls that stage two refuses because a show does not need them; `pipe2` is allowed for a
graphics card. They fail with an error number that the kernel never returns for them. By this
number, the self-test knows that the filter has refused a call.
"""


def stage_two(*, writes_devices: bool = True) -> Filter:
    """Return the filter of stage two; signals may go to this process only.

    `writes_devices` has the same meaning as for `show_calls`. Calls without a row in `show_calls`
    fail. If the self-test tries such a call, the call fails with `REFUSED_ERRNO`, by which the
    self-test recognises the filter. All others fail as if this kernel did not have them, so that
    libraries use other calls instead.
    """
    rows = show_calls(
        writes_devices=writes_devices,
        has_gpu=os.path.exists("/dev/dri"),
        has_nvidia=os.path.exists("/dev/nvidiactl"),
        on_console=sets_the_screen(os.environ, _open_files()),
    )
    tried = {*_IN_STAGE_ONE, *_IN_MIDDLE_STAGE, *_IN_STAGE_TWO, *conditional(rows), "prctl"}
    return Filter(
        (
            *rows,
            refuse("prctl", one_of(0, _SET_NAME), error=0),
            *(refuse(call) for call in sorted(tried)),
        ),
        otherwise=errno.ENOSYS,
    )


def sets_the_screen(environment: Mapping[str, str], open_files: Iterable[str]) -> bool:
    """Return whether this process drives the screen itself, through SDL's driver `kmsdrm`.

    This is so if SDL_VIDEODRIVER in the `environment` is `kmsdrm` and a graphics card is among the
    paths `open_files`. The window writes the name of its driver into SDL_VIDEODRIVER. A show
    without a window may have this variable too, but has no graphics card open.
    """
    has_card = any(re.fullmatch(r"/dev/dri/card\d+", file) for file in open_files)
    return has_card and environment.get("SDL_VIDEODRIVER", "").lower() == "kmsdrm"


def _open_files() -> Iterator[str]:
    """Yield the path of each open file of this process."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # It was the descriptor of the listing.
            yield os.readlink(f"/proc/self/fd/{name}")


def install(filter_: Filter, *, all_threads: bool) -> None:
    """Apply `filter_` to this thread, or to all threads of this process.

    A new thread or process inherits the filters of the thread that starts it.
    Raises OSError if the kernel has no seccomp or a thread cannot be put under the filter, and
    NotImplementedError on a machine that is neither x86-64 nor aarch64.
    """
    if syscalls.MACHINE is None:
        raise NotImplementedError("this machine is neither x86-64 nor aarch64")
    code = program(filter_, syscalls.MACHINE)
    instructions = b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    code_ = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    set_filter, with_all_threads = 1, 1
    unfiltered = syscalls.call("seccomp", set_filter, with_all_threads if all_threads else 0, code_)
    if unfiltered:
        raise OSError(errno.ESRCH, f"thread {unfiltered} cannot be put under the filter", "seccomp")


def all_threads_filtered() -> bool:
    """Return whether every thread of this process is under the filters of all stages.

    The kernel reports only the number of filters of a thread. systemd or a container may have added
    filters. So the calling thread must have at least `FILTERS`, and every thread must have as many
    as the calling thread.
    """
    own = _filter_count(str(threading.get_native_id()))
    counts = [_filter_count(thread) for thread in os.listdir("/proc/self/task")]
    return own is not None and own >= FILTERS and all(count in (own, None) for count in counts)


def _filter_count(thread: str) -> int | None:
    """Return the number of filters on `thread`; None if the thread has ended."""
    try:
        with open(f"/proc/self/task/{thread}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields.get("Seccomp_filters", "0"))
