from __future__ import annotations

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
