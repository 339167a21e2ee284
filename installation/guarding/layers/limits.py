"""Limits and capabilities of this process: no core dumps, no growing files, no rights of root."""

from __future__ import annotations

import contextlib
import os
import resource
import struct

from installation.guarding.layers import syscalls

LOCKED = 256 * 1024 * 1024
"""Bytes of locked memory, if we may set the limit: eight frames of the largest cameras."""

CAP_DAC_READ_SEARCH = 1 << 2
"""The capability to read every file and folder, which does not allow to write any."""

_PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_DUMPABLE = 24, 36, 4
_CAPABILITY_VERSION_3 = 0x20080522


def capabilities() -> int:
    """Return the capabilities that this process has or could gain, one bit each."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["CapInh"], 16) | int(fields["CapPrm"], 16) | int(fields["CapEff"], 16)


def drop_capabilities() -> None:
    """Give up every capability for good; root then has the rights of an ordinary user.

    An ordinary user who was given some keeps only `CAP_DAC_READ_SEARCH`. Only for a process with
    one thread. Raises OSError.
    """
    kept = 0 if os.geteuid() == 0 else capabilities() & CAP_DAC_READ_SEARCH
    # Fails for numbers that this kernel does not know, and for ordinary users.
    for number in range(64):
        with contextlib.suppress(OSError):
            syscalls.prctl(_PR_CAPBSET_DROP, number)
    sets = struct.pack("=6I", kept, kept, kept, 0, 0, 0)
    syscalls.call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), sets)


def become_subreaper() -> None:
    """Make this process the parent of its descendants when the processes between have ended."""
    syscalls.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def disable_core_dumps() -> None:
    """Forbid core dumps, and raise the limit of locked memory as far as allowed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with contextlib.suppress(OSError, ValueError):
        most = LOCKED if most == resource.RLIM_INFINITY or os.geteuid() == 0 else most
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))


def forbid_file_growth() -> None:
    """Let no file grow by a byte, whoever opened it and when; applies to all threads at once."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def protect_memory() -> None:
    """Keep other programs of this user from reading this process's memory."""
    syscalls.prctl(_PR_SET_DUMPABLE, 0)
