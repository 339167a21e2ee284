"""Limits and rights of this process: no core dumps, no growing files, no rights of root."""

from __future__ import annotations

import contextlib
import os
import resource
import struct

from installation.guarding.layers import syscalls

LOCKED = 256 * 1024 * 1024
"""Bytes that may be locked into memory where we may choose: eight frames of the largest cameras."""


READ_ALL = 1 << 2
"""The right to read every file and folder (CAP_DAC_READ_SEARCH), which gives none to write."""


def rights() -> int:
    """Return the rights of root that this process has, or could take, a bit for each."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        told = dict(line.split(":", 1) for line in file)
    return int(told["CapInh"], 16) | int(told["CapPrm"], 16) | int(told["CapEff"], 16)


def drop_rights() -> None:
    """Give up every right of root, for good: root is then one user among others.

    An ordinary user who was given some keeps none but `READ_ALL`. For the only thread. Raises
    OSError.
    """
    drop_from_bound, version = 24, 0x20080522
    kept = 0 if os.geteuid() == 0 else rights() & READ_ALL
    # The last numbers are rights that this kernel does not know, or that an ordinary user has not.
    for right in range(64):
        with contextlib.suppress(OSError):
            syscalls.prctl(drop_from_bound, right)
    rest = struct.pack("=6I", kept, kept, kept, 0, 0, 0)
    syscalls.call("capset", struct.pack("=Ii", version, 0), rest)


def take_in_orphans() -> None:
    """Be told of every process that comes from this one, also where those between have ended."""
    set_child_subreaper = 36
    syscalls.prctl(set_child_subreaper, 1)


def forbid_dumps() -> None:
    """Let no core dump be written; memory may be locked as far as we are let."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with contextlib.suppress(OSError, ValueError):
        most = LOCKED if most == resource.RLIM_INFINITY or os.geteuid() == 0 else most
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (most, most))


def forbid_growth() -> None:
    """Let no file grow by a byte, whoever opened it and when; for all threads at once."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def forbid_looking() -> None:
    """Keep other programs of this user out of this one's memory."""
    set_dumpable = 4
    syscalls.prctl(set_dumpable, 0)
