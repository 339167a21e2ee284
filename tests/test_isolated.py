"""Tests that no code of Python's environment runs before the guard."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from installation.guarding.systemd_unit import unit
from installation.isolated import kiosk_command
from installation.settings.paths import PROJECT

pytestmark = pytest.mark.slow

STARTING_CODE = "import argparse; argparse.ArgumentParser.format_help = lambda self: 'replaced\\n'"
"""Code that changes what a later part of the same process prints."""

INSTALLED = """\
#!{python}
import sys
from installation.launch import start
if __name__ == '__main__':
    sys.exit(start())
"""
"""The command that pip installs as `.venv/bin/kiosk`."""

SHOW = """
from installation.guarding.stage_one import start_show
from installation.guarding.status import SandboxStatus
start_show(["run", "--help"], SandboxStatus("enforce"), None)
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return the Python of an environment that runs `STARTING_CODE` first.

    The environment has the same packages as this one.
    """
    environment = tmp_path / ".venv"
    packages = environment / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    packages.mkdir(parents=True)
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if each.suffix != ".pth":
            (packages / each.name).symlink_to(each)
    (packages / "sitecustomize.py").write_text(STARTING_CODE)
    (packages / "first.pth").write_text(f"{PROJECT}\n{STARTING_CODE}\n")
    (environment / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    (environment / "bin").mkdir()
    python = environment / "bin" / "python"
    python.symlink_to(os.path.realpath(sys.executable))
    return python


def output_of(*words: str | Path) -> str:
    """Return what a command prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def installed(python: Path) -> list[str]:
    """Return the words of the command that pip installs."""
    script = python.with_name("kiosk")
    script.write_text(INSTALLED.format(python=python))
    script.chmod(0o755)
    return [str(script)]


def as_module(python: Path) -> list[str]:
    """Return the words that run the package as a module."""
    return [str(python), "-m", "installation"]


def of_the_scripts(python: Path) -> list[str]:
    """Return the words with which scripts/kiosk starts the kiosk."""
    script = f"source {shlex.quote(str(PROJECT / 'scripts' / 'setup'))}; venv=$1; shift"
    words = f'{script}; start_kiosk "$@"'
    return ["bash", "-c", words, "bash", str(python.parents[1])]


def of_the_unit(python: Path) -> list[str]:
    """Return the words of the unit's ExecStart line without the last one, `run`."""
    lines = unit(PROJECT, python=str(python)).splitlines()
    [line] = [line for line in lines if line.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart=:"))
    assert words.pop() == "run"
    return words


@pytest.mark.parametrize("entry", [installed, as_module, of_the_scripts, of_the_unit])
def test_no_code_of_the_environment_is_in_the_process_that_starts_shows(
    entry: Callable[[Path], list[str]], python: Path
) -> None:
    """Neither sitecustomize nor a .pth file changes `kiosk run`, however it is started."""
    assert output_of(*entry(python), "run", "--help").startswith("usage: kiosk run")


def test_other_commands_of_pip_run_the_environments_code(python: Path) -> None:
    """The control: the environment's code runs in a command other than `run`, such as `check`."""
    assert output_of(*installed(python), "check", "--help") == "replaced\n"


def test_no_code_of_the_environment_is_in_the_show(python: Path) -> None:
    """A show begins without sitecustomize and .pth files, whatever was in its launcher."""
    assert output_of(python, "-c", SHOW).startswith("usage: kiosk run")


def test_a_variable_of_the_session_adds_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sitecustomize in PYTHONPATH does not run in an isolated Python."""
    (tmp_path / "sitecustomize.py").write_text(STARTING_CODE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert output_of(*kiosk_command("run", "--help")).startswith("usage: kiosk run")


def test_an_isolated_python_finds_the_packages_of_its_environment(python: Path) -> None:
    """Without the code of the environment, its packages can still be imported."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import installation, yaml, numpy; "
    program += "print(yaml.__file__, sys.prefix)"
    found = output_of(python, "-I", "-S", "-c", program, PROJECT).split()
    assert [Path(path).is_relative_to(python.parents[1]) for path in found] == [True, True]
