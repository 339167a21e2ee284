from __future__ import annotations

import json

import pytest

from installation import __version__
from tests.support.children import needs_guard
from tests.support.project import Project, assert_refused

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("command", [("run",), ("run", "--headless")])
def test_every_command_refuses_a_wrong_file(project: Project, command: tuple[str, ...]) -> None:
    """`run` refuses a file with the same lines as `check`."""
    project.write("kiosk.yaml", "labels: fsh\ncamera: {fps: fast}\n")
    assert_refused(
        project.kiosk(*command, SDL_VIDEODRIVER=""),  # no screen, so that no card is left up
        "kiosk.yaml:1: labels is 'fsh', but no such label set exists. Did you mean 'fish'?",
        "kiosk.yaml:2: camera.fps is 'fast' (expected a whole number from 1 to 240). ",
    )


def test_a_display_that_does_not_exist_is_one_error(project: Project) -> None:
    """A display number that the machine does not have ends the start with the reason."""
    project.write("kiosk.yaml", "labels: fish\nscreen: {display: 9}\n")
    outcome = project.kiosk("run", SDL_VIDEODRIVER="dummy")
    problem = "kiosk.yaml:2: screen.display is 9, but this machine has 1 display"
    assert_refused(outcome, f"kiosk {__version__}, kiosk.yaml.", problem)


@needs_guard
def test_run_prints_its_events_as_json(project: Project) -> None:
    """Without a screen stdout is a JSON object a line; the last one is the summary."""
    outcome = project.kiosk(
        "run", "--headless", "--source", "rehearsal", "--seconds", "6", "--report", "report.json"
    )
    assert outcome.returncode == 0, outcome.stderr
    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert events[-1]["event"] == "summary"
    assert json.loads((project.folder / "report.json").read_text()) == events[-1]
