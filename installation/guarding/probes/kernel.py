"""Probes that store data in the kernel, and probes that bypass the sandbox or remove it."""

from __future__ import annotations

import fcntl
import os
import resource
import struct
from pathlib import Path

from installation.guarding.layers import syscalls
from installation.guarding.probes.action import AT_FDCWD, NOWHERE, system_call, undo
from installation.guarding.probes.probe import Action, IgnoredError, Probe
from installation.guarding.status import SECCOMP

TIOCSTI = 0x5412
PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_SECCOMP, PR_SET_MM, PR_SET_MM_MAP = 4, 15, 22, 35, 14
FUTEX_WAKE, FUTEX_WAKE_OP = 1, 5
CLOSE_RANGE_UNSHARE = 2
MADV_MERGEABLE, MADV_PAGEOUT = 12, 21
PROT_NONE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE, MAP_HUGETLB = 0, 2, 32, 0x4000, 0x40000
IPC_RMID, IPC_SET, SETVAL = 0, 1, 16
KEYCTL_GET_KEYRING_ID, KEYCTL_REVOKE = 0, 3
PROCESS_KEYRING, SESSION_KEYRING = 2**64 - 2, 2**64 - 3
"""The ids of keyrings, from the kernel's include/uapi."""

NO_ID = 2**31 - 1
"""An id that no message queue, semaphore set or shared memory has."""


def _type_into_terminal(scratch_dir: Path) -> None:
    with (scratch_dir / "file").open("rb") as file:
        fcntl.ioctl(file.fileno(), TIOCSTI, b"x")


def _shared_memory(scratch_dir: Path) -> None:
    segment = syscalls.call("shmget", 0, 4096, 0o1600)
    undo(lambda: syscalls.call("shmctl", segment, IPC_RMID, None))


def _message_queue(scratch_dir: Path) -> None:
    queue = syscalls.call("msgget", 0, 0o1600)
    undo(lambda: syscalls.call("msgctl", queue, IPC_RMID, None))


def _semaphores(scratch_dir: Path) -> None:
    semaphores = syscalls.call("semget", 0, 1, 0o1600)
    undo(lambda: syscalls.call("semctl", semaphores, 0, IPC_RMID, None))


def _posix_queue(scratch_dir: Path) -> None:
    os.close(syscalls.call("mq_open", b"kiosk\0", os.O_CREAT | os.O_RDWR, 0o600, None))
    undo(lambda: syscalls.call("mq_unlink", b"kiosk\0"))


def _add_key(scratch_dir: Path) -> None:
    key = syscalls.call("add_key", b"user\0", b"kiosk\0", b"x", 1, PROCESS_KEYRING)
    undo(lambda: syscalls.call("keyctl", KEYCTL_REVOKE, key))


def _asynchronous_io(scratch_dir: Path) -> None:
    import ctypes

    context = ctypes.create_string_buffer(8)
    syscalls.call("io_setup", 1, context)
    syscalls.call("io_destroy", *struct.unpack("=Q", context.raw))


def _raise_limit(which: int) -> Action:
    """Return an action that sets a limit to its current value, so its success changes nothing."""

    def action(scratch_dir: Path) -> None:
        syscalls.call("prlimit64", 0, which, struct.pack("=qq", *resource.getrlimit(which)), None)

    return action


def _more_than_all_memory() -> int:
    """Return a number of bytes that is larger than the memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") + resource.getpagesize()


def _map_too_much(scratch_dir: Path) -> None:
    size, flags = _more_than_all_memory(), MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    address = syscalls.call("mmap", 0, size, PROT_NONE, flags, -1, 0)
    undo(lambda: syscalls.call("munmap", address, size))


def _protect_too_much(scratch_dir: Path) -> None:
    syscalls.call("mprotect", 0, _more_than_all_memory(), PROT_NONE)


def _remap_too_much(scratch_dir: Path) -> None:
    syscalls.call("mremap", 0, 0, _more_than_all_memory(), 0, 0)


def _name_thread(scratch_dir: Path) -> None:
    own = Path("/proc/thread-self/comm")
    before = own.read_bytes()
    syscalls.prctl(PR_SET_NAME, *_address_of(b"kiosk-probe\0"))
    if own.read_bytes() == before:
        raise IgnoredError
    undo(lambda: syscalls.prctl(PR_SET_NAME, *_address_of(before.strip() + b"\0")))


def _address_of(text: bytes) -> tuple[int]:
    import ctypes

    buffer = ctypes.create_string_buffer(text, len(text))
    _kept.append(buffer)
    return (ctypes.addressof(buffer),)


_kept: list[object] = []
"""The buffers whose addresses were given to the kernel, stored so that they are not freed."""


def _set_umask(scratch_dir: Path) -> None:
    syscalls.call("umask", syscalls.call("umask", 0o077))


_KERNEL_LOG = (
    Probe(
        "write a thread's name into the kernel's log",
        "futex(FUTEX_WAKE_OP)",
        SECCOMP,
        system_call("futex", None, FUTEX_WAKE_OP, 0, 0, None, 0),
    ),
    Probe("map more memory than the machine has", "mmap()", SECCOMP, _map_too_much),
    Probe(
        "set access rights for more memory than the machine has",
        "mprotect()",
        SECCOMP,
        _protect_too_much,
    ),
    Probe(
        "enlarge a block of memory beyond what the machine has",
        "mremap()",
        SECCOMP,
        _remap_too_much,
    ),
    Probe(
        "map huge pages",
        "mmap(MAP_HUGETLB)",
        SECCOMP,
        system_call("mmap", 0, 0, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0),
    ),
    Probe(
        "change the order of a file's mapped pages",
        "remap_file_pages()",
        SECCOMP,
        system_call("remap_file_pages", 0, 0, 0, 0, 0),
    ),
    Probe(
        "add a seccomp filter that logs",
        "seccomp()",
        SECCOMP,
        system_call("seccomp", 1, 0, None),
    ),
    Probe(
        "add a seccomp filter that logs, with prctl",
        "prctl(PR_SET_SECCOMP)",
        SECCOMP,
        lambda _: syscalls.prctl(PR_SET_SECCOMP, 2),
    ),
    Probe(
        "make a Landlock ruleset that logs",
        "landlock_create_ruleset()",
        SECCOMP,
        system_call("landlock_create_ruleset", None, 0, 0),
    ),
)
"""The probes that make the kernel write into its log, with a thread's name or a chosen number."""

_SIGNS = (
    Probe("name a thread", "prctl(PR_SET_NAME)", SECCOMP, _name_thread),
    Probe(
        "change the arguments that other programs see",
        "prctl(PR_SET_MM)",
        SECCOMP,
        lambda _: syscalls.prctl(PR_SET_MM, PR_SET_MM_MAP),
    ),
    Probe("set the permission mask of new files", "umask()", SECCOMP, _set_umask),
    Probe(
        "share identical pages with other programs",
        "madvise(MADV_MERGEABLE)",
        SECCOMP,
        system_call("madvise", 0, 0, MADV_MERGEABLE),
    ),
    Probe(
        "write memory to swap",
        "madvise(MADV_PAGEOUT)",
        SECCOMP,
        system_call("madvise", 0, 0, MADV_PAGEOUT),
    ),
)
"""The probes that change what other programs can observe of this program, and a probe that writes
this program's memory to swap.
"""

_SIGNALS_THROUGH_FILES = (
    Probe(
        "wake a thread of another program",
        "futex(FUTEX_WAKE)",
        SECCOMP,
        system_call("futex", None, FUTEX_WAKE, 0, None, None, 0),
    ),
    Probe("put memory into a pipe", "vmsplice()", SECCOMP, system_call("vmsplice", -1, None, 0, 0)),
    Probe(
        "have descriptors that other threads do not have",
        "close_range(CLOSE_RANGE_UNSHARE)",
        SECCOMP,
        system_call("close_range", 2**31, 2**31, CLOSE_RANGE_UNSHARE),
    ),
)
"""The probes that share something with another program. The list of this process's descriptors does
not show this.
"""

_MARKS = (
    Probe(
        "set the NUMA node of a file's memory pages",
        "mbind()",
        SECCOMP,
        system_call("mbind", None, 0, 0, None, 0, 0),
    ),
    Probe("type into a terminal", "ioctl(TIOCSTI)", SECCOMP, _type_into_terminal),
    Probe("rename the machine", "sethostname()", SECCOMP, system_call("sethostname", None, 2**31)),
)

_SHARED_MEMORY = (
    Probe(
        "make a file in memory", "memfd_create()", SECCOMP, system_call("memfd_create", b"k\0", 1)
    ),
    Probe("make secret memory", "memfd_secret()", SECCOMP, system_call("memfd_secret", 0)),
    Probe("make shared memory", "shmget()", SECCOMP, _shared_memory),
    Probe("attach shared memory", "shmat()", SECCOMP, system_call("shmat", NO_ID, None, 0)),
    Probe("change shared memory", "shmctl()", SECCOMP, system_call("shmctl", NO_ID, IPC_SET, None)),
    Probe("make a message queue", "msgget()", SECCOMP, _message_queue),
    Probe(
        "send to a message queue",
        "msgsnd()",
        SECCOMP,
        system_call("msgsnd", NO_ID, struct.pack("@l8s", 1, b"picture"), 8, 0),
    ),
    Probe(
        "change a message queue", "msgctl()", SECCOMP, system_call("msgctl", NO_ID, IPC_SET, None)
    ),
    Probe("make semaphores", "semget()", SECCOMP, _semaphores),
    Probe("set a semaphore", "semctl()", SECCOMP, system_call("semctl", NO_ID, 0, SETVAL, 1)),
    Probe(
        "raise a semaphore",
        "semop()",
        SECCOMP,
        system_call("semop", NO_ID, struct.pack("=Hhh", 0, 1, 0), 1),
    ),
    Probe("open a POSIX message queue", "mq_open()", SECCOMP, _posix_queue),
    Probe("store bytes as a key", "add_key()", SECCOMP, _add_key),
    Probe(
        "find a keyring",
        "keyctl()",
        SECCOMP,
        system_call("keyctl", KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 0),
    ),
)

_PAST_THE_SANDBOX = (
    Probe(
        "queue system calls for the kernel",
        "io_uring_setup()",
        SECCOMP,
        system_call("io_uring_setup", 0, None),
    ),
    Probe("write asynchronously", "io_setup()", SECCOMP, _asynchronous_io),
    Probe("load a program into the kernel", "bpf()", SECCOMP, system_call("bpf", 99, None, 0)),
    Probe(
        "load a kernel module",
        "init_module()",
        SECCOMP,
        system_call("init_module", None, 0, b"\0"),
    ),
    Probe(
        "record performance events",
        "perf_event_open()",
        SECCOMP,
        system_call("perf_event_open", None, 0, -1, -1, 0),
    ),
    Probe("handle page faults", "userfaultfd()", SECCOMP, system_call("userfaultfd", 1)),
    Probe(
        "open a file by its handle",
        "open_by_handle_at()",
        SECCOMP,
        system_call("open_by_handle_at", AT_FDCWD, None, 0),
    ),
    Probe(
        "watch the file system",
        "fanotify_init()",
        SECCOMP,
        system_call("fanotify_init", 0x200, 0),
    ),
    Probe("mount", "mount()", SECCOMP, system_call("mount", NOWHERE, NOWHERE, NOWHERE, 0, None)),
    Probe("mount with fsopen", "fsopen()", SECCOMP, system_call("fsopen", b"nonexistent\0", 0)),
    Probe("leave a namespace", "unshare()", SECCOMP, system_call("unshare", 0)),
    Probe("enter another namespace", "setns()", SECCOMP, system_call("setns", -1, 0)),
    Probe("change the root folder", "chroot()", SECCOMP, system_call("chroot", NOWHERE)),
    Probe("swap to a file", "swapon()", SECCOMP, system_call("swapon", NOWHERE, 0)),
)

_LIFTING_THE_SANDBOX = (
    Probe(
        "raise the file size limit",
        "prlimit(RLIMIT_FSIZE)",
        SECCOMP,
        _raise_limit(resource.RLIMIT_FSIZE),
    ),
    Probe(
        "raise the core dump limit",
        "prlimit(RLIMIT_CORE)",
        SECCOMP,
        _raise_limit(resource.RLIMIT_CORE),
    ),
    Probe(
        "let other programs read this program's memory",
        "prctl(PR_SET_DUMPABLE)",
        SECCOMP,
        lambda _: syscalls.prctl(PR_SET_DUMPABLE, 3),
    ),
    Probe("gain capabilities", "capset()", SECCOMP, system_call("capset", None, None)),
)

PROBES: tuple[Probe, ...] = (
    *_KERNEL_LOG,
    *_SIGNS,
    *_SIGNALS_THROUGH_FILES,
    *_MARKS,
    *_SHARED_MEMORY,
    *_PAST_THE_SANDBOX,
    *_LIFTING_THE_SANDBOX,
)
