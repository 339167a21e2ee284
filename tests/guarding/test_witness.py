from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from installation.guarding.witness import HIDDEN, Witness
from tests.support.children import (
    NOBODY,
    USERS,
    as_user,
    environment,
    home_of,
    needs_guard,
    run,
    run_until,
)

LOOK = """
import ctypes, os, resource, select, signal, sys, threading
from installation.guarding.guard import Guard
from installation.guarding.layers import limits, seccomp, syscalls
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.status import SandboxStatus
from installation.guarding.witness import Witness
witness = Witness()
ready, go = os.pipe(), os.pipe()
before, sealed, outside = sys.argv[1:4]
show = os.fork()
if not show:
    status = SandboxStatus("degraded", progress_pipe=ready[1], orders_pipe=go[0])
    status = enter_stage_one(status, None)
    guard = Guard(status, [])
    exec(before)
    exec(sealed)
    os.write(ready[1], b"x")
    os.read(go[0], 1)
    os._exit(0)
os.close(ready[1])
assert os.read(ready[0], 1)
exec(outside)
for problem in witness.find_problems(show):
    print(problem)
os.write(go[1], b"x")
"""

SEAL = "guard.seal()"

ORPHAN = """
if not os.fork():
    if not os.fork():
        os.setsid()
        os.read(go[0], 1)
        os._exit(0)
    os._exit(0)
os.wait()
"""

HEADLESS_ORPHAN = """
if not os.fork():
    if not os.fork():
        threading.Thread(target=os.read, args=(go[0], 1)).start()
        syscalls.call("exit", 0)
    os._exit(0)
os.wait()
"""
"""Leaves a process whose first thread has ended."""

CHAIN = """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if not os.fork():
    while not select.select([go[0]], [], [], 0)[0]:
        if os.fork():
            os._exit(0)
    os._exit(0)
"""
"""Leaves a process that lives for an instant, and starts the next one before it ends."""

UNMARK = """
for child in open(f"/proc/{show}/task/{show}/children").read().split():
    resource.prlimit(int(child), limits.MARK, (1, resource.getrlimit(limits.MARK)[1]))
"""
"""Takes the mark away from outside the sandbox, where no filter refuses that."""

UNMARK_SHOW = """
resource.prlimit(show, limits.MARK, (1, resource.getrlimit(limits.MARK)[1]))
"""

BESIDE = """
answer = os.pipe()
if not (starter := os.fork()):
    if os.fork():
        os._exit(0)
    os.setsid()
    {supervisor}
    enter_stage_one(SandboxStatus("degraded", progress_pipe=answer[1], orders_pipe=go[0]), None)
    os.write(answer[1], b"x")
    os.read(go[0], 1)
    os._exit(0)
os.waitpid(starter, 0)
assert os.read(answer[0], 1)
"""
"""Starts a process under stage one that is not a descendant of this process."""

TRACE = """
seize = 0x4206
assert not ctypes.CDLL(None).ptrace(seize, show, 0, 0)
"""

OPEN_MEMORY = "other programs of the same user can read the show's memory"
"""The mistake about readable memory; for root it is not checked, because root may read all
memory.
"""

SHOWS = {
    "a whole show": ("", SEAL, "", None),
    "a show that never sealed": (
        "",
        "",
        "",
        "seccomp filters are missing in 1 of 1 thread (a thread has 1 filter",
    ),
    "a show without stage two": (
        "",
        "guard.enter_middle_stage(); limits.forbid_file_growth()",
        "",
        "(a thread has 2 filters, expected 3)",
    ),
    "a thread without stage two": (
        "seccomp.install(seccomp.MIDDLE_STAGE, all_threads=True)\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "limits.forbid_file_growth(); seccomp.install(seccomp.stage_two(), all_threads=False)",
        "",
        "seccomp filters are missing in 1 of 2 threads",
    ),
    "files that may grow": (
        "limits.forbid_file_growth = lambda: None",
        SEAL,
        "",
        "the show can make files larger",
    ),
    "an orphan of the start-up": (ORPHAN, SEAL, "", "started by the show, is still running"),
    "an orphan whose first thread has ended": (
        HEADLESS_ORPHAN,
        SEAL,
        "",
        "started by the show, is still running",
    ),
    "a chain of orphans": (CHAIN, SEAL, "", "started by the show, is still running"),
    "an orphan without its mark": (ORPHAN, SEAL, UNMARK, "started by the show, is still running"),
    "an orphan that is no longer a descendant": (
        "",
        SEAL,
        BESIDE.format(supervisor=""),
        "started by the show, is still running",
    ),
    "a show without its mark": (
        "",
        SEAL,
        UNMARK_SHOW,
        "has changed the mark by which the supervisor",
    ),
    "the show of another supervisor": ("", SEAL, BESIDE.format(supervisor="Witness()"), None),
    "a tracer": ("limits.protect_memory = lambda: None", SEAL, TRACE, "traces the show"),
    "open memory": ("limits.protect_memory = lambda: None", SEAL, "", OPEN_MEMORY),
    "another user": ("", SEAL, "object.__setattr__(witness._own, 'uid', 7)", "runs as user"),
}


@needs_guard
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("case", SHOWS)
def test_a_show_is_looked_at_from_outside(case: str, user: str, tmp_path: Path) -> None:
    """The witness accepts a complete show, and finds each missing layer and leftover process.

    Processes that another supervisor started do not count as leftovers.
    """
    before, sealed, outside, problem = SHOWS[case]
    outcome = run("-W", "ignore", "-c", LOOK, before, sealed, outside, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    if problem is None or (problem, user) == (OPEN_MEMORY, "root"):
        assert outcome.stdout == "", outcome.stderr
    else:
        assert problem in outcome.stdout, outcome.stderr


def test_a_file_that_is_open_for_writing_is_found(tmp_path: Path) -> None:
    """A file that the show has open for writing is found, if open files may be listed."""
    witness = Witness()

    def seen() -> list[str]:
        return [
            str(each) for each in witness.find_problems(os.getpid()) if "open for" in each.problem
        ]

    file = tmp_path / "new"
    assert not any(str(file) in each for each in seen())
    with file.open("w"):
        assert any(f"the show has a file open for writing ({file})" in each for each in seen())
    with file.open():
        assert not any(str(file) in each for each in seen())


def test_a_show_that_has_ended_is_not_whole() -> None:
    """A show that has ended is not complete, because facts that cannot be read count as missing."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert [each.problem for each in Witness().find_problems(ended.pid)] == ["the show has ended"]


FORGED = """
import sys, time
from installation import launch
from installation.guarding import stage_one
assignments = (
    "from installation.guarding import guard, self_test; "
    "from installation.guarding.probes.all_probes import QUICK_PROBES as probes; "
    "from installation.guarding.probes.probe import ProbeResult as Result; "
    "names = ((probe.name, thread) for probe in probes for thread in (\'main\', \'earlier\')); "
    "results = [Result(name, \'call()\', thread, \'refused\') for name, thread in names]; "
    "guard.enter_middle_stage = lambda: []; "
    "guard.enter_stage_two = lambda _: []; "
    "guard.unfiltered_threads = lambda: []; "
    "self_test.SelfTest.run = lambda self: results; "
    "guard.find_landlock_gaps = lambda *_: []; "
)
if sys.argv.pop(1) == "forged":
    program = stage_one._SHOW_PROGRAM
    stage_one._SHOW_PROGRAM = program.replace("; start()", "; " + assignments + "start()")
launch.isolate = lambda _: None  # Another program would not have these assignments.
launch.start()
"""


@pytest.mark.slow
@needs_guard
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("kind", ["forged", "honest"])
def test_a_forged_self_test_opens_no_camera(kind: str, user: str, tmp_path: Path) -> None:
    """A show that forges its self-test opens no camera, because the witness finds too few filters.

    The control: without the forgery the same show opens its camera.
    """
    arguments = ("run", "--headless", "--source", "rehearsal")
    line = "supervisor: the show ended" if kind == "forged" else "camera: "
    outcome = run_until(line, "-c", FORGED, kind, *arguments, user=user, folder=tmp_path)
    assert " ways to get data out, and all were refused" in outcome.stderr
    found = "supervisor: witness: " in outcome.stderr
    assert (found, "camera: rehearsal" in outcome.stderr) == (
        (True, False) if kind == "forged" else (False, True)
    ), outcome.stderr


NONDUMPABLE = """
import os, sys
from installation.guarding.layers.limits import protect_memory
from installation.guarding.witness import Witness
ready, end = os.pipe(), os.pipe()
if not (child := os.fork()):
    protect_memory()
    os.close(end[1])
    os.write(ready[1], b"x")
    os.read(end[0], 1)
    os._exit(0)
os.read(ready[0], 1)
witness = Witness()
print(*witness.find_problems(child), sep="\\n")
os.close(end[1])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount and two users")
@pytest.mark.parametrize(
    ("options", "hidden"), [("hidepid=2", True), (f"hidepid=2,gid={NOBODY}", False)]
)
def test_a_proc_that_hides_the_show_is_named(options: str, hidden: bool, tmp_path: Path) -> None:
    """If `hidepid=2` hides the show from the supervisor, the message says how to mount /proc.

    With the option `gid=` of that message, the supervisor sees the show. It then reports that this
    test's child has no seccomp filter.
    """
    mounted = f"mount -t proc -o {options} proc /proc"
    who = " ".join(as_user("ordinary user"))
    shell = f'{mounted} && exec {who} "$0" "$@"'
    outcome = subprocess.run(
        ["unshare", "-m", "sh", "-c", shell, sys.executable, "-c", NONDUMPABLE],
        cwd=tmp_path,
        env=environment(home_of("ordinary user", tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert (str(HIDDEN) in outcome.stdout) is hidden
    assert ("seccomp filters are missing in" in outcome.stdout) is not hidden


IN_FLIGHT = """
import ctypes, mmap, os, socket, sys, threading
from installation.guarding.guard import Guard
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.status import SandboxStatus
from installation.guarding.witness import Witness
listener = socket.socket(socket.AF_UNIX)
listener.bind("outside")
listener.listen()
witness = Witness()
ready, go = os.pipe(), os.pipe()
show = os.fork()
if not show:
    status = SandboxStatus("degraded", progress_pipe=ready[1], orders_pipe=go[0])
    guard = Guard(enter_stage_one(status, None), [])
    memory = mmap.mmap(-1, 1 << 24, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    to = socket.socket(socket.AF_UNIX)
    to.connect("outside")
    file, send = to.detach(), ctypes.CDLL(None).send
    arguments = file, ctypes.c_void_p(address), ctypes.c_size_t(len(memory)), 0
    threading.Thread(target=send, args=arguments, daemon=True).start()
    os.write(ready[1], b"sends")
    os.read(go[0], 1)
    os.close(file)
    proof = guard.seal()
    assert not proof.missing, proof.missing
    os.write(ready[1], b"sealed")
    os.read(go[0], 1)
    memory[:] = b"x" * len(memory)
    os.write(ready[1], b"has a picture")
    os.read(go[0], 1)
    os._exit(0)
os.close(ready[1])
outside, _ = listener.accept()
assert os.read(ready[0], 100) == b"sends"
first = outside.recv(1)  # The call has begun.
os.write(go[1], b"1")
assert os.read(ready[0], 100) == b"sealed"
if sys.argv[1] == "checked":
    assert witness.find_problems(show) == []
os.write(go[1], b"2")
assert os.read(ready[0], 100) == b"has a picture"
outside.settimeout(60)
while b"x" not in (seen := outside.recv(1 << 20)):
    if not seen:  # The call has ended, and with it the last reference to the socket.
        break
print(b"x" in seen)
os.write(go[1], b"3")
"""


@pytest.mark.parametrize(("checked", "leaks"), [("checked", "False"), ("unchecked", "True")])
@needs_guard
def test_no_call_of_the_start_up_goes_on_after_the_check(
    checked: str, leaks: str, tmp_path: Path
) -> None:
    """A `send` that began before the seal is ended by the witness, even if its socket is closed.

    The control: without the witness, what is written to its memory after the seal is sent.
    """
    outcome = run("-W", "ignore", "-c", IN_FLIGHT, checked, user=USERS[0], folder=tmp_path)
    assert (outcome.stdout.strip(), outcome.returncode) == (leaks, 0), outcome.stderr
