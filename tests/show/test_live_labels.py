"""Tests of a label set that is changed in a spreadsheet while the show runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.project import LABELS, Project, wait_for_line
from tests.support.visits import SETTINGS, write_visits

pytestmark = pytest.mark.slow


@pytest.fixture
def running(project: Project) -> Iterator[subprocess.Popen[str]]:
    """Return the show of three fish, under its guard, with its camera open."""
    write_visits(project.folder)
    project.write("kiosk.yaml", f"labels: fish\nprivacy: degraded\n{SETTINGS}")
    with subprocess.Popen(
        [sys.executable, "-m", "installation", "run", "--headless"],
        cwd=project.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as show:
        try:
            wait_for_line(show, "camera:")
            yield show
        finally:
            show.kill()


def test_a_saved_spreadsheet_takes_effect_in_the_show_that_runs(
    running: subprocess.Popen[str], project: Project
) -> None:
    """A saved labels.csv takes effect without a restart; after a mistake, the last valid set stays.

    The new label is in Thai, whose font can still be read in the sandbox.
    """
    thai = LABELS.replace("unseen", "").replace("tench", "ปลาเทนช์")
    project.write("models/fish/labels.csv", thai)
    assert wait_for_line(running, "labels:").startswith(
        "labels: Three fish has changed (3 of 3 labels). The new version"
    )
    assert (
        wait_for_line(running, "labels:")
        == "labels: the changed version of Three fish is in use.\n"
    )
    project.write("models/fish/labels.csv", LABELS.replace("unseen", "unsen"))
    assert "the show uses the last valid set" in wait_for_line(running, "labels:")
    assert "labels.csv:4: hidden_because is 'unsen'" in wait_for_line(running, "labels:")
    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate()
    assert running.returncode == 0
    summary = json.loads(output.splitlines()[-1])
    assert summary["event"] == "summary"


LOADING = f"""
from pathlib import Path
from installation.show.parts import open_parts
from installation.settings.kiosk import load_settings
from installation.running.clock import MonotonicClock

def log(line):
    if line.startswith("device:"):  # the labels have been read, the networks have not
        Path("models/fish/labels.csv").write_text({LABELS.replace("unseen", "")!r})

parts = open_parts(load_settings(Path("kiosk.yaml")), MonotonicClock(), log)
reloader = parts.open_networks().reloader
reloader.poll()
reloader.poll()
reloaded = reloader.mailbox.take(timeout=0)
print(len(parts.label_set.labels), reloaded and len(reloaded.classifier.label_set.labels))
"""


def test_what_is_saved_while_the_show_loads_is_not_lost(project: Project) -> None:
    """A spreadsheet that is saved while the show loads, after it was read, is read again."""
    outcome = project.python("-c", LOADING)
    assert outcome.stdout == "2 3\n", outcome.stderr
