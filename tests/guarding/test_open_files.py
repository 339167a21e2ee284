from __future__ import annotations

from pathlib import Path

import pytest

from installation.guarding import open_files
from tests.support.children import (
    STAGE_ONE_PROGRAM,
    USERS,
    needs_guard,
    run,
)

LEFT_OPEN = {
    "nothing": ("", None),
    "a file for writing": ("kept = open('new', 'w')", "is a file that is open for writing"),
    "a socket to the network": (
        "import socket; kept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        "kept.connect(('127.0.0.1', 9))",
        "is a socket to a network",
    ),
    "a pair of sockets": ("import socket; kept = socket.socketpair()", "an unnamed program"),
    "a pipe to another program": (
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
    "a read-only mapping of a file for writing": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ); file.close()",
        "can be written",
    ),
    "memory of its own": ("import mmap; kept = mmap.mmap(-1, 4096)", None),
}


FIND_LEAKS = """
from installation.guarding.open_files import find_leaks
for mistake in find_leaks(["/dev/null"], ()):
    print(mistake.what)
if type(globals().get("kept")).__name__ == "Popen":
    kept.kill()
    kept.wait()
"""


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("what", LEFT_OPEN)
def test_what_was_opened_before_the_sandbox_is_found(user: str, tmp_path: Path, what: str) -> None:
    """Each kind of descriptor and mapping that could carry pictures is found."""
    statement, problem = LEFT_OPEN[what]
    program = f"{statement}\n{FIND_LEAKS}"
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    if problem is None:
        assert outcome.stdout == ""
    else:
        assert problem in outcome.stdout


SEAL = """
from installation.guarding.guard import Guard
proof = Guard(status, []).seal()
for mistake in proof.missing:
    print(mistake)
"""


DEGRADED = STAGE_ONE_PROGRAM.replace("enforce", "degraded")


STAY = """
import os, select
parent = os.pidfd_open(os.getpid())
def stay():
    end = select.poll()
    end.register(parent, select.POLLIN)
    end.poll()
    os._exit(0)
"""


LEFT_BEHIND = {
    "a child": "if not os.fork():\n    stay()\n",
    "a child's child": (
        "if not os.fork():\n    if not os.fork():\n        stay()\n    os._exit(0)\nos.wait()\n"
    ),
}


@pytest.mark.parametrize("user", USERS)
@needs_guard
@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_a_child_of_the_start_up_is_found(user: str, tmp_path: Path, what: str) -> None:
    """A process that the start-up left is only under stage one and may share memory."""
    program = DEGRADED + STAY + LEFT_BEHIND[what] + SEAL
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "was started by the show and is not restricted by stage two" in outcome.stdout


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_children_from_before_the_launcher_are_allowed(user: str, tmp_path: Path) -> None:
    """Output filters, and programs that a shell started before, share nothing with the show."""
    outcome = run(
        "-c", STAY + LEFT_BEHIND["a child"] + STAGE_ONE_PROGRAM + SEAL, user=user, folder=tmp_path
    )
    assert outcome.stdout == "", outcome.stderr
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("address", "display"),
    [
        (b"/tmp/.X11-unix/X0", True),
        (b"\0/tmp/.X11-unix/X0", True),
        (b"/run/user/1000/wayland-1\0", True),
        # The names that a session may give: cage, gamescope and weston take any.
        (b"/run/user/1000/gallery", True),
        (b"/run/user/1000/gallery-2", False),
        (b"/tmp/gallery", False),
        (b"/run/user/1000/bus", False),
    ],
)
def test_a_display_may_have_any_name_that_the_session_gives(address: bytes, display: bool) -> None:
    """A socket to the compositor is not a leak, whatever it is called; any other socket is."""
    session = {"XDG_RUNTIME_DIR": "/run/user/1000", "WAYLAND_DISPLAY": "gallery"}
    assert open_files.is_display(address, session) == display


def test_a_display_may_be_named_by_its_path() -> None:
    """WAYLAND_DISPLAY may be an absolute path; without it no other socket is a display."""
    session = {"WAYLAND_DISPLAY": "/srv/screen"}
    assert open_files.is_display(b"/srv/screen", session)
    assert not open_files.is_display(b"/srv/screen", {})
    assert not open_files.is_display(b"", {"WAYLAND_DISPLAY": "", "XDG_RUNTIME_DIR": "/run"})
