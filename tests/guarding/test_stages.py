from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.guarding.children import FIRST_STAGE, USERS, run

pytestmark = pytest.mark.parametrize("user", USERS)


def child(program: str, user: str, folder: Path) -> str:
    """Run `program` under the first stage as `user` and return what it prints."""
    outcome = run("-c", FIRST_STAGE + textwrap.dedent(program), user=user, folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


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
    from installation.guarding import landlock
    for devices in ([Path("/dev/null"), Path("/dev/none")], [Path("/etc/passwd")]):
        try:
            landlock.restrict(devices)
        except OSError:
            open("new", "w").close()
            print("refused")
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout == "refused\nrefused\n", outcome.stderr


def test_root_keeps_no_right_of_root(user: str, tmp_path: Path) -> None:
    """Whoever starts the show as root has, after the first stage, no more rights than others."""
    program = """
    rights = [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")]
    import os
    print(os.geteuid() == 0 and int(rights[0], 16))
    """
    assert child(program, user, tmp_path).strip() in ("0", "False")


def test_a_second_thread_stops_the_launcher(user: str, tmp_path: Path) -> None:
    """A thread that was there before the guard would be free of it; the launcher says so."""
    program = """
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    from installation.guarding.launcher import first_stage
    from installation.guarding.standing import Standing
    print(first_stage(Standing("enforce"), None).missing[0])
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout.startswith("one thread: 1 more run already"), outcome.stderr


OPENINGS = {
    "nothing": ("", None),
    "a file to write": ("kept = open('new', 'w')", "is a file that may be written"),
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
    "a device": ("kept = open('/dev/full', 'w')", "is a device that was not allowed"),
    "a mapping": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096); file.close()",
        "may be written",
    ),
    "a mapping for reading of a file to write": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ); file.close()",
        "may be written",
    ),
    "memory of its own": ("import mmap; kept = mmap.mmap(-1, 4096)", None),
}


@pytest.mark.parametrize("what", OPENINGS)
def test_what_was_opened_before_the_guard_is_found(user: str, tmp_path: Path, what: str) -> None:
    """A descriptor or a mapping from before would go round the guard; each kind is found."""
    opening, found = OPENINGS[what]
    program = f"{opening}\nfrom installation.guarding.openings import look\n" + textwrap.dedent(
        """
        for mistake in look(["/dev/null"], ()):
            print(mistake.what)
        if type(globals().get("kept")).__name__ == "Popen":
            kept.kill()
            kept.wait()
        """
    )
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    if found is None:
        assert outcome.stdout == ""
    else:
        assert found in outcome.stdout
