"""A separate kiosk for a test: the package, a kiosk.yaml, and a small label set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from installation.settings.paths import PROJECT

LABELSET = """\
title: Three fish
credit: the test
root: {id: n00015388, name: animal, definition: a living organism}
method: classes
"""

LABELS = """\
id,name,definition,parent,hidden_because
n01440764,tench,a freshwater fish,,
n01443537,goldfish,"small, golden or orange",,
n01484850,great white shark,a large shark,,unseen
"""


@dataclass(frozen=True)
class Project:
    """A folder with the package, a kiosk.yaml and the label set `fish`."""

    folder: Path

    def write(self, path: str, content: str | bytes) -> None:
        """Write or replace a file of the project."""
        data = content.encode() if isinstance(content, str) else content
        (self.folder / path).write_bytes(data)

    def kiosk(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `kiosk` in the project's folder."""
        return self.python("-m", "installation", *arguments, **environment)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the project's folder, in which it finds the project's package first."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python in the project's folder, with pipes for both outputs."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def make_project(folder: Path) -> Project:
    """Return a kiosk in `folder` that shows three fish, one of them hidden."""
    shutil.copytree(PROJECT / "installation", folder / "installation")
    (folder / "models" / "fish").mkdir(parents=True)
    project = Project(folder)
    project.write("kiosk.yaml", "labels: fish\n")
    project.write("models/fish/labelset.yaml", LABELSET)
    project.write("models/fish/labels.csv", LABELS)
    return project


def assert_refused(outcome: subprocess.CompletedProcess[str], *messages: str) -> None:
    """Assert that the command printed `messages`, each in a line of its own, and nothing else."""
    lines = outcome.stderr.splitlines()
    assert len(lines) == len(messages), outcome.stderr
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith(message)
    assert outcome.stdout == ""
    assert outcome.returncode == 2


def wait_for_line(show: subprocess.Popen[str], beginning: str) -> str:
    """Return the next line of the show's log that begins with `beginning`; others are skipped."""
    assert show.stderr is not None
    for line in show.stderr:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"the show ended before it logged '{beginning}'")
