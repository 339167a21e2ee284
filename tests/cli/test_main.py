from __future__ import annotations

import pytest

from installation import __version__
from tests.support.project import Project


def test_version_prints_the_version(project: Project) -> None:
    """`kiosk --version` prints the version of the package."""
    outcome = project.kiosk("--version")
    assert outcome.stdout == f"kiosk {__version__}\n"
    assert outcome.returncode == 0


def test_an_unexpected_error_is_logged_with_its_traceback(project: Project) -> None:
    """An unexpected error ends with status 1, its traceback in the log and one line after it."""
    project.write("installation/show/entry.py", "raise RuntimeError('a wire is loose')\n")
    outcome = project.kiosk("run", "--headless")
    assert outcome.returncode == 1
    assert "RuntimeError: a wire is loose" in outcome.stderr
    last = "kiosk: an unexpected error ended the command (RuntimeError, logged above)."
    assert outcome.stderr.splitlines()[-1] == last


@pytest.mark.parametrize("module", ["cli.main", "show.entry"])
def test_starting_loads_no_network(project: Project, module: str) -> None:
    """Neither the command line nor the start of a show imports torch."""
    program = f"import sys, installation.{module}; sys.exit('torch' in sys.modules)"
    outcome = project.python("-c", program)
    assert outcome.returncode == 0, outcome.stderr
