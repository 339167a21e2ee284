"""Landlock: denies this process and all its descendants any change to the file system.

Reading stays allowed everywhere, because weights and fonts may be anywhere. The restriction applies
to root too and cannot be lifted. It does not cover files that are already open; `open_files`
searches for them. Source: the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from installation.guarding.layers import syscalls

NEEDED_ABI = 1
"""The oldest version of Landlock that is sufficient (Linux 5.13). It allows calls that later
versions can refuse: shortening files, TCP, ioctls on devices and signals. The seccomp filters
refuse these calls.
"""

TRUNCATE_ABI = 3
"""The first version of Landlock that can deny shortening files (Linux 6.2)."""

_WRITE_FILE = 1 << 1
_IOCTL_DEVICE = 1 << 15
_CHANGES_BY_ABI = (
    (1, _WRITE_FILE),
    (1, sum(1 << bit for bit in range(4, 13))),  # remove folders and files; make any of seven kinds
    (2, 1 << 13),  # link or rename to another folder
    (TRUNCATE_ABI, 1 << 14),  # truncate
    (5, _IOCTL_DEVICE),
)
_TCP_BY_ABI = ((4, 0b11),)  # bind, connect
_SCOPES_BY_ABI = ((6, 0b10),)  # signals; the other scope would keep SDL from the X server

_VERSION = 1
_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38


def abi() -> int:
    """Return the version of Landlock in this kernel; 0 if the kernel has no Landlock."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, _VERSION)
    except (OSError, NotImplementedError):
        return 0


def restrict(devices: Iterable[Path], thread_names: bool = False) -> int:
    """Deny every change to the file system, except writing to the character `devices`.

    With `thread_names`, the names of this process's threads may be set, which CUDA needs. Returns
    the version of Landlock. Raises OSError if Landlock is missing, or if a device is missing or is
    not a character device; nothing is restricted in this case.
    """
    version = syscalls.call("landlock_create_ruleset", None, 0, _VERSION)
    changes = _bits(_CHANGES_BY_ABI, version)
    rights = struct.pack(
        "=QQQ", changes, _bits(_TCP_BY_ABI, version), _bits(_SCOPES_BY_ABI, version)
    )
    # Older kernels support fewer fields, and accept the other fields only if they are zero.
    rules = syscalls.call("landlock_create_ruleset", rights, len(rights), 0)
    try:
        for device in devices:
            _allow(rules, device, changes & (_WRITE_FILE | _IOCTL_DEVICE), stat.S_ISCHR)
        if thread_names:
            _allow(rules, Path("/proc/self/task").resolve(), _WRITE_FILE, stat.S_ISDIR)
        set_no_new_privileges()
        syscalls.call("landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)
    return version


def set_no_new_privileges() -> None:
    """Prevent the programs that this process starts from gaining rights that this process lacks."""
    syscalls.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _bits(by_abi: tuple[tuple[int, int], ...], version: int) -> int:
    return sum(bits for since, bits in by_abi if version >= since)


def _allow(rules: int, path: Path, rights: int, kind: Callable[[int], bool]) -> None:
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not kind(os.fstat(file).st_mode):
            raise OSError(f"the file type of {path} does not match its Landlock rule")
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, file), 12)
        syscalls.call("landlock_add_rule", rules, _BENEATH, rule, 0)
    finally:
        os.close(file)
