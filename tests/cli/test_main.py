"""Tests of the command line: however a command ends, the reader sees no traceback.

It is ended by Ctrl-C or by another signal while it starts, its output is closed, full or a pipe
that nobody reads, or an unexpected error occurs. Each command of the kiosk is tried.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from installation import __version__
from installation.settings.paths import PROJECT
from tests.support.project import Project


@pytest.mark.parametrize("word", ["--version", "version"])
def test_version_prints_the_version(project: Project, word: str) -> None:
    """`kiosk --version` and `kiosk version` print the version of the package."""
    outcome = project.kiosk(word)
    assert outcome.stdout == f"kiosk {__version__}\n"
    assert outcome.returncode == 0


def test_the_changelog_begins_with_the_version() -> None:
    """The newest heading of the changelog is the version of the package."""
    headings = re.findall(r"^## (.*)$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == __version__


def test_an_unexpected_error_is_logged_with_its_traceback(project: Project) -> None:
    """After an unexpected error the status is 1, and the last line refers to the log.

    The log has the error's type and places, but not its text, because the text of an error about an
    array contains the array's numbers.
    """
    project.write("installation/show/entry.py", "raise RuntimeError('a wire is loose')\n")
    outcome = project.kiosk("run", "--headless")
    assert outcome.returncode == 1
    assert "RuntimeError\n  " in outcome.stderr
    assert "installation/show/entry.py:1 in <module>" in outcome.stderr
    assert "a wire is loose" not in outcome.stderr
    last = "kiosk: an unexpected error ended the command (RuntimeError, logged above)."
    assert outcome.stderr.splitlines()[-1] == last


@pytest.mark.parametrize("module", ["cli.main", "show.entry"])
def test_starting_loads_no_network(project: Project, module: str) -> None:
    """Neither the command line nor the start of a show imports torch."""
    program = f"import sys, installation.{module}; sys.exit('torch' in sys.modules)"
    outcome = project.python("-c", program)
    assert outcome.returncode == 0, outcome.stderr


FULL = "standard output: it cannot be written (No space left on device). Make room"


@pytest.mark.parametrize(
    ("arguments", "redirection", "status", "message"),
    [
        ("check", ">/dev/full", 2, FULL),
        ("check", "2>/dev/full", 0, ""),
        ("check", ">&-", 0, ""),
        ("check", ">&- 2>&-", 0, ""),
        ("check", "| true", 0, ""),
        ("--version", ">/dev/full", 2, FULL),
        ("run --help", ">/dev/full", 2, FULL),
        ("fetch", ">/dev/full", 2, FULL),
        ("nonsense", "2>/dev/full", 2, ""),
    ],
)
def test_an_output_that_takes_nothing_is_no_traceback(
    project: Project, arguments: str, redirection: str, status: int, message: str
) -> None:
    """If the output is closed or its disk is full, the message is at most one line."""
    command = f'"{sys.executable}" -m installation {arguments} {redirection}'
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == status
    assert ended.stderr.startswith(message)
    assert len(ended.stderr.splitlines()) == bool(message)


RUN = ("run", "--headless", "--source", "rehearsal")


@pytest.mark.parametrize(
    ("entry", "module", "arguments", "number"),
    [
        ("launch", "yaml", RUN, signal.SIGINT),
        ("script", "installation.guarding.output.output_filter", RUN, signal.SIGINT),
        ("cli.main", "installation.cli.output", RUN, signal.SIGINT),
        ("cli.main", "installation.cli.run", RUN, signal.SIGINT),
        ("cli.main", "installation.settings.kiosk", RUN, signal.SIGINT),
        ("cli.main", "installation.show.entry", RUN, signal.SIGINT),
        ("cli.main", "installation.guarding.output.report", ("audit", "--short"), signal.SIGINT),
        ("launch", "installation.cli.main", ("labels", "check", "fish"), signal.SIGINT),
        ("launch", "installation.cli.main", ("doctor",), signal.SIGTERM),
    ],
)
def test_a_signal_while_a_command_starts_is_silent(
    project: Project, entry: str, module: str, arguments: tuple[str, ...], number: signal.Signals
) -> None:
    """Ctrl-C before a handler is installed ends the process at once, without a message.

    So does SIGTERM. The commands are a show, an audit, and two that run no show. `script` stands
    for scripts/kiosk, which sets the default action for SIGINT before it imports the launcher.
    """
    program = (
        "import os, signal, sys\n"
        f"if {entry != 'launch'}: signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: signal.raise_signal({number})\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        f"sys.argv = ['kiosk', *{arguments}]\n"
        f"import installation.{entry.replace('script', 'launch')} as entry\n"
        "entry.isolate = lambda _: None  # Another program would have no such finder.\n"
        "entry.start()\n"
    )
    ended = project.python("-c", program)
    assert ended.returncode == -number
    assert "Traceback" not in ended.stderr
    assert "KeyboardInterrupt" not in ended.stderr
