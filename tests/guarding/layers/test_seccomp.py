from __future__ import annotations

import errno
import os
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding.layers import syscalls
from installation.guarding.layers.bpf import REFUSED_ERRNO, Filter, program
from installation.guarding.layers.seccomp import MIDDLE_STAGE, STAGE_ONE, stage_two
from tests.support.bpf import ALLOWED, answer, filter_result
from tests.support.children import (
    USERS,
    needs_guard,
    run,
    run_under_stage_one,
)


@pytest.mark.parametrize("machine", [0, 1])
@pytest.mark.parametrize("filter_", [STAGE_ONE, MIDDLE_STAGE])
def test_what_is_listed_is_refused_on_both_machines(machine: int, filter_: Filter) -> None:
    """Each rule that tests no argument refuses its call on x86-64 and on aarch64."""
    for rule in filter_.rules:
        if syscalls.NUMBERS[rule.call][machine] is not None and not rule.tests:
            assert answer([filter_], machine, rule.call) == rule.error, rule.call


BEFORE_STRANGERS_CODE = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("execve", "execveat", "fork", "vfork", "memfd_create", "memfd_secret", "vmsplice"),
)
"""The calls that are refused before torch, label sets and networks are loaded."""


@pytest.mark.parametrize("call", BEFORE_STRANGERS_CODE)
def test_strangers_code_reaches_and_starts_no_program(call: str) -> None:
    """From the middle stage on, each call in `BEFORE_STRANGERS_CODE` is refused."""
    for machine in (0, 1):
        if syscalls.NUMBERS[call][machine] is not None:
            for arguments in ((), (1, 1, 1, 1, 1, 1)):
                error = answer([STAGE_ONE, MIDDLE_STAGE], machine, call, *arguments)
                assert error == REFUSED_ERRNO
            assert answer([], machine, call) is None, "the control: the filters refuse it"


THREAD = 0x3D0F00
"""The flags with which glibc starts a thread; without these bits it is another kind of call."""


@pytest.mark.parametrize(
    ("flags", "error"),
    [(THREAD, None), (THREAD & ~0x10000, REFUSED_ERRNO), (THREAD & ~0x400, REFUSED_ERRNO)],
)
def test_threads_are_started_and_processes_are_not(flags: int, error: int | None) -> None:
    """A thread that shares all descriptors can be started, a process or another thread cannot."""
    for machine in (0, 1):
        assert answer([STAGE_ONE, MIDDLE_STAGE], machine, "clone", flags) == error


@given(st.sampled_from((0, 1)), st.integers(0, syscalls.LAST_KNOWN))
def test_what_is_not_listed_is_allowed_during_the_start(machine: int, number: int) -> None:
    """The filters of the start-up refuse what they name and nothing else."""
    for filter_ in (STAGE_ONE, MIDDLE_STAGE):
        named = {syscalls.NUMBERS[rule.call][machine] for rule in filter_.rules}
        if number not in named:
            assert filter_result(program(filter_, machine), machine, number) == ALLOWED


@given(st.sampled_from((0, 1)), st.integers(0, syscalls.LAST_KNOWN))
def test_what_is_not_listed_is_refused_from_stage_two_on(machine: int, number: int) -> None:
    """A running show can make the calls of its table and no others."""
    filter_ = stage_two()
    named = {syscalls.NUMBERS[rule.call][machine] for rule in filter_.rules}
    if number not in named:
        result = filter_result(program(filter_, machine), machine, number)
        assert result == 0x00050000 | errno.ENOSYS


@given(st.integers(syscalls.LAST_KNOWN + 1, 2**32 - 1))
def test_newer_calls_are_refused(number: int) -> None:
    """System calls newer than the list are refused."""
    for filter_ in (STAGE_ONE, MIDDLE_STAGE, stage_two()):
        assert filter_result(program(filter_, 0), 0, number) == 0x00050000 | errno.ENOSYS


def test_calls_of_another_architecture_do_not_exist() -> None:
    """The calls of 32-bit programs, which have other numbers, fail as if they did not exist.

    They do not kill the process, because the kernel would log that, with a number and an address
    that the show could choose.
    """
    for filter_ in (STAGE_ONE, MIDDLE_STAGE, stage_two()):
        assert filter_result(program(filter_, 0), 1, 1) == 0x00050000 | errno.ENOSYS


MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@given(st.integers(0, 2**64 - 1))
def test_arguments_are_tested(value: int) -> None:
    """Threads may start; calls to other processes, files or the kernel's log are refused."""
    filters = (STAGE_ONE, MIDDLE_STAGE, stage_two())

    def allows(call: str, *arguments: int) -> bool:
        return answer(filters, 0, call, *arguments) is None

    low = value & 0xFFFFFFFF
    assert allows("clone", value) == (low in (0x3D0F00, 0x7D0F00))
    assert allows("tgkill", value, 1, 9) == (low == os.getpid())
    assert not allows("kill", value, 9)
    assert allows("sendto", 1, 2, 3, 4, value) == (value == 0)
    assert allows("prlimit64", 0, 1, value) == (value == 0)
    assert allows("mmap", 0, value, 3, 0x22) == (value <= MEMORY)
    assert allows("mremap", 0, 0, value) == (value <= MEMORY)
    assert allows("mprotect", 0, value, 3) == (value <= MEMORY)
    assert allows("openat", 0, 0, value) == (not low & 0o20003101)
    assert not allows("futex", 0, 5 | value & 0x180)


def test_a_thread_keeps_its_name() -> None:
    """Naming a thread seems to succeed, because libraries do it, but changes nothing."""
    set_name = 15
    assert answer([STAGE_ONE], 0, "prctl", set_name) == 0
    assert answer([STAGE_ONE, MIDDLE_STAGE, stage_two()], 0, "prctl", set_name) == 0


FILE_IOCTLS = {
    "BTRFS_IOC_SUBVOL_CREATE": 0x5000940E,
    "CIFS_IOC_COPYCHUNK_FILE": 0x4004CF03,
    "EXT4_IOC_SETVERSION": 0x40086604,
    "F2FS_IOC_SET_PIN_FILE": 0x4004F50D,
    "FAT_IOCTL_SET_ATTRIBUTES": 0x40047211,
    "FICLONE": 0x40049409,
    "FS_IOC_ADD_ENCRYPTION_KEY": 0xC0506617,
    "FS_IOC_ENABLE_VERITY": 0x40806685,
    "FS_IOC_FSSETXATTR": 0x401C5820,
    "FS_IOC_SETFLAGS": 0x40086602,
    "FS_IOC_SETFSLABEL": 0x41009432,
    "FS_IOC_SETVERSION": 0x40087602,
    "FS_IOC_SET_ENCRYPTION_POLICY": 0x800C6613,
    "OCFS2_IOC_REFLINK": 0x40186F04,
    "ZFS_IOC_SETDOSFLAGS": 0x40088302,
}


@pytest.mark.parametrize("machine", [0, 1])
def test_ioctls_of_file_systems_are_refused(machine: int) -> None:
    """A file that is open for reading cannot be changed by an ioctl, from stage one on."""
    for filters in ([STAGE_ONE], [STAGE_ONE, MIDDLE_STAGE, stage_two()]):
        for name, number in FILE_IOCTLS.items():
            assert answer(filters, machine, "ioctl", 3, number) == REFUSED_ERRNO, name


CAMERA_IOCTLS = {"VIDIOC_QUERYCAP": 0x80685600, "VIDIOC_DQBUF": 0xC0585611}

OTHER_IOCTLS = {
    "DRM_IOCTL_AUTH_MAGIC": 0x40046411,
    "EVIOCGVERSION": 0x80044501,
    "KDSETLED": 0x4B32,
    "SG_IO": 0x2285,
    "USBDEVFS_CONTROL": 0xC0185500,
    "VIDIOC_LOG_STATUS": 0x5646,
    "VIDIOC_OVERLAY": 0x4004560E,
    "VT_ACTIVATE": 0x5606,
}


@pytest.mark.parametrize("machine", [0, 1])
def test_a_camera_can_be_used_and_nothing_else(machine: int) -> None:
    """From stage two on the ioctls of cameras are allowed by their exact numbers."""
    for name, number in CAMERA_IOCTLS.items():
        assert answer([stage_two()], machine, "ioctl", 3, number) is None, name
    for name, number in OTHER_IOCTLS.items():
        assert answer([stage_two()], machine, "ioctl", 3, number) == REFUSED_ERRNO, name


READING_TERMINAL_IOCTLS = {
    "TCGETS": 0x5401,
    "TIOCGWINSZ": 0x5413,
    "FIONREAD": 0x541B,
    "FIOCLEX": 0x5451,
    "TCGETS2": 0x802C542A,
}


CHANGING_TERMINAL_IOCTLS = {
    "TCSETS": 0x5402,
    "TCSETS2": 0x402C542B,
    "TIOCSPGRP": 0x5410,
    "TIOCSTI": 0x5412,
    "TIOCSWINSZ": 0x5414,
    "TIOCSETD": 0x5423,
    "FIOASYNC": 0x5452,
}


@pytest.mark.parametrize("machine", [0, 1])
def test_a_terminal_can_be_read_and_not_changed(machine: int) -> None:
    """The show may read the width of its terminal, and cannot change the terminal."""
    for name, number in READING_TERMINAL_IOCTLS.items():
        assert answer([stage_two()], machine, "ioctl", 1, number) is None, name
    for name, number in CHANGING_TERMINAL_IOCTLS.items():
        assert answer([stage_two()], machine, "ioctl", 1, number) == REFUSED_ERRNO, name


WITHOUT_ONE_RULE = """
import os, shutil
from installation.guarding import status
from installation.guarding.layers import bpf, landlock, seccomp, syscalls
from installation.guarding.probes.all_probes import QUICK_PROBES
from installation.guarding.probes.probe import run_probes
probes = [each for each in QUICK_PROBES if each.layer == status.SECCOMP]
scratch_dir = status.make_scratch_dir({})
everything = (*seccomp.stage_two().rules, *seccomp.STAGE_ONE.rules, *seccomp.MIDDLE_STAGE.rules)
refusals = [rule for rule in everything if rule.error is not None]
named = {each.call.partition("(")[0] for each in probes}
# The C library implements fork() with clone().
calls = {rule.call for rule in refusals if syscalls.number(rule.call)} & named - {"fork"}
assert len(calls) > 60
for call in sorted(calls):
    if not os.fork():
        landlock.set_no_new_privileges()
        # Related calls as well: otherwise the probe could not undo what it did.
        rules = [each for each in everything if each.call[:3] != call[:3]]
        seccomp.install(bpf.Filter(tuple(rules)), all_threads=False)
        for outcome in run_probes(probes, scratch_dir, "main"):
            if outcome.outcome != "refused" and outcome.call.partition("(")[0] == call:
                break
        else:
            print(call, flush=True)
        os._exit(0)
    os.wait()
shutil.rmtree(scratch_dir)
"""


@pytest.mark.parametrize("user", USERS)
def test_the_probes_notice_each_missing_rule(user: str, tmp_path: Path) -> None:
    """If one rule of the filter is missing, the probe of its call is not refused."""
    outcome = run("-W", "ignore", "-c", WITHOUT_ONE_RULE, user=user, folder=tmp_path)
    assert (outcome.returncode, outcome.stdout) == (0, ""), outcome.stderr


OTHER_NUMBERS = {
    # getpid of a 32-bit program: mov eax, 20; int 0x80; ret.
    "as a 32-bit program": (
        "call(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')",
        0,
        f"-{errno.ENOSYS}",
    ),
    # getpid of x86-64's second set of numbers (x32): mov eax, 0x40000027; syscall; ret.
    "by the second set": ("call(b'\\xb8\\x27\\0\\0\\x40\\x0f\\x05\\xc3')", 0, f"-{errno.ENOSYS}"),
    "as a 64-bit program": ("call(b'\\xb8\\x27\\0\\0\\0\\x0f\\x05\\xc3') > 0", 0, "True"),
}


@pytest.mark.skipif(syscalls.MACHINE != 0, reason="machine code of x86-64")
@pytest.mark.parametrize("how", OTHER_NUMBERS)
def test_other_sets_of_numbers_are_refused(how: str, tmp_path: Path) -> None:
    """Neither the calls of 32-bit programs nor x86-64's second set exist."""
    call, status, printed = OTHER_NUMBERS[how]
    program = (
        "import ctypes, mmap\n"
        "from installation.guarding.layers import landlock, seccomp\n"
        "def call(code):\n"
        "    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE | 4)\n"
        "    page.write(code)\n"
        "    at = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
        "    return ctypes.CFUNCTYPE(ctypes.c_long)(at)()\n"
        "landlock.set_no_new_privileges()\n"
        "seccomp.install(seccomp.STAGE_ONE, all_threads=False)\n"
        f"print({call})\n"
    )
    outcome = run("-c", program, user=USERS[0], folder=tmp_path)
    assert (outcome.returncode, outcome.stdout.strip()) == (status, printed), outcome.stderr


def test_stage_one_allows_only_unix_sockets() -> None:
    """During the start-up the show may reach the display and no network."""
    results = [answer([STAGE_ONE], 0, "socket", family) for family in range(46)]
    assert [family for family, result in enumerate(results) if result is None] == [1]


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_no_process_gets_another_parent(user: str, tmp_path: Path) -> None:
    """A call that would start a process with another parent is refused.

    The search for child processes would not find that process.
    """
    program = """
    import os, signal
    from installation.guarding.layers import syscalls
    clone_parent = 0x8000
    for name, arguments in (("clone", (clone_parent | signal.SIGCHLD,)), ("clone3", (None, 0))):
        try:
            if not syscalls.call(name, *arguments, *[0] * (5 - len(arguments))):
                os._exit(0)
            print("started")
        except OSError as failure:
            print(failure.strerror)
    import subprocess
    print(subprocess.run(["true"]).returncode)
    """
    expected = "Operation canceled\nFunction not implemented\n0\n"
    assert run_under_stage_one(program, user, tmp_path) == expected


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_queues_of_others_accept_nothing(user: str, tmp_path: Path) -> None:
    """A message queue and semaphores that another program made accept no data of the show."""
    program = """
    import ctypes, os, struct
    from installation.guarding.layers import syscalls
    queue = syscalls.call("msgget", 0, 0o1666)
    semaphores = syscalls.call("semget", 0, 1, 0o1666)
    message = struct.pack("@l8s", 1, b"a frame")
    set_value, no_wait = 16, 0o4000
    def send():
        try:
            syscalls.call("msgsnd", queue, message, 8, no_wait)
            print("sent")
        except OSError as failure:
            print(failure.errno)
        try:
            syscalls.call("semctl", semaphores, 0, set_value, 12345)
            print("set")
        except OSError as failure:
            print(failure.errno)
    send()
    if not os.fork():
        from installation.guarding.stage_one import enter_stage_one
        from installation.guarding.status import SandboxStatus
        enter_stage_one(SandboxStatus("degraded"), None)
        send()
        import sys
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    syscalls.call("msgctl", queue, 0, None)
    syscalls.call("semctl", semaphores, 0, 0, None)
    """
    outcome = run("-u", "-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout == f"sent\nset\n{REFUSED_ERRNO}\n{REFUSED_ERRNO}\n", outcome.stderr
