from __future__ import annotations

import textwrap
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
        "is a network socket",
    ),
    "a pair of sockets": ("import socket; kept = socket.socketpair()", "an unnamed program"),
    "a pipe to another program": (
        "import os, subprocess; read, write = os.pipe(); "
        "kept = subprocess.Popen(['sleep', '60'], stdin=read); os.close(read)",
        "is a pipe",
    ),
    # Another process may have been given its other end.
    "a pipe of its own": ("import os; kept = os.pipe()", "is a pipe"),
    "a socket for messages": (
        "import socket; kept = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "is a network socket or a datagram socket",
    ),
    "memory with a name": (
        "import os; kept = os.memfd_create('wayland-cursor')",
        "is memory that other programs could share",
    ),
    "a display of its own": (
        "import os, socket\n"
        "os.environ |= {'WAYLAND_DISPLAY': os.path.abspath('wayland-9')}\n"
        "server = socket.socket(socket.AF_UNIX)\n"
        "server.bind(os.environ['WAYLAND_DISPLAY'])\n"
        "server.listen()\n"
        "client = socket.socket(socket.AF_UNIX)\n"
        "client.connect(os.environ['WAYLAND_DISPLAY'])\n"
        "server.close()\n",
        "is a socket to this process itself",
    ),
    "a display that nobody named": (
        "import os, socket, subprocess, sys\n"
        "listen = 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); '\n"
        "listen += 's.listen(); print(1, flush=True); s.accept(); sys.stdin.read()'\n"
        "kept = subprocess.Popen([sys.executable, '-c', listen, 'wayland-7'],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "kept.stdout.readline()\n"
        "client = socket.socket(socket.AF_UNIX)\n"
        "client.connect('wayland-7')\n",
        "is a socket to wayland-7",
    ),
    "four sockets to the display": (
        "import os, socket, subprocess, sys\n"
        "os.environ |= {'WAYLAND_DISPLAY': os.path.abspath('wayland-9')}\n"
        "listen = 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); '\n"
        "listen += 's.listen(); print(1, flush=True); sys.stdin.read()'\n"
        "kept = subprocess.Popen([sys.executable, '-c', listen, os.environ['WAYLAND_DISPLAY']],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "kept.stdout.readline()\n"
        "clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]\n"
        "for client in clients: client.connect(os.environ['WAYLAND_DISPLAY'])\n",
        "4 sockets to the display (expected at most 3)",
    ),
    "descriptors under way": (
        "import os, socket, subprocess, sys\n"
        "os.environ |= {'WAYLAND_DISPLAY': os.path.abspath('wayland-9')}\n"
        "listen = 'import array, os, socket, sys; s = socket.socket(socket.AF_UNIX); '\n"
        "listen += 's.bind(sys.argv[1]); s.listen(); print(1, flush=True); c = s.accept()[0]; '\n"
        'listen += \'f = array.array("i", [os.memfd_create("x")]); \'\n'
        "listen += 'c.sendmsg([b\"x\"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, f)]); '\n"
        "listen += 'print(2, flush=True); sys.stdin.read()'\n"
        "kept = subprocess.Popen([sys.executable, '-c', listen, os.environ['WAYLAND_DISPLAY']],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "kept.stdout.readline()\n"
        "client = socket.socket(socket.AF_UNIX)\n"
        "client.connect(os.environ['WAYLAND_DISPLAY'])\n"
        "kept.stdout.readline()\n",
        "is sending descriptors of open files",
    ),
    "a device": ("kept = open('/dev/full', 'w')", "is a device that is not allowed"),
    "a mapping": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096); file.close()",
        "is writable",
    ),
    "a read-only mapping of a file for writing": (
        "import mmap; file = open('new', 'w+b'); file.truncate(4096); "
        "kept = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ); file.close()",
        "is writable",
    ),
    "memory with a name, only mapped": (
        "import ctypes, os\n"
        "file = os.memfd_create('x')\n"
        "os.ftruncate(file, 4096)\n"
        "map = ctypes.CDLL(None).mmap\n"
        "map.argtypes = [ctypes.c_void_p, *[ctypes.c_long] * 5]\n"
        "map(None, 4096, 3, 1, file, 0)\n"
        "os.close(file)\n",
        "/memfd:x (deleted) is writable",
    ),
    "a number that others may have": (
        "import os; kept = os.eventfd(0)",
        "is a counter that other programs could read",
    ),
    "descriptors of one thread": (
        "import ctypes, os, threading\n"
        "stay, ready = threading.Event(), threading.Event()\n"
        "def keep():\n"
        "    kept = os.open('new', os.O_CREAT | os.O_WRONLY)\n"
        "    assert not ctypes.CDLL(None).unshare(0x400)\n"
        "    ready.set()\n"
        "    stay.wait()\n"
        "threading.Thread(target=keep, daemon=True).start()\n"
        "ready.wait()\n"
        "os.close(3)\n",
        "has descriptors of its own",
    ),
    "memory of its own": ("import mmap; kept = mmap.mmap(-1, 4096)", None),
}


FIND_LEAKS = """
from installation.guarding.open_files import find_leaks
for mistake in find_leaks(["/dev/null"], ()):
    print(mistake.problem)
if type(globals().get("kept")).__name__ == "Popen":
    kept.kill()
    kept.wait()
"""


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("case", LEFT_OPEN)
def test_what_was_opened_before_the_sandbox_is_found(user: str, tmp_path: Path, case: str) -> None:
    """Each kind of descriptor and mapping that could carry pictures is found."""
    statement, problem = LEFT_OPEN[case]
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
@pytest.mark.parametrize("case", LEFT_BEHIND)
def test_a_child_of_the_start_up_is_found(user: str, tmp_path: Path, case: str) -> None:
    """A process that the start-up left running is reported: stage two does not restrict it."""
    program = DEGRADED + STAY + LEFT_BEHIND[case] + SEAL
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert ", which stage two does not restrict" in outcome.stdout


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
        (b"/tmp/.X11-unix/X7", True),
        (b"\0/tmp/.X11-unix/X7", True),
        # Displays that the session does not name.
        (b"/tmp/.X11-unix/X0", False),
        (b"\0/tmp/.X11-unix/X77", False),
        (b"/run/user/1000/wayland-1\0", False),
        # The names that a session may give: cage, gamescope and weston take any.
        (b"/run/user/1000/gallery", True),
        (b"/run/user/1000/gallery-2", False),
        (b"/tmp/gallery", False),
        (b"/run/user/1000/bus", False),
    ],
)
def test_a_display_may_have_any_name_that_the_session_gives(address: bytes, display: bool) -> None:
    """A socket to the session's compositor is no leak, whatever its name; others are."""
    session = {"XDG_RUNTIME_DIR": "/run/user/1000", "WAYLAND_DISPLAY": "gallery", "DISPLAY": ":7.0"}
    assert open_files.is_display(address, session) == display


def test_a_display_may_be_named_by_its_path() -> None:
    """WAYLAND_DISPLAY may be an absolute path; without the variable that path is not a display."""
    session = {"WAYLAND_DISPLAY": "/srv/screen"}
    assert open_files.is_display(b"/srv/screen", session)
    assert not open_files.is_display(b"/srv/screen", {})
    assert not open_files.is_display(b"", {"WAYLAND_DISPLAY": "", "XDG_RUNTIME_DIR": "/run"})


def test_the_search_opens_nothing(tmp_path: Path) -> None:
    """The search leaves no descriptor open, which would keep an output filter from ending."""
    program = """
    import os
    from installation.guarding.open_files import find_leaks
    kept = os.pipe()
    before = os.listdir("/proc/self/fd")
    find_leaks(["/dev/null"], kept)
    print(os.listdir("/proc/self/fd") == before)
    """
    outcome = run("-c", textwrap.dedent(program), user="root", folder=tmp_path)
    assert outcome.stdout == "True\n", outcome.stderr
