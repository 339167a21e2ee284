"""The table of stage two: every system call that a running show may make, and who needs it.

Each row allows one call. If a row has conditions for the arguments of the call (`Rule.tests`), all
of them must be true. If a call has several rows, it is allowed if one of them allows it. Calls
without a row are refused.

A test traces a show. It fails if the show makes a call without a row, or if the show does not make
the call of a row. It accepts unused rows whose reason begins with one of `NOT_DRIVEN`: they are for
other machines, for devices or for failures. These rows come from the source code of the kernel and
of libraries.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from installation.guarding.layers.bpf import Rule, allow, at_most, has, lacks, one_of, zero
from installation.guarding.layers.device_calls import (
    CAMERA_IOCTLS,
    CONSOLE_IOCTLS,
    DRIVER_CALLS,
    GRAPHICS_IOCTLS,
    NVIDIA_CALLS,
    OPENCV_IOCTLS,
    UVM_CALLS,
)
from installation.guarding.layers.limits import end_of_heap

NOT_DRIVEN = (
    "camera:",
    "GPU:",
    "console:",
    "CUDA:",
    "PyTorch:",
    "Wayland:",
    "on some machines only:",
    "failures:",
)
"""A test traces a show, and fails if the show does not use a row of `show_calls`. It accepts an
unused row if the row's reason begins with one of these words.
"""

_O_WRONLY, _O_RDWR = 0o1, 0o2
_O_CHANGES = 0o100 | 0o1000 | 0o2000 | 0o20000000
"""O_CREAT, O_TRUNC, O_APPEND and the bit of O_TMPFILE. Their values are the same on x86-64 and
aarch64.
"""

_WAIT, _WAKE, _WAIT_BITSET = 0, 1, 9
_FUTEX_OPERATION, _FUTEX_PRIVATE = 0x7F, 0x80
"""The mask for the operation in a futex call's argument, and the flag for a futex that only this
process uses. The filter compares only the bits in these two numbers. So it ignores the flag
FUTEX_CLOCK_REALTIME (0x100).
"""

_PTHREAD_FLAGS = (0x3D0F00, 0x7D0F00)
"""The flags with which the C library starts a thread: those of glibc and those of musl."""

_DONTNEED, _WILLNEED, _FREE, _DONTFORK, _HUGEPAGE, _DONTDUMP = 4, 3, 8, 10, 14, 16
_MAP_HUGETLB = 0x40000

_F_DUPFD, _F_GETFD, _F_SETFD, _F_GETFL, _F_DUPFD_CLOEXEC = 0, 1, 2, 3, 1030

_SIGINT, _SIGTERM = 2, 15

_FILE_IOCTLS = {
    "TCGETS": 0x5401,  # Python asks whether a file is a terminal
    "TIOCGWINSZ": 0x5413,
    "FIONREAD": 0x541B,
    "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450,
    "FIOCLEX": 0x5451,
    "TCGETS2": 0x802C542A,
}
"""The ioctls that libraries make on files of any kind. From include/uapi/asm-generic/ioctls.h."""


def show_calls(
    *,
    writes_devices: bool = True,
    has_gpu: bool = False,
    has_nvidia: bool = False,
    on_console: bool = False,
) -> list[Rule]:
    """Return the table of stage two for this process, one rule for each row.

    `has_gpu` adds the calls of graphics drivers, and `has_nvidia` those of CUDA.
    `on_console` says whether the show sets the screen itself, without a display server.
    `writes_devices` adds the opening of files for reading and writing. It is true with Landlock,
    which decides which files may be opened. It is false without Landlock: the show then uses the
    cameras that the launcher has opened.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    rows = [
        # Reading files, and calls on descriptors that are already open.
        allow("read", "reading files and the messages of the display server"),
        allow("pread64", "PyTorch: reading parts of a weights file"),
        allow("lseek", "moving within open files"),
        allow("close", "closing files"),
        allow("newfstatat", "label sets: finding out whether their files have changed"),
        allow("fstat", "on some machines only: some C libraries make this call in fstat()"),
        allow("stat", "on some machines only: old C libraries make this call in stat()"),
        allow("statx", "on some machines only: some C libraries make this call in stat()"),
        allow("getdents64", "finding cameras, and checking open files"),
        allow("readlink", "resolving paths, and checking open files"),
        allow("readlinkat", "on some machines only: aarch64 has no readlink and uses this call"),
        *(
            allow(call, "camera: finding out whether this user may open it")
            for call in ("access", "faccessat", "faccessat2")
        ),
        allow("getcwd", "paths in messages"),
        allow(
            "openat", "opening files for reading only", lacks(2, _O_WRONLY | _O_RDWR | _O_CHANGES)
        ),
        allow("dup2", "closing the pipes of the output filters when the show ends"),
        allow("dup3", "on some machines only: aarch64 has no dup2 and uses this call"),
        allow(
            "fcntl",
            "reading and setting the flags of descriptors",
            one_of(1, _F_GETFD, _F_SETFD, _F_GETFL, _F_DUPFD_CLOEXEC),
        ),
        allow("ioctl", "calls that libraries make on any file", one_of(1, *_FILE_IOCTLS.values())),
        allow(
            "ioctl",
            "camera: getting pictures and setting controls",
            one_of(1, *CAMERA_IOCTLS.values()),
        ),
        allow(
            "ioctl",
            "camera: OpenCV's calls, for picture formats that only OpenCV can read",
            one_of(1, *OPENCV_IOCTLS.values()),
        ),
        # Text, and pictures for the display. The search for leaks checks where descriptors lead.
        allow("write", "writing the log and events, and sending to the display"),
        allow("writev", "sending to the X server"),
        allow("recvmsg", "receiving what the display server sends"),
        allow("sendmsg", "Wayland: sending to the compositor"),
        allow(
            "recvfrom",
            "on some machines only: xcb calls recv(), for which the C library makes this call",
        ),
        allow(
            "sendto",
            "on some machines only: xcb calls send(), for which the C library makes this call",
            zero(4),
        ),
        allow("poll", "needed to wait for the display server, and for pictures of the camera"),
        allow("ppoll", "on some machines only: aarch64 has no poll and uses this call"),
        allow("select", "camera: OpenCV waits for a picture"),
        allow("pselect6", "on some machines only: some C libraries make this call in select()"),
        allow("shutdown", "closing the window"),
        allow("getsockname", "checking open files: finding out a socket's own address"),
        allow(
            "getpeername",
            "checking open files: finding out the address at a socket's other end",
        ),
        allow(
            "getsockopt",
            "checking open files: finding out which process is at a socket's other end",
        ),
        # Memory: in one call never more than the machine has, because the kernel would log that.
        allow("mmap", "allocating memory", at_most(1, memory), lacks(3, _MAP_HUGETLB)),
        allow("munmap", "freeing memory"),
        allow("mremap", "on some machines only: enlarging memory", at_most(2, memory)),
        allow("mprotect", "networks: running generated code", at_most(1, memory)),
        allow("brk", "allocating memory", at_most(0, end_of_heap() + memory)),
        allow(
            "madvise", "freeing and protecting memory", one_of(2, _DONTNEED, _DONTFORK, _DONTDUMP)
        ),
        allow(
            "madvise",
            "on some machines only: advice about huge pages and mapped files",
            one_of(2, _FREE, _HUGEPAGE, _WILLNEED),
        ),
        allow("mlock", "keeping pictures out of swap"),
        allow("munlock", "camera: freeing the pictures of an unplugged camera"),
        # Threads of this process.
        allow("clone", "starting threads", one_of(0, *_PTHREAD_FLAGS)),
        # The C library waits for a thread's end without the flag. A thread of another program could
        # wait in a page of a file that both may read, and be woken up 20,000 times a second.
        allow(
            "futex",
            "waiting for threads",
            one_of(1, _WAIT, _WAIT_BITSET, mask=_FUTEX_OPERATION),
        ),
        allow(
            "futex",
            "waking threads of this process",
            one_of(1, _WAKE | _FUTEX_PRIVATE, mask=_FUTEX_OPERATION | _FUTEX_PRIVATE),
        ),
        allow("set_robust_list", "starting threads"),
        allow("rseq", "starting threads"),
        allow("sched_yield", "on some machines only: waiting of threads in OpenBLAS and OpenMP"),
        allow("sched_getaffinity", "networks: finding out the number of cores"),
        allow("gettid", "finding out a thread's id"),
        allow("getpid", "finding out the process id, for messages"),
        allow("rt_sigprocmask", "starting threads"),
        allow("rt_sigreturn", "returning from the handlers of signals that end the show"),
        allow(
            "rt_sigaction",
            "restoring the signal handlers when the show ends",
            one_of(0, _SIGINT, _SIGTERM),
        ),
        allow("tgkill", "failures: a library calls abort()", one_of(0, os.getpid())),
        allow("wait4", "waiting for the output filters when the show ends"),
        allow("exit", "ending threads"),
        allow("exit_group", "ending the process"),
        allow(
            "restart_syscall", "on some machines only: resuming a call after a signal or a suspend"
        ),
        # Time and random numbers.
        allow("clock_nanosleep", "waiting"),
        allow(
            "clock_gettime",
            "on some machines only: reading a clock for which the C library needs this call",
        ),
        allow("clock_getres", "on some machines only: finding out the resolution of a clock"),
        allow("gettimeofday", "on some machines only: reading the time of day"),
        allow("nanosleep", "on some machines only: some C libraries make this call in nanosleep()"),
        allow("getrandom", "on some machines only: getting random numbers, in some C libraries"),
        allow("prlimit64", "finding out the size of a thread's stack", zero(2)),
        allow("getrusage", "failures: finding out how much memory and time a process used"),
        allow("uname", "PyTorch: finding out the type of machine"),
        allow("sysinfo", "networks: finding out the size of memory"),
    ]
    if writes_devices:
        # Landlock allows only the devices that existed at the start.
        reason = "camera: opening its device for reading and writing"
        rows.append(allow("openat", reason, lacks(2, _O_WRONLY | _O_CHANGES), has(2, _O_RDWR)))
    if has_gpu:
        rows += [
            allow("ioctl", "GPU: drawing into a window", one_of(1, *GRAPHICS_IOCTLS.values())),
            *(
                allow(
                    call,
                    "GPU: the driver reads user and group ids to choose its configuration file",
                )
                for call in ("getuid", "geteuid", "getgid", "getegid")
            ),
            allow(
                "ioctl",
                "GPU: using the calls that its driver defines",
                one_of(1, *DRIVER_CALLS, mask=0xFFFF),
            ),
        ]
    if has_gpu and on_console:
        rows.append(
            allow(
                "ioctl",
                "console: setting the screen without a display server",
                one_of(1, *CONSOLE_IOCTLS.values()),
            )
        )
    if has_nvidia:
        rows += [
            allow(
                "ioctl",
                "CUDA: using NVIDIA's driver",
                one_of(1, *NVIDIA_CALLS.values(), mask=0xFFFF),
            ),
            allow("ioctl", "CUDA: managing its memory", one_of(1, *UVM_CALLS.values())),
            allow("eventfd2", "CUDA: receiving the driver's events"),
            allow("pipe2", "CUDA: receiving the driver's events"),
            allow("getppid", "CUDA: finding out the parent process's id"),
        ]
    return rows


def conditional(rows: Iterable[Rule]) -> set[str]:
    """Return the names of the calls in `rows` that are allowed for certain arguments only."""
    return {row.call for row in rows if row.tests}
