"""Tests of `kiosk doctor`: it tries every part, also if the file or another part is wrong."""

from __future__ import annotations

import argparse
import errno
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from installation import __version__
from installation.cli import doctor
from installation.errors import Mistake
from installation.guarding.host import not_prevented
from installation.seeing.cameras import named_controls, v4l
from installation.seeing.cameras.named_controls import describe
from installation.seeing.cameras.v4l import CameraListing
from installation.seeing.presence.floor_line import FloorLine
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from tests.support.children import needs_guard
from tests.support.fake_controls import FakeControls
from tests.support.project import LABELS, Project, make_project

pytestmark = pytest.mark.slow


def states_of(output: str) -> dict[str, str]:
    """Return the state of each part that `kiosk doctor` prints."""
    rows = (line for line in output.splitlines() if line.startswith("  "))
    return {line[2:10].strip(): line[12:20].strip() for line in rows if line[2:10].strip()}


@dataclass(frozen=True)
class Examined:
    """A kiosk that `kiosk doctor` has examined, and what it printed."""

    project: Project
    outcome: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def without_yunet(tmp_path_factory: pytest.TempPathFactory) -> Examined:
    """Examine a kiosk on the rehearsal, turned by 90°, with a least size and without YuNet."""
    project = make_project(tmp_path_factory.mktemp("doctor") / "a kiosk")
    project.write(
        "kiosk.yaml",
        "labels: fish\ncamera: {source: rehearsal, rotate: 90}\ndevice: cpu\n"
        "visitors: {least_size: 0.2}\n",
    )
    return Examined(project, project.kiosk("doctor", SDL_VIDEODRIVER="dummy"))


@pytest.fixture(scope="module")
def without_a_font(tmp_path_factory: pytest.TempPathFactory) -> Examined:
    """Examine a kiosk with `least_size: 0`, in which no font can draw one of the labels."""
    project = make_project(tmp_path_factory.mktemp("doctor") / "a kiosk")
    project.write(
        "kiosk.yaml",
        "labels: fish\ncamera: {source: rehearsal}\ndevice: cpu\nvisitors: {least_size: 0}\n",
    )
    project.write("models/fish/labels.csv", LABELS.replace("tench", "ᎠᏣᏗ"))
    return Examined(project, project.kiosk("doctor", SDL_VIDEODRIVER="dummy", PATH=""))


@needs_guard
def test_doctor_says_what_each_part_will_do(project: Project) -> None:
    """`kiosk doctor` tries every part and says that the show can run.

    The row `privacy` depends on this machine's swap and on what its kernel logs.
    """
    project.write(
        "kiosk.yaml",
        "labels: fish\ncamera: {source: rehearsal, width: 160, height: 120}\ndevice: cpu\n"
        "detector: mtcnn\n",
    )
    outcome = project.kiosk("doctor", SDL_VIDEODRIVER="dummy")
    assert outcome.stdout.startswith(f"kiosk {__version__}, Python 3.")
    assert list(states_of(outcome.stdout).items()) == [
        (part, "fallback" if part == "privacy" and not_prevented() else "ok")
        for part in (
            *("file", "privacy", "memory", "camera", "line", "device", "screen", "labels", "fonts"),
            *("detector", "weights"),
        )
    ]
    assert outcome.stdout.endswith("\nThe show can run: kiosk run\n")
    assert outcome.stderr == ""
    assert outcome.returncode == 0


def test_doctor_says_what_is_missing_and_goes_on(project: Project) -> None:
    """A part that is wrong is printed with its remedy, and the other parts are tried as well."""
    project.write(
        "kiosk.yaml",
        "labels: fish\ncamera: {source: /dev/none}\ndevice: cpu\ndetector: mtcnn\n",
    )
    project.write("models/fish/labels.csv", "id,name\n")
    outcome = project.kiosk("doctor", SDL_VIDEODRIVER="dummy")
    states = states_of(outcome.stdout)
    assert states["camera"] == "wrong"
    assert states["labels"] == "wrong"
    assert states["screen"] == states["detector"] == "ok"
    assert "weights" not in states
    assert outcome.stdout.endswith(
        "\nThe show cannot run until the parts marked as wrong have been corrected.\n"
    )
    assert "Traceback" not in outcome.stderr
    assert outcome.returncode == 2


@needs_guard
def test_doctor_looks_at_everything_if_the_file_is_wrong(project: Project) -> None:
    """A wrong kiosk.yaml is one row, and the other parts are tried."""
    project.write("kiosk.yaml", "labels: fsh\nscreen: {display: 9}\ncamera: {fps: fast}\n")
    outcome = project.kiosk("doctor", SDL_VIDEODRIVER="dummy")
    states = states_of(outcome.stdout)
    assert states["file"] == "wrong"
    assert states["screen"] == "wrong", "the display is read from the wrong file"
    assert states["camera"] in ("ok", "fallback")
    assert "kiosk.yaml:1: labels is 'fsh'" in outcome.stdout
    assert "kiosk.yaml:3: camera.fps is 'fast'" in outcome.stdout
    assert outcome.returncode == 2


def test_doctor_says_what_would_be_better(without_yunet: Examined) -> None:
    """If YuNet is missing, its row says how to fetch it."""
    outcome = without_yunet.outcome
    assert states_of(outcome.stdout)["detector"] == "fallback"
    assert "Run once: kiosk fetch yunet\n" in outcome.stdout
    file = without_yunet.project.folder / "kiosk.yaml"
    assert f"  file      ok        {file}\n" in outcome.stdout
    assert outcome.stderr == ""


def test_doctor_says_where_the_line_on_the_floor_goes(without_yunet: Examined) -> None:
    """The row `line` has distances for this file's settings."""
    output = without_yunet.outcome.stdout
    assert states_of(output)["line"] == "ok"
    line = FloorLine.from_angle(78, 720, 1280, 0.2)
    assert (
        f"diagonal angle of view 78°: the line on the floor is {line.line_m:.1f} m from the plane "
        "of the camera; most adults see the notice about AI when they are nearer to this plane "
        f"than {line.announced_m:.1f} m\n"
    ) in output


def test_doctor_says_that_without_a_least_size_there_is_no_line(without_a_font: Examined) -> None:
    """Without a least size, the row `line` says that everybody is classified."""
    output = without_a_font.outcome.stdout
    assert states_of(output)["line"] == "fallback"
    assert "visitors.least_size is 0, so everybody in the picture is classified. " in output


@needs_guard
def test_doctor_says_if_the_wall_promises_less(without_yunet: Examined) -> None:
    """The row `privacy` names each fact that weakens the promise on the screen."""
    output, mistakes = without_yunet.outcome.stdout, not_prevented()
    assert states_of(output)["privacy"] == ("fallback" if mistakes else "ok")
    assert ("the screen leaves out its promise that no picture can be stored" in output) is bool(
        mistakes
    )
    for mistake in mistakes:
        assert f"  {mistake}\n" in output


@pytest.mark.parametrize("name", ["swap", "kernel log"])
def test_doctor_looks_at_every_fact_of_the_promise(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one fact weakens the promise, the row `privacy` is "fallback" and names the remedy."""
    mistake = Mistake(name, "what was found", "What to do.")
    report = '{"missing": [], "attempts": [{"name": "creat()"}], "facts": []}'
    ran = subprocess.CompletedProcess[str]([], 0, report, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ran)
    for mistakes, state in (((), "ok"), ((mistake,), "fallback")):
        monkeypatch.setattr(doctor, "not_prevented", lambda mistakes=mistakes: mistakes)
        loaded = Loaded(Settings(), "kiosk.yaml", {}, {})
        finding = doctor._Examination(loaded, Path("kiosk.yaml"))._privacy()
        assert finding.state == state
        assert (str(mistake) in finding.description) is bool(mistakes)


def test_doctor_tries_the_fonts_on_their_own(without_a_font: Examined) -> None:
    """A label that no font can draw makes the row `fonts` wrong, and only that row."""
    outcome = without_a_font.outcome
    states = states_of(outcome.stdout)
    assert states["fonts"] == "wrong"
    assert states["labels"] == states["weights"] == "ok"
    assert "models/fish/labels.csv:2: no font on this machine can draw" in outcome.stdout
    assert outcome.returncode == 2


def test_cameras_prints_the_cameras_or_that_there_is_none(project: Project) -> None:
    """`kiosk cameras` always prints something."""
    outcome = project.kiosk("cameras")
    assert outcome.returncode == 0
    assert "no camera" in outcome.stdout or "/dev/" in outcome.stdout


@pytest.mark.parametrize(("problems", "status"), [(("a", "b"), 2), ((), 0)])
def test_cameras_that_cannot_be_used_are_an_error(
    problems: tuple[str, ...],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`kiosk cameras` ends with 2 if there are cameras but none can be used, and says why."""
    listings = [
        CameraListing(Path(f"/dev/video{2 * number}"), None, "Lens", (), problem)
        for number, problem in enumerate(problems)
    ]
    monkeypatch.setattr(v4l, "list_cameras", lambda: listings)
    assert doctor.cameras(argparse.Namespace()) == status
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if "cannot be used" in line] == [
        f"  cannot be used: {problem}" for problem in problems
    ]


def test_cameras_lists_what_can_be_set_in_the_words_of_kiosk_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below its sizes each camera has the five settings with their ranges, then other controls."""
    node, driver = tmp_path / "video0", FakeControls()
    node.touch()
    monkeypatch.setattr(v4l, "list_cameras", lambda: [CameraListing(node, None, "Lens", ())])
    monkeypatch.setattr(named_controls, "describe", partial(describe, ioctl=driver.ioctl))
    assert doctor.cameras(argparse.Namespace()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-6:] == [f"  {line}" for line in describe(node, driver.ioctl)]
    driver.failing = OSError(errno.ENODEV, "No such device")
    assert doctor.cameras(argparse.Namespace()) == 0
    assert capsys.readouterr().out.endswith("  its controls cannot be listed: No such device\n")


def test_a_control_that_cannot_be_set_is_found_before_the_show(tmp_path: Path) -> None:
    """The row of the camera names it with its remedy; the show can run without it."""
    project = make_project(tmp_path / "a kiosk")
    project.write(
        "kiosk.yaml", "labels: fish\ncamera: {source: rehearsal, focus: 120}\ndevice: cpu\n"
    )
    outcome = project.kiosk("doctor", SDL_VIDEODRIVER="dummy")
    assert states_of(outcome.stdout)["camera"] == "fallback"
    assert (
        "camera.focus: focus is 120, but the source is not a camera. This setting takes effect "
        "when a camera is used.\n" in outcome.stdout
    )
