from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from installation.guarding.layers.seccomp import REFUSED_ERRNO
from tests.support.children import (
    STAGE_ONE_PROGRAM,
    USERS,
    as_user,
    environment,
    home_of,
    needs_guard,
    run,
)

pytestmark = pytest.mark.parametrize("user", USERS)

RIGHTS = """
from installation.guarding.layers import limits
print(limits.capabilities())
"""


def child(program: str, user: str, folder: Path) -> str:
    """Run `program` under the first stage as `user` and return what it prints."""
    outcome = run("-c", STAGE_ONE_PROGRAM + textwrap.dedent(program), user=user, folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


@needs_guard
def test_the_first_stage_outlives_the_program(user: str, tmp_path: Path) -> None:
    """What is started from the launcher, and every thread of it, may write no file."""
    program = """
    import subprocess, sys
    program = '''
    import threading
    def write():
        try:
            open("new", "w")
            print("written")
        except PermissionError:
            print("refused")
    write()
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    '''
    import textwrap
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
    """
    assert child(program, user, tmp_path) == "refused\nrefused\n"
    assert not (tmp_path / "home" / "new").exists()


def test_without_the_first_stage_the_same_program_writes(user: str, tmp_path: Path) -> None:
    """The control: the folder may be written, but for the guard."""
    outcome = run("-c", "open('new', 'w'); print('written')", user=user, folder=tmp_path)
    assert outcome.stdout == "written\n"
    assert (tmp_path / "home" / "new").exists()


@needs_guard
def test_reading_goes_on(user: str, tmp_path: Path) -> None:
    """Weights, fonts and films are read as before, and what is thrown away goes to /dev/null."""
    program = """
    print(len(open("/etc/passwd").read()) > 0)
    print(open("/dev/null", "w").write("gone"))
    """
    assert child(program, user, tmp_path) == "True\n4\n"


def test_a_rule_that_cannot_be_had_is_no_guard_at_all(user: str, tmp_path: Path) -> None:
    """A device that is missing is an error, and nothing is half taken away."""
    program = """
    from pathlib import Path
    from installation.guarding.layers import landlock
    for devices in ([Path("/dev/null"), Path("/dev/none")], [Path("/etc/passwd")]):
        try:
            landlock.restrict(devices)
        except OSError:
            open("new", "w").close()
            print("refused")
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout == "refused\nrefused\n", outcome.stderr


@needs_guard
def test_root_keeps_no_right_of_root(user: str, tmp_path: Path) -> None:
    """Whoever starts the show as root has, after the first stage, no more rights than others."""
    program = """
    rights = [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")]
    import os
    print(os.geteuid() == 0 and int(rights[0], 16))
    """
    assert child(program, user, tmp_path).strip() in ("0", "False")


@needs_guard
def test_an_ordinary_user_keeps_no_right_but_to_read(user: str, tmp_path: Path) -> None:
    """What rights of root somebody gave the show's user, the first stage takes away."""
    if user == "root" or os.geteuid() != 0:
        pytest.skip("only root can give rights of root to an ordinary user")
    home = home_of(user, tmp_path)
    outcome = subprocess.run(
        [
            *as_user(user, "sys_time", "net_admin"),
            *(sys.executable, "-c", f"{RIGHTS}{STAGE_ONE_PROGRAM}{RIGHTS}"),
        ],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    before, after = outcome.stdout.split()
    reads, network, time = 1 << 2, 1 << 12, 1 << 25
    assert int(before) == reads | network | time
    assert int(after) == reads


def test_a_second_thread_stops_the_launcher(user: str, tmp_path: Path) -> None:
    """A thread that was there before the guard would be free of it; the launcher says so."""
    program = """
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    from installation.guarding.stage_one import enter_stage_one
    from installation.guarding.status import SandboxStatus
    print(enter_stage_one(SandboxStatus("enforce"), None).missing[0])
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout.startswith("threads: 1 more running before the sandbox"), outcome.stderr


OPENINGS = {
    "nothing": ("", None),
    "a file to write": ("kept = open('new', 'w')", "is a file that is open for writing"),
    "a socket to the network": (
        "import socket; kept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        "kept.connect(('127.0.0.1', 9))",
        "is a socket to a network",
    ),
    "a pair of sockets": ("import socket; kept = socket.socketpair()", "an unnamed program"),
    "a pipe to somebody": (
        "import os, subprocess; read, write = os.pipe(); "
        "kept = subprocess.Popen(['sleep', '60'], stdin=read); os.close(read)",
        "is a pipe to another program",
    ),
    "a pipe of its own": ("import os; kept = os.pipe()", None),
    "a device": ("kept = open('/dev/full', 'w')", "is a device that is not allowed"),
    "a mapping": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096); file.close()",
        "can be written",
    ),
    "a mapping for reading of a file to write": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ); file.close()",
        "can be written",
    ),
    "memory of its own": ("import mmap; kept = mmap.mmap(-1, 4096)", None),
}


@pytest.mark.parametrize("what", OPENINGS)
def test_what_was_opened_before_the_guard_is_found(user: str, tmp_path: Path, what: str) -> None:
    """A descriptor or a mapping from before would go round the guard; each kind is found."""
    opening, found = OPENINGS[what]
    program = (
        f"{opening}\nfrom installation.guarding.open_files import find_leaks\n"
        + textwrap.dedent(
            """
        for mistake in find_leaks(["/dev/null"], ()):
            print(mistake.what)
        if type(globals().get("kept")).__name__ == "Popen":
            kept.kill()
            kept.wait()
        """
        )
    )
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    if found is None:
        assert outcome.stdout == ""
    else:
        assert found in outcome.stdout


SEAL = """
from installation.guarding.guard import Guard
proof = Guard(status, []).seal()
for mistake in proof.missing:
    print(mistake)
"""
DEGRADED = STAGE_ONE_PROGRAM.replace("enforce", "degraded")

STAY = """
import os, select
ending = os.pidfd_open(os.getpid())
def stay():
    end = select.poll()
    end.register(ending, select.POLLIN)
    end.poll()
    os._exit(0)
"""
LEFT_BEHIND = {
    "a child": "if not os.fork():\n    stay()\n",
    "a child's child": (
        "if not os.fork():\n    if not os.fork():\n        stay()\n    os._exit(0)\nos.wait()\n"
    ),
}


@needs_guard
@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_a_process_that_the_start_left_behind_is_found(
    user: str, tmp_path: Path, what: str
) -> None:
    """A child of the start is under the first stage alone and may share memory with the show."""
    program = DEGRADED + STAY + LEFT_BEHIND[what] + SEAL
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "was started by the show and is not under stage two" in outcome.stdout


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
    assert child(program, user, tmp_path) == said


@needs_guard
def test_who_was_there_before_the_launcher_is_no_mistake(user: str, tmp_path: Path) -> None:
    """The clerks, and what a shell started before it became the launcher, share nothing."""
    outcome = run(
        "-c", STAY + LEFT_BEHIND["a child"] + STAGE_ONE_PROGRAM + SEAL, user=user, folder=tmp_path
    )
    assert outcome.stdout == "", outcome.stderr
    assert outcome.returncode == 0, outcome.stderr


@needs_guard
def test_what_is_open_is_looked_through_behind_the_second_filter(user: str, tmp_path: Path) -> None:
    """No thread can open a socket between the look and the filter, for the filter comes first."""
    program = """
    import socket
    from dataclasses import replace
    from installation.guarding.guard import Guard
    class Devices(tuple):
        def __iter__(self):
            try:
                socket.socketpair()
                print("opened")
            except OSError:
                print("refused")
            return super().__iter__()
    Guard(replace(status, devices=Devices(status.devices)), []).seal()
    """
    assert child(program, user, tmp_path) == "refused\n"


@needs_guard
def test_a_thread_outside_the_second_stage_is_found(user: str, tmp_path: Path) -> None:
    """To be under the first stage's filter is not enough; each thread must be under both."""
    program = """
    import threading
    from installation.guarding.layers import seccomp
    end = threading.Event()
    earlier = threading.Thread(target=end.wait)
    earlier.start()
    print(seccomp.all_threads_filtered())
    seccomp.install(seccomp.stage_two(), all_threads=False)
    print(seccomp.all_threads_filtered())
    end.set()
    earlier.join()
    print(seccomp.all_threads_filtered())
    """
    assert child(program, user, tmp_path) == "False\nFalse\nTrue\n"


def test_half_a_self_test_is_none(user: str, tmp_path: Path) -> None:
    """Where the earlier thread ends in the midst of its attempts, nothing is proved."""
    program = """
    import sys, threading
    from installation.guarding.probes.probe import SECCOMP, Probe
    from installation.guarding.guard import Guard
    from installation.guarding.layers.seccomp import REFUSED_ERRNO
    from installation.guarding.status import SandboxStatus
    def action(scratch_dir):
        if threading.current_thread() is threading.main_thread():
            raise OSError(REFUSED_ERRNO, "refused")
        sys.exit()
    proof = Guard(SandboxStatus("degraded"), [Probe("leave", "exit()", SECCOMP, action)]).seal()
    print(proof.holds, *[mistake for mistake in proof.missing if mistake.where == "self-test"])
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout.startswith("False self-test: the earlier thread"), outcome.stderr


@needs_guard
def test_queues_of_others_take_nothing(user: str, tmp_path: Path) -> None:
    """A queue that somebody else made before, and semaphores, take no byte of the show's."""
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


@needs_guard
def test_locks_are_left_by_nobody(user: str, tmp_path: Path) -> None:
    """The kernel lists every lock with its 16 bytes of place; from the second stage on none is."""
    program = """
    import fcntl, os
    from installation.guarding.layers import seccomp
    own = f" {os.getpid()} "
    with open("/etc/passwd") as file:
        fcntl.lockf(file, fcntl.LOCK_SH, 12345, 67890)
        print(any(own in line and "67890" in line for line in open("/proc/locks")))
        seccomp.install(seccomp.stage_two(), all_threads=True)
        for lock in (fcntl.lockf, fcntl.flock):
            try:
                lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as failure:
                print(failure.errno)
    """
    assert child(program, user, tmp_path) == f"True\n{REFUSED_ERRNO}\n{REFUSED_ERRNO}\n"


@needs_guard
def test_a_rule_that_is_missing_closes_the_show(user: str, tmp_path: Path) -> None:
    """That the kernel keeps an ordinary user from swapping makes up for no rule of the guard's."""
    program = """
    from installation.errors import GuardError
    from installation.guarding.layers import seccomp
    seccomp.STAGE_ONE = tuple(each for each in seccomp.STAGE_ONE if each.call != "swapon")
    from installation.guarding.stage_one import enter_stage_one
    from installation.guarding.guard import Guard
    from installation.guarding.status import SandboxStatus
    try:
        Guard(enter_stage_one(SandboxStatus("enforce"), None)).seal()
    except GuardError as failure:
        print(failure)
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    told = outcome.stdout.splitlines()
    assert len(told) == 2, outcome.stderr
    for line in told:
        assert line.startswith("probe 'swap to a file': not refused by the sandbox"), line


@needs_guard
def test_other_programs_run_on_as_they_did(user: str, tmp_path: Path) -> None:
    """What is set of another program of the user would outlive the show; once sealed, nothing is.

    The control: before the second stage the same calls leave their marks.
    """
    program = """
    import fcntl, os
    from installation.guarding.layers import seccomp
    read, write = os.pipe()
    other = os.fork()
    if not other:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    set_size = 1031
    def mark(value):
        for call, arguments in (
            (os.setpriority, (os.PRIO_PROCESS, other, value)),
            (os.sched_setscheduler, (other, os.SCHED_BATCH, os.sched_param(0))),
            (os.sched_setaffinity, (other, os.sched_getaffinity(other))),
            (fcntl.fcntl, (write, set_size, value * 4096)),
        ):
            try:
                call(*arguments)
            except OSError as failure:
                print(failure.errno)
        print(os.getpriority(os.PRIO_PROCESS, other), fcntl.fcntl(read, set_size + 1))
    mark(8)
    seccomp.install(seccomp.stage_two(), all_threads=True)
    mark(16)
    """
    refused = f"{REFUSED_ERRNO}\n" * 4
    assert child(program, user, tmp_path) == f"8 32768\n{refused}8 32768\n"
