from __future__ import annotations

import errno
import os
import signal
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding.layers import syscalls
from installation.guarding.layers.seccomp import (
    REFUSED_ERRNO,
    STAGE_ONE,
    Instruction,
    Refusal,
    program,
    stage_two,
)
from tests.support.children import (
    USERS,
    needs_guard,
    run,
    run_under_stage_one,
)

ARCHITECTURES = {0: 0xC000003E, 1: 0xC00000B7}


ALLOWED = 0x7FFF0000


def filter_result(
    code: list[Instruction], machine: int, number: int, arguments: tuple[int, ...] = ()
) -> int:
    """Return what the filter `code` returns for a system call; an interpreter of classic BPF."""
    words = {0: number, 4: ARCHITECTURES[machine]}
    for index, argument in enumerate((*arguments, *(0,) * 6)[:6]):
        words[16 + 8 * index] = argument & 0xFFFFFFFF
        words[20 + 8 * index] = argument >> 32
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            accumulator = words[value]
            continue
        if operation == 0x54:
            accumulator &= value
            continue
        holds = {
            0x15: accumulator == value,
            0x25: accumulator > value,
            0x45: bool(accumulator & value),
        }[operation]
        at += if_true if holds else if_false


def refused(error: int = REFUSED_ERRNO) -> int:
    """Return the filter result that refuses a call with `error`."""
    return 0x00050000 | error


@pytest.mark.parametrize("machine", [0, 1])
@pytest.mark.parametrize("refusals", [STAGE_ONE, stage_two()])
def test_what_is_listed_is_refused_on_both_machines(
    machine: int, refusals: tuple[Refusal, ...]
) -> None:
    """Each rule without an argument refuses its call on x86-64 and on aarch64."""
    code = program(refusals, machine)
    for refusal in refusals:
        number = syscalls.NUMBERS[refusal.call][machine]
        if number is not None and refusal.argument is None:
            assert filter_result(code, machine, number) == refused(refusal.error), refusal.call


@given(st.sampled_from((0, 1)), st.integers(0, syscalls.LAST_KNOWN))
def test_what_is_not_listed_is_allowed(machine: int, number: int) -> None:
    """The filter refuses what it names and nothing else."""
    for refusals in (STAGE_ONE, stage_two()):
        named = {syscalls.NUMBERS[refusal.call][machine] for refusal in refusals}
        if number not in named:
            assert filter_result(program(refusals, machine), machine, number) == ALLOWED


@given(st.integers(syscalls.LAST_KNOWN + 1, 2**32 - 1))
def test_newer_calls_are_refused(number: int) -> None:
    """Calls of a kernel that is newer than the list do not exist for the show."""
    assert filter_result(program(STAGE_ONE, 0), 0, number) == refused(errno.ENOSYS)


def test_calls_of_another_architecture_kill_the_process() -> None:
    """The calls of 32-bit programs have other numbers, which the filter does not know."""
    assert filter_result(program(STAGE_ONE, 0), 1, 1) == 0x80000000


@given(st.integers(0, 2**64 - 1))
def test_arguments_are_tested(value: int) -> None:
    """Threads may start and signals may go to this process; other processes are refused."""
    code = program((*STAGE_ONE, *stage_two()), 0)

    def allows(call: str, *arguments: int) -> bool:
        number = syscalls.NUMBERS[call][0]
        assert number is not None
        return filter_result(code, 0, number, arguments) == ALLOWED

    low = value & 0xFFFFFFFF
    assert allows("clone", value) == (bool(low & 0x10000) and not low & 0x8000)
    assert allows("kill", value, 9) == (low == os.getpid())
    assert allows("sendto", 1, 2, 3, 4, value) == (value == 0)
    assert allows("prlimit64", 0, 1, value) == (value == 0)


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


DEVICE_IOCTLS = {
    "DRM_IOCTL_VERSION": 0xC0406400,
    "EVIOCGVERSION": 0x80044501,
    "FIONREAD": 0x541B,
    "NV_ESC_RM_CONTROL": 0xC020462A,
    "TIOCGWINSZ": 0x5413,
    "UVM_INITIALIZE": 0x30000001,
    "VIDIOC_DQBUF": 0xC0585611,
}


@pytest.mark.parametrize("machine", [0, 1])
def test_ioctls_of_file_systems_are_refused_and_those_of_devices_allowed(machine: int) -> None:
    """A file that is open for reading cannot be changed by an ioctl; cameras and GPUs work."""
    code = program((*STAGE_ONE, *stage_two()), machine)
    ioctl = syscalls.NUMBERS["ioctl"][machine]
    assert ioctl is not None
    for name, number in FILE_IOCTLS.items():
        assert filter_result(code, machine, ioctl, (3, number)) == refused(), name
    for name, number in DEVICE_IOCTLS.items():
        assert filter_result(code, machine, ioctl, (3, number)) == ALLOWED, name


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
    """The show may read the width of its terminal, and leaves nothing changed on it."""
    code = program((*STAGE_ONE, *stage_two()), machine)
    ioctl = syscalls.NUMBERS["ioctl"][machine]
    assert ioctl is not None
    for name, number in READING_TERMINAL_IOCTLS.items():
        assert filter_result(code, machine, ioctl, (1, number)) == ALLOWED, name
    for name, number in CHANGING_TERMINAL_IOCTLS.items():
        assert filter_result(code, machine, ioctl, (1, number)) == refused(), name


WITHOUT_ONE_RULE = """
import os, shutil
from installation.guarding import status
from installation.guarding.layers import landlock, seccomp, syscalls
from installation.guarding.probes.all_probes import QUICK_PROBES
from installation.guarding.probes.probe import run_probes
probes = [each for each in QUICK_PROBES if each.layer == status.SECCOMP]
scratch_dir = status.make_scratch_dir({})
everything = (*seccomp.STAGE_ONE, *seccomp.stage_two())
named = {each.call.partition("(")[0] for each in probes}
# The C library implements fork() with clone().
calls = {rule.call for rule in everything if syscalls.number(rule.call)} & named - {"fork"}
assert len(calls) > 60
for call in sorted(calls):
    if not os.fork():
        landlock.set_no_new_privileges()
        # Related calls as well: otherwise the probe could not undo what it did.
        rules = [each for each in everything if each.call[:3] != call[:3]]
        seccomp.install(rules, all_threads=False)
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
    "as a 32-bit program": ("call(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')", -signal.SIGSYS, ""),
    # getpid of x86-64's second set of numbers (x32): mov eax, 0x40000027; syscall; ret.
    "by the second set": ("call(b'\\xb8\\x27\\0\\0\\x40\\x0f\\x05\\xc3')", 0, f"-{errno.ENOSYS}"),
    "as a 64-bit program": ("call(b'\\xb8\\x27\\0\\0\\0\\x0f\\x05\\xc3') > 0", 0, "True"),
}


@pytest.mark.skipif(syscalls.MACHINE != 0, reason="machine code of x86-64")
@pytest.mark.parametrize("how", OTHER_NUMBERS)
def test_other_sets_of_numbers_are_refused(how: str, tmp_path: Path) -> None:
    """The calls of 32-bit programs kill the process; x86-64's second set does not exist."""
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
    code = program(STAGE_ONE, 0)
    number = syscalls.NUMBERS["socket"][0]
    assert number is not None
    results = [filter_result(code, 0, number, (family,)) for family in range(46)]
    assert [family for family, result in enumerate(results) if result == ALLOWED] == [1]


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_no_process_gets_another_parent(user: str, tmp_path: Path) -> None:
    """A child that the kernel put beside the show instead of under it would not be found."""
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
    """A message queue and semaphores that another program made get no byte of the show."""
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
