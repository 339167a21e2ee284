from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from installation.cli import camera_trial
from installation.cli.camera_trial import _ask, try_camera
from installation.errors import CameraError, KioskError, Mistake
from installation.guarding.layers.seccomp import FILTERS
from installation.guarding.output import line_filter
from installation.guarding.output.line_filter import LineFilter
from tests.support.children import needs_guard

pytestmark = [pytest.mark.slow, needs_guard]

FOUND = Mistake("witness", "a finding", "a remedy")
ABSENT = Path("/dev/none-that-exists")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A kiosk.yaml whose camera does not exist."""
    file = tmp_path / "kiosk.yaml"
    file.write_text(f"camera: {{source: {ABSENT}}}\n")
    return file


def status_of(pid: int) -> dict[str, str]:
    """Return the fields of the kernel's `status` of the process `pid`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def test_the_camera_is_opened_in_a_sealed_process(file: Path) -> None:
    """When the witness checks the child, it is under the filters of all stages.

    It cannot gain rights. Only after that does it look for its camera.
    """
    own = int(status_of(os.getpid())["Seccomp_filters"])
    seen: list[dict[str, str]] = []

    def witnessed(pid: int) -> list[Mistake]:
        seen.append(status_of(pid))
        return []

    answer = _ask(file, witnessed)
    assert str(ABSENT) in str(answer["mistakes"])
    [status] = seen
    assert int(status["Seccomp_filters"]) == own + FILTERS
    assert status["NoNewPrivs"] == "1"


def test_no_camera_is_opened_without_the_word_of_the_witness(file: Path) -> None:
    """If the witness finds a mistake, it is the result, and the camera is not opened.

    The control is the test above: the missing camera would have been reported.
    """
    answer = _ask(file, lambda _: [FOUND])
    assert answer == {"mistakes": [FOUND]}


def test_the_witness_finds_nothing_in_the_child(file: Path) -> None:
    """The real witness finds no mistake, and the camera's mistake is reported with its remedy."""
    with pytest.raises(KioskError, match=re.escape(str(ABSENT))) as raised:
        try_camera(file, "enforce")
    [mistake] = raised.value.mistakes
    assert "kiosk cameras" in mistake.remedy


def test_the_name_of_what_was_opened_is_returned(tmp_path: Path) -> None:
    """The trial of the rehearsal returns its name, and no reason for a fallback."""
    file = tmp_path / "kiosk.yaml"
    file.write_text("camera: {source: rehearsal}\n")
    trial = try_camera(file, "enforce")
    assert "rehearsal" in trial.name
    assert trial.fallback is None
    assert trial.unset == ()


def test_controls_that_are_not_set_are_returned(tmp_path: Path) -> None:
    """Each arrives with its remedy, and the camera counts as opened."""
    file = tmp_path / "kiosk.yaml"
    file.write_text("camera: {source: rehearsal, mains: 50, controls: {zoom_absolute: 3}}\n")
    trial = try_camera(file, "enforce")
    assert "rehearsal" in trial.name
    assert [mistake.where for mistake in trial.unset] == [
        "camera.mains",
        "camera.controls.zoom_absolute",
    ]


def test_a_child_that_ends_early_is_reported(file: Path) -> None:
    """If the child is killed, the doctor says so instead of waiting."""

    def kill(pid: int) -> list[Mistake]:
        os.kill(pid, 9)
        return []

    with pytest.raises(CameraError, match="gave no answer"):
        _ask(file, kill)


def as_passed_on(mistakes: Iterable[Mistake]) -> Iterator[str]:
    """Yield the lines of the child for `mistakes`, as its output filter writes them."""
    lines_filter = LineFilter(line_filter.STDOUT)
    for mistake in mistakes:
        line = json.dumps(camera_trial._as_answer(mistake)).encode()
        yield from (f"{each}\n" for each in lines_filter.admit(line))


def test_many_mistakes_pass_the_output_filter() -> None:
    """Each has a line of its own, so together they may have more than a line's 4,000 characters."""
    many = [Mistake(f"kiosk.yaml:{n}", "a problem " * 20, "a remedy") for n in range(40)]
    assert camera_trial._next_answer(as_passed_on(many)) == {"mistakes": many}


@pytest.mark.parametrize("letter", ["a", "ä", "あ"])
def test_a_long_mistake_is_cut_and_not_lost(letter: str) -> None:
    """A mistake too long for one line arrives with its problem and remedy shortened."""
    words = f"{letter * 9} " * 900
    [mistake] = camera_trial._next_answer(as_passed_on([Mistake("here", words, words)]))["mistakes"]
    assert mistake.where == "here"
    for part in (mistake.problem, mistake.remedy):
        assert part.startswith(f"{letter * 9} {letter * 9} ")
        assert part.endswith(" …")


def test_mistakes_that_the_output_filter_leaves_out_are_mentioned() -> None:
    """Beyond the filter's budget the doctor says that there are more."""
    many = [Mistake(f"kiosk.yaml:{n}", "a problem " * 20, "a remedy") for n in range(90)]
    lines = [*as_passed_on(many), "(30 lines were omitted)\n"]
    mistakes = camera_trial._next_answer(iter(lines))["mistakes"]
    assert len(mistakes) > 40
    assert mistakes[-1] == camera_trial.MORE_MISTAKES


@pytest.mark.parametrize("answer", ["no object", '{"name": "a camera"}'])
def test_a_child_that_does_not_end_is_ended(
    answer: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that has answered but does not end is ended after the time limit."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{answer}'\nexec sleep 120\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(camera_trial, "TIMEOUT_S", 0.5)
    started_at = time.monotonic()
    try:
        assert _ask(file, lambda _: []) == {"name": "a camera"}
    except CameraError:
        assert answer == "no object"
    assert time.monotonic() - started_at < 60
