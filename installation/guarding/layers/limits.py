"""Limits this process: core dumps, the size of files, capabilities, and who may read its memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct

from installation.guarding.layers import syscalls

LOCKED = 256 * 1024 * 1024
"""The limit of locked memory, in bytes, for root and for a user without a hard limit. Eight frames
of the largest cameras fit into it.
"""

MARK = 10
"""The resource whose soft limit is the mark of a process: RLIMIT_LOCKS. Linux stores this limit,
passes it on to child processes and displays it in /proc. Since version 2.4.25 Linux does not
enforce it (getrlimit(2)).
"""

CAP_DAC_READ_SEARCH = 1 << 2
"""The capability to read every file and folder; it does not allow writing."""

_PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER = 24, 36
_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_PR_SET_MM, _PR_SET_MM_MAP, _PR_SET_MM_MAP_SIZE = 35, 14, 15
_CAPABILITY_VERSION_3 = 0x20080522


def capabilities() -> int:
    """Return the capabilities that this process has or could gain, one bit for each."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["CapInh"], 16) | int(fields["CapPrm"], 16) | int(fields["CapEff"], 16)


def drop_capabilities() -> None:
    """Give up capabilities permanently.

    Root gives up all of them. Root then has only the rights of an ordinary user who owns root's
    files. Another user keeps at most `CAP_DAC_READ_SEARCH`, because it allows only reading. Call
    this only in a process with one thread. Raises OSError.
    """
    kept = 0 if os.geteuid() == 0 else capabilities() & CAP_DAC_READ_SEARCH
    # Fails for numbers that this kernel does not know, and for ordinary users.
    for number in range(64):
        with contextlib.suppress(OSError):
            syscalls.prctl(_PR_CAPBSET_DROP, number)
    sets = struct.pack("=6I", kept, kept, kept, 0, 0, 0)
    syscalls.call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), sets)


def become_subreaper() -> None:
    """Make this process the new parent of descendants whose own parents have ended."""
    syscalls.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def mark(number: int) -> None:
    """Give this process, and the processes that it will start, the mark `number`.

    From stage one on, these processes cannot change their mark. If this process's hard limit is
    lower than `number`, the mark is the hard limit. Other processes may then have the same mark.
    """
    _, most = resource.getrlimit(MARK)
    number = number if most == resource.RLIM_INFINITY else min(number, most)
    resource.setrlimit(MARK, (number, most))


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its `parent` ends.

    If `parent` has already ended, end this process now, with the exit status 1. The setting still
    applies after another program is executed.
    """
    syscalls.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def disable_core_dumps() -> None:
    """Forbid core dumps, and set the limit of locked memory.

    For root, and for a user without a hard limit, the limit of locked memory becomes `LOCKED`. For
    any other user, it becomes that user's hard limit. If this fails, the limit stays unchanged.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with contextlib.suppress(OSError, ValueError):
        most = LOCKED if most == resource.RLIM_INFINITY or os.geteuid() == 0 else most
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))


def forbid_file_growth() -> None:
    """Prevent every file from growing, even one that is already open, in all threads at once."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def protect_memory() -> None:
    """Keep other programs of this user from reading this process's memory.

    Executing a program removes the protection. So the launcher cannot protect the show: the show
    calls this as its first act. A program that opened the memory before this call can continue to
    read it.
    """
    syscalls.prctl(_PR_SET_DUMPABLE, 0)


def memory_is_protected() -> bool:
    """Return whether this process's memory is protected from other programs of this user."""
    return syscalls.prctl(_PR_GET_DUMPABLE) == 0


def empty_arguments() -> None:
    """Tell the kernel that this process has no arguments and no environment.

    Every user may read a process's arguments in /proc. The kernel copies them from the process's
    memory at each read. So without this call, the process could write pictures into that memory,
    and every user could read them. Python is not affected, because it has its own copies of the
    arguments and of the environment. Raises OSError if the kernel does not support this
    (CONFIG_CHECKPOINT_RESTORE).
    """
    fields = _memory_fields()
    arguments, environment = fields[48], fields[50]
    # The kernel's struct prctl_mm_map: 11 addresses, no auxiliary vector, no other program file.
    layout = struct.pack(
        "=11QQIi",
        *(fields[number] for number in (26, 27, 45, 46, 47)),
        end_of_heap(),
        fields[28],
        *(arguments, arguments, environment, environment),
        *(0, 0, -1),
    )
    buffer = ctypes.create_string_buffer(layout, len(layout))
    syscalls.prctl(_PR_SET_MM, _PR_SET_MM_MAP, ctypes.addressof(buffer), len(layout))


def arguments_are_empty() -> bool:
    """Return whether /proc shows an empty list of arguments for this process."""
    with open("/proc/self/cmdline", "rb") as file:
        return not file.read(1)


def can_empty_arguments() -> bool:
    """Return whether this kernel supports `empty_arguments`; nothing is changed."""
    size = ctypes.create_string_buffer(4)
    try:
        syscalls.prctl(_PR_SET_MM, _PR_SET_MM_MAP_SIZE, ctypes.addressof(size))
    except (OSError, NotImplementedError):
        return False
    return True


def _memory_fields() -> dict[int, int]:
    """Return the numbers in /proc/self/stat, keyed by their field numbers in proc_pid_stat(5)."""
    with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return {number: int(word) for number, word in enumerate(words[1:], 4)}


def end_of_heap() -> int:
    """Return the address at which the heap of this process ends now."""
    library = ctypes.CDLL(None)
    library.sbrk.restype = ctypes.c_void_p
    return int(library.sbrk(0) or 0)
