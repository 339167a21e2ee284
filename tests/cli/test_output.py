"""Tests of what commands print: commands that can be typed, and whole words.

A command is named as it must be typed in the folder of whoever reads it: in the kiosk's folder, in
scripts/, elsewhere, in an installed unit, in an audit. An output that is closed is no traceback.
"""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys

import pytest

from installation.cli.output import wrapped
from installation.settings.paths import PROJECT
from tests.support.project import Project


def test_a_terminal_that_knows_ascii_only_gets_numbers(project: Project) -> None:
    """A letter that the terminal cannot show is printed as its number."""
    outcome = project.kiosk("check", PYTHONIOENCODING="ascii")
    assert outcome.returncode == 0
    assert "1280\\xd7720" in outcome.stdout


def test_a_closed_pipe_ends_the_command_quietly(project: Project) -> None:
    """`kiosk check | true` prints no traceback."""
    program = (
        "import os, sys; from installation.cli.main import main; "
        "r, w = os.pipe(); os.dup2(w, 1); os.close(w); os.close(r); sys.exit(main(['check']))"
    )
    outcome = project.python("-c", program)
    assert outcome.returncode == 1
    assert outcome.stderr == ""


class Terminal(io.StringIO):
    """Stands in for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "line",
    [
        "kiosk.yaml:12: camera.fps is 'fast' (expected a whole number from 1 to 240). Write 30, "
        "or leave the line out, which means the same.",
        "  hidden        1,593 by reason: 600 slur, 400 unseen, 300 religion, 200 health, 93 crime",
        "  camera    wrong     /dev/v4l/by-id/usb-a-long-name: it is not there. Plug it in again.",
    ],
)
def test_people_read_whole_words_in_a_narrow_terminal(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line wider than the terminal is broken between words, and continues in its column."""
    monkeypatch.setenv("COLUMNS", "60")
    first, *others = wrapped(line, Terminal()).splitlines()
    assert others
    assert all(len(part) <= 60 for part in (first, *others))
    assert all(part.startswith("  ") for part in others)
    assert " ".join((first, *(part.strip() for part in others))).split() == line.split()
    assert wrapped(line, io.StringIO()) == line, "a program reads whole lines"


def test_a_show_whose_events_nobody_takes_ends_without_a_traceback() -> None:
    """The rest of the output goes to the descriptor of /dev/null.

    Under the guard no file can be opened.
    """
    program = """
import os
from installation.cli.output import discard_stdout
def refuse(*_):
    raise OSError(125, "Operation canceled")
os.open = refuse
discard_stdout()
print("nobody reads this", flush=True)
"""
    command = [sys.executable, "-c", program]
    with open(os.devnull, "r+") as null:
        ran = subprocess.run(command, stdin=null, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")


WAITING = """
import os, sys
from installation.cli import output
from installation.guarding.output import output_filter
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
progress_pipe = int(sys.argv[1]) or None
status = SandboxStatus("enforce", output_filter_pids=(1,), progress_pipe=progress_pipe)
os.environ[ENVIRONMENT_VARIABLE] = status.to_json()
kept = os.dup(1)
os.close(0)
os.open(os.devnull, os.O_RDWR)
output_filter.wait_at_most = lambda pids, timeout_s: 0 * os.write(kept, f"{timeout_s}".encode())
output.flush_output()
"""


@pytest.mark.parametrize(("progress_pipe", "waits_s"), [("7", "2.0"), ("0", "30.0")])
def test_an_audit_on_a_slow_computer_is_written_whole(progress_pipe: str, waits_s: str) -> None:
    """A process without a supervisor waits longer for its output filters than a show.

    Seen on an emulated computer: the file was complete only seconds after the audit had ended.
    """
    ran = subprocess.run(
        [sys.executable, "-c", WAITING, progress_pipe],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout == waits_s


CANNOT_WRITE = """
import os, sys
from installation.cli import output
from installation.guarding.output import output_filter
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
failure, progress_pipe = int(sys.argv[1]), int(sys.argv[2]) or None
status = SandboxStatus("enforce", output_filter_pids=(1, 2), progress_pipe=progress_pipe)
os.environ[ENVIRONMENT_VARIABLE] = status.to_json()
os.close(0)
os.open(os.devnull, os.O_RDWR)
output_filter.wait_at_most = lambda pids, timeout_s: failure if 1 in pids else 0
sys.exit(not output.flush_output())
"""


@pytest.mark.parametrize(
    ("failure", "progress_pipe", "message", "code"),
    [
        (
            errno.ENOSPC,
            0,
            "standard output: it cannot be written (No space left on device). Make",
            1,
        ),
        (errno.EPIPE, 0, "", 0),
        (0, 0, "", 0),
        (errno.ENOSPC, 7, "", 0),
    ],
)
def test_an_audit_that_a_full_disk_has_cut_is_a_failure(
    failure: int, progress_pipe: int, message: str, code: int
) -> None:
    """If a full disk cuts the output of an audit, there is a message, and the exit status is 1.

    It is no failure if a reader such as `head` ends early, or if the disk is full in a show.
    """
    ran = subprocess.run(
        [sys.executable, "-c", CANNOT_WRITE, str(failure), str(progress_pipe)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr.startswith(message)
    assert bool(ran.stderr) is bool(message)
    assert ran.returncode == code
