"""Compares the table of stage two with the calls of a real show, as strace reports them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from installation.guarding.layers.device_calls import CAMERA_IOCTLS
from installation.guarding.layers.seccomp import MIDDLE_STAGE, STAGE_ONE, stage_two
from installation.guarding.layers.show_calls import NOT_DRIVEN, show_calls
from installation.guarding.video_outputs import QUERYCAP
from installation.seeing.cameras import controls, v4l, v4l_capture
from tests.support.bpf import answer
from tests.support.children import needs_guard
from tests.support.project import LABELS, Project, wait_for_line
from tests.support.tools import tool
from tests.support.x_server import x_server

pytestmark = pytest.mark.slow

FALLS_BACK = {
    "clone3": "the C library then starts threads with clone, whose flags a filter can read",
    "prctl": "threads keep their names",
}
"""Calls that a show makes and that are refused, or answered without being made, with the reason."""

REFUSED = ("ECANCELED", "ENOSYS")

_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_RESULT = re.compile(r"= (-?\d+|0x[0-9a-f]+|\?)( E\w+)?(?: \(.*\))?$")
_CLONE_THREAD = 0x10000


class Call(NamedTuple):
    """A call that a show made from stage two on."""

    name: str
    error: str | None
    after_test: bool
    """Whether the self-test, which makes calls that must be refused, was over."""


def calls_of_the_show(trace: str) -> Iterator[Call]:
    """Yield each call of the show's threads from stage two on.

    The show is the process that puts all of its threads under a filter; other processes in `trace`
    are its supervisor and its output filters.
    """
    threads: set[str] = set()
    waiting: dict[tuple[str, str], str] = {}
    filters = 0
    tested = False
    for line in trace.splitlines():
        if match := _RESUMED.match(line):
            thread, name, rest = match.groups()
            arguments = waiting.pop((thread, name), "") + rest
        elif match := _CALL.match(line):
            thread, name, arguments = match.groups()
            if arguments.endswith("<unfinished ...>"):
                waiting[thread, name] = arguments
                continue
        else:
            continue
        result = _RESULT.search(arguments)
        if name == "seccomp" and arguments.startswith("0x1, 0x1,"):
            threads.add(thread)
            filters += 1
        if thread not in threads:
            continue
        if name == "clone" and "0x3d0f00" in arguments and result:
            threads.add(result[1])
        tested |= filters == 2 and name == "write" and "privacy: " in arguments
        if filters == 2:
            yield Call(name, result[2].strip() if result and result[2] else None, tested)


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> set[Call]:
    """The calls of a show in a window, with visitors, a changed label set, and its end."""
    from tests.support.project import make_project

    folder = tmp_path_factory.mktemp("traced")
    project = make_project(folder)
    project.write("kiosk.yaml", "labels: fish\nprivacy: degraded\n")  # it is traced
    # In memory, because a trace is large.
    trace = Path("/dev/shm", f"{folder.name}-{os.getpid()}.calls")
    with x_server() as display:
        words = [tool("strace"), "-f", "-qq", "-X", "raw", "-s", "20", "-o", str(trace)]
        show = ["-m", "installation", "run", "--windowed", "640x360", "--source", "rehearsal"]
        running = subprocess.Popen(
            [*words, sys.executable, *show],
            cwd=folder,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "DISPLAY": display,
                "SDL_VIDEODRIVER": "x11",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _drive(running, project)
            return set(calls_of_the_show(trace.read_text(errors="replace")))
        finally:
            running.kill()
            running.wait()
            trace.unlink(missing_ok=True)


def _drive(running: subprocess.Popen[str], project: Project) -> None:
    """Let the show name visitors, take a changed label set, and end."""
    wait_for_line(running, "camera:")
    project.write("models/fish/labels.csv", LABELS.replace("unseen", ""))
    wait_for_line(running, "labels: the changed version of")
    [supervisor] = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    os.kill(int(supervisor), signal.SIGTERM)
    running.communicate(timeout=120)


@needs_guard
def test_the_show_calls_nothing_that_is_not_in_the_table(
    observed: set[Call],
) -> None:
    """From the seal to its end a show makes no call that the filter refuses."""
    names = {call.name for call in observed if call.after_test}
    assert names >= {"futex", "writev", "openat"}, "the show was observed"
    refused = {call.name for call in observed if call.after_test and call.error in REFUSED}
    assert refused <= FALLS_BACK.keys()


@needs_guard
def test_the_table_holds_nothing_that_nobody_calls(observed: set[Call]) -> None:
    """Each row is used in this test, or its reason names the machine or part that needs it."""
    made = {call.name for call in observed if call.error not in REFUSED}
    rows = show_calls(has_gpu=False, has_nvidia=False)
    unneeded = {row.call for row in rows if not row.reason.startswith(NOT_DRIVEN)} - made
    assert sorted(unneeded) == []


def test_each_row_says_who_needs_it() -> None:
    """Each row of the table of allowed calls has a reason, also the rows for graphics cards."""
    for row in show_calls(has_gpu=True, has_nvidia=True, on_console=True):
        assert len(row.reason) > 3, row.call


def test_the_table_has_what_the_cameras_code_asks() -> None:
    """The camera ioctls that the show makes are allowed by number, and no others."""
    numbers = {
        *(QUERYCAP, v4l.ENUM_FMT, v4l.ENUM_FRAMESIZES, v4l.ENUM_FRAMEINTERVALS),
        *(v4l_capture.S_FMT, v4l_capture.S_PARM, v4l_capture.REQBUFS, v4l_capture.QUERYBUF),
        *(v4l_capture.QBUF, v4l_capture.DQBUF, v4l_capture.STREAMON, v4l_capture.STREAMOFF),
        *(controls.QUERYCTRL, controls.QUERYMENU, controls.GET_CONTROL, controls.SET_CONTROL),
    }
    assert set(CAMERA_IOCTLS.values()) == numbers


def test_the_cameras_permissions_can_be_asked() -> None:
    """The calls that check a camera's permissions are allowed; a USB camera needed them."""
    filters = (STAGE_ONE, MIDDLE_STAGE, stage_two())
    for machine, calls in ((0, ("access", "faccessat", "faccessat2")), (1, ("faccessat",))):
        for call in calls:
            assert answer(filters, machine, call) is None
