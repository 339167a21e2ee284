"""Landlock: this process and all that come from it may change nothing in the file system.

Reading stays as it was, for the show reads its weights and fonts from everywhere. What is taken
away holds for root too, and cannot be given back. Files that are open already are not covered;
`open_files` looks for those.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from installation.guarding.layers import syscalls

NEEDED_ABI = 6
"""Linux 6.12; the first that also refuses signals to others and device calls."""

_WRITE_FILE = 1 << 1
_IOCTL_DEVICE = 1 << 15
_CHANGES_BY_ABI = (
    (1, _WRITE_FILE),
    (1, sum(1 << bit for bit in range(4, 13))),  # remove a folder or a file; make any of seven
    (2, 1 << 13),  # link or rename into another folder
    (3, 1 << 14),  # truncate
    (5, _IOCTL_DEVICE),
)
_TCP_BY_ABI = ((4, 0b11),)  # bind, connect
_SCOPES_BY_ABI = ((6, 0b10),)  # Signals. The other scope would keep SDL from the X server.

_VERSION = 1
_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38


def abi() -> int:
    """Return the version of Landlock that this kernel has; 0 where it has none."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, _VERSION)
    except (OSError, NotImplementedError):
        return 0


def restrict(devices: Iterable[Path], thread_names: bool = False) -> int:
    """Take away every change to the file system, except writing to the character `devices`.

    With `thread_names` the names of this process's threads may be set too: CUDA needs to. Returns
    the version of Landlock used. Raises OSError where Landlock is missing, and where a device is
    missing or none; then nothing has been taken away.
    """
    version = syscalls.call("landlock_create_ruleset", None, 0, _VERSION)
    changes = _bits(_CHANGES_BY_ABI, version)
    rights = struct.pack(
        "=QQQ", changes, _bits(_TCP_BY_ABI, version), _bits(_SCOPES_BY_ABI, version)
    )
    # Older kernels take a shorter form, and refuse longer ones only where the rest is not zero.
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
    """Let no program that is started from here have more rights than this process."""
    syscalls.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _bits(by_abi: tuple[tuple[int, int], ...], version: int) -> int:
    return sum(bits for since, bits in by_abi if version >= since)


def _allow(rules: int, path: Path, rights: int, kind: Callable[[int], bool]) -> None:
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not kind(os.fstat(file).st_mode):
            raise OSError(f"{path} is not what the rule is for")
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, file), 12)
        syscalls.call("landlock_add_rule", rules, _BENEATH, rule, 0)
    finally:
        os.close(file)
