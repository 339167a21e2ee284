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


def judged(
    code: list[Instruction], machine: int, number: int, arguments: tuple[int, ...] = ()
) -> int:
    """Return what the filter returns for a call: an interpreter of the kernel's small machine."""
    words = {0: number, 4: ARCHITECTURES[machine]}
    for index, argument in enumerate((*arguments, *(0,) * 6)[:6]):
        words[16 + 8 * index] = argument & 0xFFFFFFFF
        words[20 + 8 * index] = argument >> 32
    accumulator, at = 0, 0
    while True:
        what, if_true, if_false, value = code[at]
        at += 1
        if what == 0x06:
            return value
        if what == 0x20:
            accumulator = words[value]
            continue
        if what == 0x54:
            accumulator &= value
            continue
        true = {
            0x15: accumulator == value,
            0x25: accumulator > value,
            0x45: bool(accumulator & value),
        }[what]
        at += if_true if true else if_false


def refused(error: int = REFUSED_ERRNO) -> int:
    """Return what a filter says to refuse with `error`."""
    return 0x00050000 | error


@pytest.mark.parametrize("machine", [0, 1])
@pytest.mark.parametrize("refusals", [STAGE_ONE, stage_two()])
def test_what_is_listed_is_refused_on_both_machines(
    machine: int, refusals: tuple[Refusal, ...]
) -> None:
    """Each call that is refused as a whole is refused under its number on either machine."""
    code = program(refusals, machine)
    for refusal in refusals:
        number = syscalls.NUMBERS[refusal.call][machine]
        if number is not None and refusal.argument is None:
            assert judged(code, machine, number) == refused(refusal.error), refusal.call


@given(st.sampled_from((0, 1)), st.integers(0, syscalls.LAST_KNOWN))
def test_what_is_not_listed_is_allowed(machine: int, number: int) -> None:
    """The filter refuses what it names and nothing else."""
    for refusals in (STAGE_ONE, stage_two()):
        named = {syscalls.NUMBERS[refusal.call][machine] for refusal in refusals}
        if number not in named:
            assert judged(program(refusals, machine), machine, number) == ALLOWED


@given(st.integers(syscalls.LAST_KNOWN + 1, 2**32 - 1))
def test_calls_that_came_later_do_not_exist(number: int) -> None:
    """A kernel newer than the list has no calls that nobody looked at."""
    assert judged(program(STAGE_ONE, 0), 0, number) == refused(errno.ENOSYS)


def test_another_architecture_ends_the_program() -> None:
    """Calls made as a 32-bit program makes them have other numbers; they end the process."""
    assert judged(program(STAGE_ONE, 0), 1, 1) == 0x80000000


@given(st.integers(0, 2**64 - 1))
def test_arguments_are_looked_at(value: int) -> None:
    """Threads may start and signals go to this process; processes and other targets are refused."""
    code = program((*STAGE_ONE, *stage_two()), 0)

    def said(call: str, *arguments: int) -> bool:
        number = syscalls.NUMBERS[call][0]
        assert number is not None
        return judged(code, 0, number, arguments) == ALLOWED

    low = value & 0xFFFFFFFF
    assert said("clone", value) == (bool(low & 0x10000) and not low & 0x8000)
    assert said("kill", value, 9) == (low == os.getpid())
    assert said("sendto", 1, 2, 3, 4, value) == (value == 0)
    assert said("prlimit64", 0, 1, value) == (value == 0)


ON_FILES = {
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


ON_DEVICES = {
    "DRM_IOCTL_VERSION": 0xC0406400,
    "EVIOCGVERSION": 0x80044501,
    "FIONREAD": 0x541B,
    "NV_ESC_RM_CONTROL": 0xC020462A,
    "TIOCGWINSZ": 0x5413,
    "UVM_INITIALIZE": 0x30000001,
    "VIDIOC_DQBUF": 0xC0585611,
}


@pytest.mark.parametrize("machine", [0, 1])
def test_no_ioctl_of_a_file_system_and_every_one_of_a_device(machine: int) -> None:
    """A file that is open for reading takes no bytes by an ioctl; cameras and cards go on."""
    code = program((*STAGE_ONE, *stage_two()), machine)
    ioctl = syscalls.NUMBERS["ioctl"][machine]
    assert ioctl is not None
    for name, number in ON_FILES.items():
        assert judged(code, machine, ioctl, (3, number)) == refused(), name
    for name, number in ON_DEVICES.items():
        assert judged(code, machine, ioctl, (3, number)) == ALLOWED, name


ASKED_OF_TERMINALS = {
    "TCGETS": 0x5401,
    "TIOCGWINSZ": 0x5413,
    "FIONREAD": 0x541B,
    "FIOCLEX": 0x5451,
    "TCGETS2": 0x802C542A,
}


LEFT_ON_TERMINALS = {
    "TCSETS": 0x5402,
    "TCSETS2": 0x402C542B,
    "TIOCSPGRP": 0x5410,
    "TIOCSTI": 0x5412,
    "TIOCSWINSZ": 0x5414,
    "TIOCSETD": 0x5423,
    "FIOASYNC": 0x5452,
}


@pytest.mark.parametrize("machine", [0, 1])
def test_a_terminal_is_asked_and_left_as_it_was(machine: int) -> None:
    """The show may ask how wide its terminal is; the next program finds nothing changed on it."""
    code = program((*STAGE_ONE, *stage_two()), machine)
    ioctl = syscalls.NUMBERS["ioctl"][machine]
    assert ioctl is not None
    for name, number in ASKED_OF_TERMINALS.items():
        assert judged(code, machine, ioctl, (1, number)) == ALLOWED, name
    for name, number in LEFT_ON_TERMINALS.items():
        assert judged(code, machine, ioctl, (1, number)) == refused(), name


WITHOUT_A_RULE = """
import os, shutil
from installation.guarding import status
from installation.guarding.layers import landlock, seccomp, syscalls as kernel
from installation.guarding.probes.all_probes import QUICK_PROBES
from installation.guarding.probes.probe import run_probes
attempts = [each for each in QUICK_PROBES if each.layer == status.SECCOMP]
scratch_dir = status.make_scratch_dir({})
everything = (*seccomp.STAGE_ONE, *seccomp.stage_two())
named = {each.call.partition("(")[0] for each in attempts}
# The C library makes fork() of clone().
calls = {rule.call for rule in everything if kernel.number(rule.call)} & named - {"fork"}
assert len(calls) > 60
for call in sorted(calls):
    if not os.fork():
        landlock.set_no_new_privileges()
        # With those of its kind, or what it makes could not be removed.
        rules = [each for each in everything if each.call[:3] != call[:3]]
        seccomp.install(rules, all_threads=False)
        for outcome in run_probes(attempts, scratch_dir, "main"):
            if outcome.outcome != "refused" and outcome.call.partition("(")[0] == call:
                break
        else:
            print(call, flush=True)
        os._exit(0)
    os.wait()
shutil.rmtree(scratch_dir)
"""


@pytest.mark.parametrize("user", USERS)
def test_a_rule_that_is_taken_out_is_missed(user: str, tmp_path: Path) -> None:
    """Each call that is tried is seen not to be refused by the filter once its rule is gone."""
    outcome = run("-W", "ignore", "-c", WITHOUT_A_RULE, user=user, folder=tmp_path)
    assert (outcome.returncode, outcome.stdout) == (0, ""), outcome.stderr


OTHER_NUMBERS = {
    # getpid as a 32-bit program asks for it: mov eax, 20; int 0x80; ret.
    "as a 32-bit program": ("call(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')", -signal.SIGSYS, ""),
    # getpid by x86-64's second set: mov eax, 0x40000027; syscall; ret.
    "by the second set": ("call(b'\\xb8\\x27\\0\\0\\x40\\x0f\\x05\\xc3')", 0, f"-{errno.ENOSYS}"),
    "plainly": ("call(b'\\xb8\\x27\\0\\0\\0\\x0f\\x05\\xc3') > 0", 0, "True"),
}


@pytest.mark.skipif(syscalls.MACHINE != 0, reason="machine code of x86-64")
@pytest.mark.parametrize("how", OTHER_NUMBERS)
def test_other_sets_of_numbers_lead_nowhere(how: str, tmp_path: Path) -> None:
    """Whoever calls as a 32-bit program does is ended; x86-64's second set does not exist."""
    call, status, said = OTHER_NUMBERS[how]
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
    assert (outcome.returncode, outcome.stdout.strip()) == (status, said), outcome.stderr


def test_only_unix_sockets_in_the_first_stage() -> None:
    """While the show starts it may reach the display and no network."""
    code = program(STAGE_ONE, 0)
    number = syscalls.NUMBERS["socket"][0]
    assert number is not None
    families = [family for family in range(46) if judged(code, 0, number, (family,)) == ALLOWED]
    assert families == [1]


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_no_process_gets_another_parent(user: str, tmp_path: Path) -> None:
    """A child that the kernel put beside the show instead of under it would not be found."""
    program = """
    import os, signal
    from installation.guarding.layers import syscalls as kernel
    beside_this_one = 0x8000
    for name, arguments in (("clone", (beside_this_one | signal.SIGCHLD,)), ("clone3", (None, 0))):
        try:
            if not kernel.call(name, *arguments, *[0] * (5 - len(arguments))):
                os._exit(0)
            print("started")
        except OSError as failure:
            print(failure.strerror)
    import subprocess
    print(subprocess.run(["true"]).returncode)
    """
    said = "Operation canceled\nFunction not implemented\n0\n"
    assert run_under_stage_one(program, user, tmp_path) == said


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_queues_of_others_accept_nothing(user: str, tmp_path: Path) -> None:
    """A message queue and semaphores that another program made get no byte of the show."""
    program = """
    import ctypes, os, struct
    from installation.guarding.layers import syscalls as kernel
    queue = kernel.call("msgget", 0, 0o1666)
    semaphores = kernel.call("semget", 0, 1, 0o1666)
    message = struct.pack("@l8s", 1, b"a frame")
    set_value, send_at_once = 16, 0o4000
    def tell():
        try:
            kernel.call("msgsnd", queue, message, 8, send_at_once)
            print("sent")
        except OSError as failure:
            print(failure.errno)
        try:
            kernel.call("semctl", semaphores, 0, set_value, 12345)
            print("set")
        except OSError as failure:
            print(failure.errno)
    tell()
    if not os.fork():
        from installation.guarding.stage_one import enter_stage_one
        from installation.guarding.status import SandboxStatus
        enter_stage_one(SandboxStatus("degraded"), None)
        tell()
        import sys
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    kernel.call("msgctl", queue, 0, None)
    kernel.call("semctl", semaphores, 0, 0, None)
    """
    outcome = run("-u", "-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout == f"sent\nset\n{REFUSED_ERRNO}\n{REFUSED_ERRNO}\n", outcome.stderr
