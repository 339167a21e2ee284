from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from installation.settings.paths import PROJECT

PYTHON = """\
#!/usr/bin/env bash
# Stands in for Python: notes what it is asked, and makes environments that hold only itself.
echo "$*" >>"$NOTES"
case "$*" in
    *"sys.version_info"*) [[ ! -e $BROKEN/version ]] ;;
    "-c import ensurepip"*) [[ ! -e $BROKEN/venv ]] ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip "*)
        if [[ -e $BROKEN/power ]]; then kill -KILL "$PPID"; fi
        [[ ! -e $BROKEN/network ]] || exit 1
        cp "$KIOSK" "${0%python}kiosk"
        chmod +x "${0%python}kiosk"
        ;;
    "-") cat >/dev/null ;;
esac
"""

KIOSK = """\
#!/bin/sh
echo "kiosk $*" >>"$NOTES"
if [ "$1" = fetch ]; then [ ! -e "$BROKEN/hub" ]; exit; fi
echo "kiosk $*"
"""

DF = """\
#!/bin/sh
free=50000000
[ -e "$BROKEN/space" ] && free=2000000
printf 'Filesystem blocks Used Available\\nroot 1 1 %s\\n' "$free"
"""

TOOLS = (
    "awk bash cat chmod cp cut dirname env flock mkdir readlink rm sha256sum sh timeout touch uname"
)


@dataclass(frozen=True)
class Machine:
    """A machine with the tools that every Linux has, and a Python that only pretends."""

    folder: Path
    name: str = "the kiosk"

    @property
    def project(self) -> Path:
        """The kiosk's folder; its path has a space in it."""
        return self.folder / self.name

    @property
    def environment(self) -> dict[str, str]:
        """What the script is started with."""
        return {
            "PATH": str(self.folder / "bin"),
            "NOTES": str(self.folder / "notes"),
            "BROKEN": str(self.folder / "broken"),
            "KIOSK": str(self.folder / "kiosk"),
        }

    def lacks(self, what: str) -> None:
        """Take `what` from the machine: version, venv, space, network, power, hub."""
        (self.folder / "broken" / what).touch()

    def has(self, what: str) -> None:
        """Give `what` back."""
        (self.folder / "broken" / what).unlink()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/run from another folder."""
        return self.start("run", *arguments)

    def start(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of scripts/ from another folder."""
        return subprocess.run(
            [self.project / "scripts" / script, *arguments],
            cwd="/",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def asked(self, what: str) -> int:
        """Return how often Python or the kiosk was asked to do `what`."""
        notes = self.folder / "notes"
        lines = notes.read_text().splitlines() if notes.exists() else []
        return sum(line.startswith(what) for line in lines)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine on which the kiosk has just been copied."""
    machine = Machine(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "bin").mkdir()
    for tool in TOOLS.split():
        path = shutil.which(tool)
        if path is None:
            pytest.skip(f"this machine has no {tool}")
        (tmp_path / "bin" / tool).symlink_to(path)
    for name, text in (("python3", PYTHON), ("df", DF)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "kiosk").write_text(KIOSK)
    (tmp_path / "kiosk").chmod(0o755)
    shutil.copytree(PROJECT / "scripts", machine.project / "scripts")
    shutil.copy(PROJECT / "pyproject.toml", machine.project)
    return machine


def test_the_first_start_sets_up_and_the_second_does_not(machine: Machine) -> None:
    """The first start installs, the second starts at once, and both pass their arguments on."""
    first = machine.run("--headless", "two words")
    assert first.stdout == "kiosk run --headless two words\n"
    for step in ("1/4", "2/4", "3/4", "4/4", "done"):
        assert f"set-up: {step}" in first.stderr
    asked = (machine.folder / "notes").read_text()
    second = machine.run("--seconds", "3")
    assert (second.stdout, second.stderr) == ("kiosk run --seconds 3\n", "")
    compiled = f"-m compileall -qq {machine.project}/installation\n"
    assert (machine.folder / "notes").read_text() == f"{asked}{compiled}kiosk run --seconds 3\n"


def test_the_first_start_tries_once_to_fetch_the_better_detector(machine: Machine) -> None:
    """The set-up tries once to fetch YuNet; where it cannot, one line says so and the show runs."""
    machine.lacks("hub")
    first = machine.run()
    assert first.stdout == "kiosk run\n"
    assert "set-up: the better face detector, YuNet, cannot be fetched now" in first.stderr
    machine.has("hub")
    assert machine.run().stderr == ""
    assert machine.asked("kiosk fetch --once yunet") == 1


def test_the_better_detector_is_tried_whatever_was_started_first(machine: Machine) -> None:
    """Where the tests set the kiosk up, the first start of the show tries to fetch YuNet."""
    machine.start("test")
    assert machine.asked("-m pytest") == 1
    assert machine.asked("kiosk fetch") == 0, "no test touches the network"
    first = machine.run()
    assert first.stderr == "set-up: the better face detector, YuNet, is in models/weights\n"
    assert machine.run().stderr == ""
    assert machine.asked("kiosk fetch --once yunet") == 1


def test_another_list_of_packages_is_installed(machine: Machine) -> None:
    """A change of the pinned packages is installed into the environment that is there."""
    machine.run()
    with (machine.project / "scripts" / "constraints.txt").open("a") as file:
        file.write("another==1\n")
    machine.run()
    assert (machine.asked("-m venv"), machine.asked("-m pip")) == (1, 2)


def test_a_moved_kiosk_is_set_up_anew(machine: Machine) -> None:
    """An environment works only where it was made, so a kiosk that was moved makes another."""
    machine.run()
    moved = replace(machine, name="another place")
    machine.project.rename(moved.project)
    assert moved.run().returncode == 0
    assert machine.asked("-m venv") == 2


def test_an_interrupted_set_up_is_redone(machine: Machine) -> None:
    """After a power cut half-way the next start makes the environment anew."""
    machine.lacks("power")
    assert machine.run().returncode == -signal.SIGKILL
    machine.has("power")
    again = machine.run()
    assert again.stdout == "kiosk run\n"
    assert machine.asked("-m venv") == 2


def test_without_a_network_the_set_up_goes_on_later(machine: Machine) -> None:
    """Where packages cannot be fetched the set-up says so, and the next start takes it up."""
    machine.lacks("network")
    failed = machine.run()
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "the packages cannot be installed" in failed.stderr.splitlines()[-1]
    machine.has("network")
    assert machine.run().returncode == 0


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("version", "no Python from 3.11 to 3.14 is on this machine. Install it: sudo apt-get"),
        ("venv", "python3 lacks the module venv. Install it: sudo apt-get install python3-venv"),
        ("space", "2 GB are free in "),
    ],
)
def test_what_is_missing_is_said_in_one_line(machine: Machine, what: str, message: str) -> None:
    """Where the machine lacks something, the last line says what to do about it."""
    machine.lacks(what)
    failed = machine.run()
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"set-up: {message}")
    assert machine.asked("-m pip") == 0


def test_two_starts_set_up_once(machine: Machine) -> None:
    """Two starts at the same time do not install over each other."""
    script = machine.project / "scripts" / "run"
    pipe = subprocess.PIPE
    starts = [
        subprocess.Popen([script], env=machine.environment, stdout=pipe, stderr=pipe)
        for _ in range(3)
    ]
    assert [start.communicate(timeout=60)[0] for start in starts] == [b"kiosk run\n"] * 3
    assert machine.asked("-m pip") == 1


def test_the_scripts_can_be_started() -> None:
    """Every script that is a command is executable."""
    commands = ("run", "test", "check", "bench", "bench-labels", "fuzz")
    for script in (*(f"scripts/{name}" for name in commands), ".ci/run"):
        assert os.access(PROJECT / script, os.X_OK), script
