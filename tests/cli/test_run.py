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
        project.kiosk(*command, SDL_VIDEODRIVER=""),  # no screen, so that no card stays open
        "kiosk.yaml:1: labels is 'fsh', but no such label set exists. Did you mean 'fish'?",
        "kiosk.yaml:2: camera.fps is 'fast' (expected a whole number from 1 to 240). ",
    )


@needs_guard
def test_the_reason_of_a_failed_start_is_json_too(project: Project) -> None:
    """A log in JSON has no other lines, even if the start fails; the reason is unchanged."""
    project.write("kiosk.yaml", "labels: fsh\n")
    outcome = project.kiosk("run", "--headless", "--log", "json", SDL_VIDEODRIVER="")
    assert outcome.returncode == 2
    assert any("Did you mean 'fish'?" in line for line in lines_of_log(outcome.stderr))


def test_a_display_that_does_not_exist_is_one_error(project: Project) -> None:
    """A display number that the machine does not have ends the start with the reason."""
    project.write("kiosk.yaml", "labels: fish\nscreen: {display: 9}\n")
    outcome = project.kiosk("run", SDL_VIDEODRIVER="dummy")
    problem = "kiosk.yaml:2: screen.display is 9, but this machine has 1 display"
    assert_refused(outcome, f"kiosk {__version__}, kiosk.yaml.", problem)


def lines_of_log(text: str) -> list[str]:
    """Return the lines of a log in JSON, each of which is an object with the event `log`.

    A show that takes a minute to start also logs its health.
    """
    objects = [json.loads(line) for line in text.splitlines()]
    objects = [each for each in objects if each["event"] != "health"]
    assert {frozenset(each) for each in objects} == {frozenset({"event", "line"})}
    assert {each["event"] for each in objects} == {"log"}
    return [each["line"] for each in objects]


@needs_guard
def test_run_prints_its_events_as_json(project: Project) -> None:
    """Without a screen stdout is a JSON object a line; the last one is the summary.

    With `--log json` each line on stderr is a JSON object too.
    """
    report = ("--report", "report.json", "--log", "json")
    outcome = project.kiosk("run", "--headless", "--source", "rehearsal", "--seconds", "6", *report)
    assert outcome.returncode == 0, outcome.stderr
    log = lines_of_log(outcome.stderr)
    assert f"kiosk {__version__}, kiosk.yaml." in log
    assert any(line.startswith("privacy: enforced") for line in log)
    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert events[-1]["event"] == "summary"
    assert json.loads((project.folder / "report.json").read_text()) == events[-1]
