"""The whole default show as a process, on the rehearsal."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import PROJECT
from tests.support.children import needs_guard
from tests.support.small_show import EVENT_KEYS

pytestmark = pytest.mark.slow


def command(*arguments: str) -> list[str]:
    """Return the command line of a show."""
    return [sys.executable, "-m", "installation", "run", *arguments]


VISIBLE = {label.id: label for label in load_label_set("persons", ContentSettings()).labels}


@pytest.fixture(scope="module")
def rehearsed() -> tuple[list[dict[str, object]], str]:
    """Return the events and the log of the default show on the rehearsal, up to a name."""
    with subprocess.Popen(
        command("--headless", "--source", "rehearsal", "--seconds", "120"),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        events = []
        for line in running.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "verdict" and events[-1]["id"] in VISIBLE:
                break
        running.send_signal(signal.SIGTERM)
        events += map(json.loads, running.stdout)
        log = running.stderr.read()
    assert running.returncode == 0, log
    return events, log


@needs_guard
def test_the_default_show_names_the_visitor_of_the_rehearsal(
    rehearsed: tuple[list[dict[str, object]], str],
) -> None:
    """Camera, detector, tracker, network, label set and settler together result in a name."""
    events, _ = rehearsed
    verdicts = [event for event in events if event["event"] == "verdict"]
    assert verdicts
    named = [event for event in verdicts if event["id"] in VISIBLE]
    assert named, f"nothing but the root in {[event['label'] for event in verdicts]}"
    for event in named:
        assert list(event) == EVENT_KEYS
        label = VISIBLE[str(event["id"])]
        assert event["label"] == label.name
        assert event["definition"] == label.definition
        assert event["chain"] == list(label.chain)
        assert label.chain[0] == "person"
        assert 0 < float(str(event["score"])) <= 1


@needs_guard
def test_a_headless_show_prints_events_and_last_its_summary(
    rehearsed: tuple[list[dict[str, object]], str],
) -> None:
    """Standard output can be piped into a program: JSON lines in order of time, summary last."""
    events, log = rehearsed
    assert [event["event"] for event in events].count("summary") == 1
    summary = events[-1]
    assert summary["event"] == "summary"
    times = [float(str(event["at"])) for event in events[:-1]]
    assert times == sorted(times)
    assert all(before <= float(str(summary["seconds"])) for before in times)
    for key in ("camera_fps", "mirror_fps", "readings_per_s", "rss_mb"):
        assert float(str(summary[key])) > 0
    assert "device:" in log
    assert "Traceback" not in log


@needs_guard
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_show_with_its_summary(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and the supervisor's SIGTERM are ordinary ends: exit 0, summary and report written."""
    report = tmp_path / "report.json"
    running = subprocess.Popen(
        command("--headless", "--source", "rehearsal", "--report", str(report)),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    lines = iter(running.stderr.readline, "")
    log = list(itertools.takewhile(lambda line: not line.startswith("camera:"), lines))
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, "".join(log) + err
    summary = json.loads(out.splitlines()[-1])
    assert summary["event"] == "summary"
    assert json.loads(report.read_text()) == summary
