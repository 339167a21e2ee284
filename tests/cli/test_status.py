"""Tests of what every user of the machine can read about a running show."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from installation.cli import status
from installation.running.health import FAULTS, Health, as_text
from installation.running.progress import DeviceKind, State
from tests.support.children import USERS, environment, home_of, needs_guard, run

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Shown:
    """A running show, and the words of its verdict on the visitor."""

    verdict: dict[str, object]
    socket: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Run a show on the rehearsal until it has named somebody, and during the tests that use it."""
    folder = tmp_path_factory.mktemp("shown")
    home = home_of("ordinary user", folder)
    home.chmod(0o755)
    running = subprocess.Popen(
        [sys.executable, "-m", "installation", "run", "--headless", "--source", "rehearsal"],
        cwd=home,
        env=environment(home) | {"RUNTIME_DIRECTORY": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        event = json.loads(line)
        if event["event"] == "verdict":
            break
    assert event["event"] == "verdict"
    yield Shown(event, home / "status")
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 0


@needs_guard
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("form", ["", "--json", "--prometheus"])
def test_another_user_learns_how_the_show_is_and_nothing_of_a_visitor(
    shown: Shown, user: str, form: str, tmp_path: Path
) -> None:
    """Every user may read the status: figures and fixed words, but no word of a verdict."""
    outcome = run(
        *("-m", "installation", "status", "--socket", str(shown.socket), *form.split()),
        user=user,
        folder=tmp_path,
        HOME="/nowhere",
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "running" in outcome.stdout
    first, later = Health("0", 0.0), Health("0", 0.0)
    later.end_minute(60.0)
    texts = as_text(first.snapshot(0.0)) + as_text(later.snapshot(60.0))
    known = {*re.findall(r"[a-zA-Z_]+", texts)}
    printed = outcome.stdout
    if not form:
        heading, printed = printed.split("\n", 1)
        owner = shown.socket.owner()
        assert heading == f"a show of user {owner}, socket {shown.socket}"
    words = {*re.findall(r"[^\W\d]+", printed)}
    if not form:
        allowed = known | {word for name in FAULTS for word in name.split()} | {"ago"}
        allowed |= {state.name.lower() for state in State} | {
            word for kind in DeviceKind for word in kind.name.lower().split("_")
        }
        assert words <= allowed | {"frames", "s", "ms", "or", "less", "C", "MB", "°"}
    shown_words = [str(shown.verdict["label"]), str(shown.verdict["definition"])]
    assert not any(text in outcome.stdout for text in shown_words)
    if form == "--json":
        answer = json.loads(outcome.stdout)
        assert answer.keys() == Health("0", 0.0).snapshot(0.0).keys()
        assert answer["verdicts"] is not None


@pytest.mark.parametrize(("second", "code"), [("running", 0), ("waiting", 1)])
def test_each_of_two_shows_has_a_heading(
    second: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a machine with two shows each has a heading; the status is 1 if one is not running."""
    paths = [tmp_path / f"kiosk-status-{os.getuid()}-{pid}" for pid in (11, 22)]
    answers = {}
    for path, state in zip(paths, ("running", second), strict=True):
        path.touch()
        answers[path] = Health("0", 0.0).snapshot(0.0) | {"state": state}
    monkeypatch.setattr(status, "find_sockets", lambda: paths)
    monkeypatch.setattr(status, "ask", answers.__getitem__)
    args = argparse.Namespace(socket=None, json=False, prometheus=False)
    assert status.status(args) == code
    shows = capsys.readouterr().out.split("\n\n")
    for show, path, pid, state in zip(shows, paths, (11, 22), ("running", second), strict=True):
        assert show.startswith(
            f"process {pid} of user {path.owner()}, socket {path}\nstate {state}\n"
        )


def test_without_a_show_there_is_one_sentence(tmp_path: Path) -> None:
    """Without a show, `kiosk status` prints one sentence that says how to start one."""
    nobody = tmp_path / "nobody"
    outcome = run(
        "-m", "installation", "status", "--socket", str(nobody), user="root", folder=tmp_path
    )
    assert outcome.returncode == 2
    assert "status: no show runs on this machine" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
