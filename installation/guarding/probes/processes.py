"""Probes that start programs, access the memory of programs, or change properties of programs."""

from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
from pathlib import Path

from installation.guarding.layers import syscalls
from installation.guarding.probes.action import system_call
from installation.guarding.probes.probe import Action, Probe
from installation.guarding.status import SECCOMP

PR_SET_CHILD_SUBREAPER, PR_SCHED_CORE = 36, 62
SI_QUEUE = -1
_SIGINFO = struct.pack("=iii116x", 0, 0, SI_QUEUE)
"""The kernel's siginfo structure for a signal that is sent with a value."""


def _fork(scratch_dir: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of threads; the child ends at once.
        child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _copy_memory(call: str) -> Action:
    """Return an action that copies a byte of this process's memory with the system call `call`."""

    def action(scratch_dir: Path) -> None:
        import ctypes

        byte = ctypes.create_string_buffer(1)
        vector = struct.pack("@PN", ctypes.addressof(byte), 1)
        syscalls.call(call, os.getpid(), vector, 1, vector, 1, 0)

    return action


def _hold_process(scratch_dir: Path) -> None:
    os.close(syscalls.call("pidfd_open", os.getpid(), 0))


def _signal_parent(call: str, targets: int, *arguments: int | bytes) -> Action:
    """Return an action that sends signal 0 to the parent; this signal does nothing.

    The arguments of `call` are the parent's process id, repeated `targets` times, then `arguments`.
    """

    def action(scratch_dir: Path) -> None:
        syscalls.call(call, *[os.getppid() or 1] * targets, *arguments)

    return action


PROBES: tuple[Probe, ...] = (
    Probe("start a process", "fork()", SECCOMP, _fork),
    Probe(
        "start a process with clone3",
        "clone3()",
        SECCOMP,
        system_call("clone3", None, 0),
        errno=errno.ENOSYS,
    ),
    Probe(
        "execute another program",
        "execve()",
        SECCOMP,
        lambda _: os.execve("/nonexistent/kiosk", ["kiosk"], {}),
    ),
    Probe(
        "execute another program by its descriptor",
        "execveat()",
        SECCOMP,
        system_call("execveat", -1, b"\0", None, None, 0),
    ),
    Probe(
        "start a program", "subprocess.run", SECCOMP, lambda _: subprocess.run(["true"], check=True)
    ),
    Probe("trace a program", "ptrace()", SECCOMP, system_call("ptrace", 1, -1, 0, 0)),
    Probe(
        "read a program's memory",
        "process_vm_readv()",
        SECCOMP,
        _copy_memory("process_vm_readv"),
    ),
    Probe(
        "write into a program's memory",
        "process_vm_writev()",
        SECCOMP,
        _copy_memory("process_vm_writev"),
    ),
    Probe(
        "copy a descriptor of another program",
        "pidfd_getfd()",
        SECCOMP,
        system_call("pidfd_getfd", -1, 0, 0),
    ),
    Probe("open a pidfd of a program", "pidfd_open()", SECCOMP, _hold_process),
    # Settings of a program persist. These probes name this program itself, and change no setting.
    *(
        Probe(name, f"{call}()", SECCOMP, system_call(call, *arguments))
        for name, call, arguments in (
            ("set a program's scheduler attributes", "sched_setattr", (0, None, 0)),
            ("set a program's scheduling policy", "sched_setscheduler", (0, -1, None)),
            ("set a program's scheduling parameters", "sched_setparam", (0, None)),
            ("set a program's cores", "sched_setaffinity", (0, 0, None)),
            ("set a program's priority", "setpriority", (-1, 0, 0)),
            ("set a program's disk priority", "ioprio_set", (-1, 0, 0)),
            ("move a program's pages to a NUMA node", "move_pages", (0, 0, None, None, None, 0)),
            ("move a program's memory between NUMA nodes", "migrate_pages", (0, 0, None, None)),
        )
    ),
    Probe(
        "choose programs that may share a core with this one",
        "prctl(PR_SCHED_CORE)",
        SECCOMP,
        lambda _: syscalls.prctl(PR_SCHED_CORE, -1),
    ),
    Probe(
        "stop adopting orphaned processes",
        "prctl(PR_SET_CHILD_SUBREAPER)",
        SECCOMP,
        lambda _: syscalls.prctl(PR_SET_CHILD_SUBREAPER, 0),
    ),
    Probe("send a signal", "kill()", SECCOMP, _signal_parent("kill", 1, 0)),
    Probe("send a signal to a thread", "tgkill()", SECCOMP, _signal_parent("tgkill", 2, 0)),
    Probe(
        "send a signal with a value",
        "rt_sigqueueinfo()",
        SECCOMP,
        _signal_parent("rt_sigqueueinfo", 1, 0, _SIGINFO),
    ),
    Probe(
        "send a signal with a value to a thread",
        "rt_tgsigqueueinfo()",
        SECCOMP,
        _signal_parent("rt_tgsigqueueinfo", 2, 0, _SIGINFO),
    ),
    Probe(
        "send a signal through a pidfd",
        "pidfd_send_signal()",
        SECCOMP,
        system_call("pidfd_send_signal", -1, signal.SIGCONT, None, 0),
    ),
)
