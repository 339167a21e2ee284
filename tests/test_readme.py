from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from installation.settings.kiosk import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_every_script_that_it_names_can_be_run() -> None:
    """Nobody types a command from the README and reads that there is no such file."""
    scripts = set(re.findall(r"\bscripts/[\w.-]*\w", README))
    assert "scripts/run" in scripts
    for script in scripts:
        path = PROJECT / script
        assert path.is_file(), script
        assert path.suffix or os.access(path, os.X_OK), script


def test_every_command_that_it_names_is_there_with_its_options() -> None:
    """`kiosk run` and the others take what the README says they take."""
    usages = re.findall(r"^kiosk ((?:labels )?\w+)((?:.*\n\s+\[)*.*)$", README, re.M)
    own = ("new", "list", "show", "check", "build", "preview", "watch", "export", "import")
    commands = {"run", "check", "doctor", "cameras", "audit", "service", "fetch"}
    assert commands | {f"labels {name}" for name in own} == {name for name, _ in usages}
    for name, usage in usages:
        ran = subprocess.run(
            [sys.executable, "-m", "installation", *name.split(), "--help"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        for option in re.findall(r"--[a-z-]+", usage):
            assert option in ran.stdout, f"kiosk {name} {option}"


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_its_pictures_and_links_lead_somewhere(target: str) -> None:
    """The picture of the screen is in the repository."""
    assert (PROJECT / target).is_file()
