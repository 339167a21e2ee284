"""Tests of the set-up: nothing that works is deleted before something else is complete.

The kiosk's folder is moved, renamed, copied, moved into itself, or has signs in its name that pip
or setuptools misreads; the network is missing, the power fails, the Python is gone or closed,
another user starts it. Questions and mistyped arguments install nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from installation.naming.networks.device import has_nvidia_card
from installation.settings.packages import ALL_PACKAGES
from installation.settings.paths import PROJECT

pytestmark = pytest.mark.slow

PYTHON = """\
#!/usr/bin/env bash
# Stands in for Python: notes what it is asked, and makes environments that hold only itself.
if [[ "$1 $2 $3 $4" == "-I -S -c import signal"* || "$1 $2 $3" == "-P -c import signal"* ]]; then
    until [[ $1 == -c ]]; do shift; done
    shift 3
    exec "$KIOSK" "$@"
fi
echo "$*" >>"$NOTES"
case "$*" in
    *"sys.version_info"*) [[ ! -e $BROKEN/version ]] ;;
    "-c import ensurepip"*) [[ ! -e $BROKEN/venv ]] ;;
    "-c import pip"*) [[ ! -e $BROKEN/pip ]] ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && touch "$3/pyvenv.cfg" ;;
    "-m pip "*)
        if [[ -e $BROKEN/power ]]; then kill -KILL "$PPID"; fi
        [[ ! -e $BROKEN/network ]] || exit 1
        printf '#!%s\\n' "$0" >"${0%python}tool"
        ;;
    *relocate.py*) exec "$REAL_PYTHON" "$@" ;;
    *check_run_arguments*) exec "$REAL_PYTHON" "$@" ;;
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
[ -e "$BROKEN/space" ] && free=1000000
printf 'Filesystem blocks Used Available\\nroot 1 1 %s\\n' "$free"
"""

TOOLS = (
    "awk bash cat chmod cp cut dirname env flock getconf id ln mkdir mktemp mv readlink rm "
    "sha256sum sh stat timeout touch uname"
)


@dataclass(frozen=True)
class Machine:
    """A machine with the tools that every Linux has, and a simulated Python."""

    folder: Path
    name: str = "the kiosk"

    @property
    def project(self) -> Path:
        """The kiosk's folder; its path has a space in it."""
        return self.folder / self.name

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the script."""
        return {
            "PATH": str(self.folder / "bin"),
            "NOTES": str(self.folder / "notes"),
            "BROKEN": str(self.folder / "broken"),
            "KIOSK": str(self.folder / "kiosk"),
            "REAL_PYTHON": sys.executable,
        }

    def lacks(self, problem: str) -> None:
        """Remove `problem` from the machine: version, venv, pip, space, network, power or hub."""
        (self.folder / "broken" / problem).touch()

    def has(self, problem: str) -> None:
        """Undo what `lacks` did for `problem`."""
        (self.folder / "broken" / problem).unlink()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/run from another folder."""
        return self.start("run", *arguments)

    def environment_is_whole(self) -> bool:
        """Return whether the installed tool is in place and starts its environment's Python."""
        python = f"{self.project}/.venv/bin/python"
        script = (self.project / ".venv" / "bin" / "tool").read_text()
        if " " in python:
            return script.startswith(f'#!/bin/sh\n\'\'\'exec\' "{python}" "$0" "$@"\n')
        return script.startswith(f"#!{python}\n")

    def start(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script of scripts/ from another folder."""
        return subprocess.run(
            [self.project / "scripts" / script, *arguments],
            cwd="/",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls_of(self, beginning: str) -> int:
        """Return how many calls of Python or the kiosk begin with the text `beginning`."""
        notes = self.folder / "notes"
        lines = notes.read_text().splitlines() if notes.exists() else []
        return sum(line.startswith(beginning) for line in lines)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine on which the kiosk has just been copied."""
    return make_machine(tmp_path)


def make_machine(folder: Path) -> Machine:
    """Return a machine in `folder` on which the kiosk has just been copied."""
    machine = Machine(folder)
    (folder / "broken").mkdir()
    (folder / "bin").mkdir()
    for tool in TOOLS.split():
        path = shutil.which(tool)
        if path is None:
            pytest.fail(f"this machine has no {tool}. Install it.")
        (folder / "bin" / tool).symlink_to(path)
    for name, text in (("python3", PYTHON), ("df", DF)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    (folder / "kiosk").write_text(KIOSK)
    (folder / "kiosk").chmod(0o755)
    shutil.copytree(PROJECT / "scripts", machine.project / "scripts")
    # Networks are large, and no show starts here.
    without_networks = shutil.ignore_patterns("*.onnx")
    shutil.copytree(
        PROJECT / "installation", machine.project / "installation", ignore=without_networks
    )
    shutil.copy(PROJECT / "pyproject.toml", machine.project)
    return machine


def test_the_first_start_sets_up_and_the_second_does_not(machine: Machine) -> None:
    """The first start installs, the second starts at once, and both pass their arguments on."""
    first = machine.run("--headless", "--labels", "two words")
    assert first.stdout == "kiosk run --headless --labels two words\n"
    for step in ("1/4", "2/4", "3/4", "4/4", "done"):
        assert f"set-up: {step}" in first.stderr
    notes = (machine.folder / "notes").read_text()
    assert machine.environment_is_whole()
    second = machine.run("--seconds", "3")
    assert (second.stdout, second.stderr) == ("kiosk run --seconds 3\n", "")
    compiled = f"-m compileall -qq {machine.project}/installation\n"
    assert (machine.folder / "notes").read_text() == f"{notes}{compiled}kiosk run --seconds 3\n"


@pytest.mark.parametrize("name", ["k $x", "k{x}", "k[1]", "k#1", "Käfig %s"])
def test_any_name_of_the_folder_can_be_set_up(machine: Machine, name: str) -> None:
    """The set-up works in folders whose names have characters that pip or setuptools misreads.

    pip gets the path of a link without such signs, and the environment has the folder's own path.
    """
    named = replace(machine, name=name)
    machine.project.rename(named.project)
    for _ in range(2):
        assert named.run().stdout == "kiosk run\n"
        assert named.environment_is_whole()
        with (named.project / "scripts" / "constraints.txt").open("a") as file:
            file.write("another==1\n")
    paths = " ".join(pip_calls(machine))
    assert name not in paths
    assert paths.count("/kiosk --no-deps ") == 2 or has_nvidia_card()


def test_the_first_start_tries_once_to_fetch_the_better_detector(machine: Machine) -> None:
    """The set-up tries once to fetch YuNet; if that fails, one line says so and the show runs."""
    machine.lacks("hub")
    first = machine.run()
    assert first.stdout == "kiosk run\n"
    assert "set-up: the better face detector, YuNet, cannot be fetched now" in first.stderr
    machine.has("hub")
    assert machine.run().stderr == ""
    assert machine.calls_of("kiosk fetch --once yunet") == 1


def test_the_better_detector_is_tried_whatever_was_started_first(machine: Machine) -> None:
    """If the tests set the kiosk up, the first start of the show tries to fetch YuNet."""
    machine.start("test")
    assert machine.calls_of("-m pytest") == 1
    assert machine.calls_of("kiosk fetch") == 0, "no test touches the network"
    first = machine.run()
    assert first.stderr == "set-up: the better face detector, YuNet, is in models/weights\n"
    assert machine.run().stderr == ""
    assert machine.calls_of("kiosk fetch --once yunet") == 1


def test_another_list_of_packages_is_installed(machine: Machine) -> None:
    """A change of the pinned packages is installed into the existing environment."""
    machine.run()
    with (machine.project / "scripts" / "constraints.txt").open("a") as file:
        file.write("another==1\n")
    machine.run()
    assert (machine.calls_of("-m venv"), machine.calls_of("-m pip")) == (1, 2)


@pytest.mark.parametrize("way", ["moved", "renamed", "moved into itself", "copied"])
def test_a_moved_kiosk_keeps_its_packages(machine: Machine, way: str) -> None:
    """If the kiosk's folder is moved, paths are changed and no package is fetched again."""
    machine.run()
    name = {"moved": "other/place", "moved into itself": "the kiosk/the kiosk"}.get(way, "another")
    moved = replace(machine, name=name)
    machine.lacks("network")
    if way == "copied":
        shutil.copytree(machine.project, moved.project, symlinks=True, copy_function=os.link)
    else:
        aside = machine.project.rename(machine.folder / "aside")
        moved.project.parent.mkdir(exist_ok=True)
        aside.rename(moved.project)
    started = moved.run()
    assert started.stdout == "kiosk run\n"
    assert started.stderr == (
        f"set-up: the kiosk was moved from {machine.project} to {moved.project}; its "
        "environment is adapted\n"
    )
    assert moved.environment_is_whole()
    assert way != "copied" or machine.environment_is_whole(), "the copy shares its files"
    assert moved.run().stderr == ""
    assert (machine.calls_of("-m venv"), machine.calls_of("-m pip")) == (1, 1)


@pytest.mark.parametrize("change", ["the list of packages", "the Python"])
def test_without_a_network_the_environment_in_use_stays(machine: Machine, change: str) -> None:
    """A new environment is built beside the old one, which stays until the new one is complete."""
    machine.run()
    machine.lacks("network")
    if change == "the Python":
        machine.lacks("pip")
    with (machine.project / "scripts" / "constraints.txt").open("a") as file:
        file.write("another==1\n")
    started = machine.run()
    assert machine.environment_is_whole()
    assert not (machine.project / ".venv.new").exists()
    if change == "the Python":  # the packages are for another Python
        assert started.returncode == 1
        assert "cannot be used: the Python that it was made with is missing. It" in started.stderr
    else:
        assert started.stdout == "kiosk run\n"
        assert "The show starts with those that it has" in started.stderr
        assert machine.start("test").returncode == 1
    machine.has("network")
    assert machine.run().returncode == 0
    assert machine.environment_is_whole()


def test_a_power_cut_while_the_environment_is_replaced_costs_nothing(machine: Machine) -> None:
    """Between the two moves there is no environment; the next start moves the old one back."""
    machine.run()
    (machine.project / ".venv").rename(machine.project / ".venv.old")
    machine.lacks("network")
    assert machine.run().stdout == "kiosk run\n"
    assert machine.environment_is_whole()


def test_a_foreign_environment_is_not_replaced(machine: Machine) -> None:
    """An environment in .venv that the scripts did not make is not changed."""
    (machine.project / ".venv").mkdir()
    (machine.project / ".venv" / "theirs").touch()
    refused = machine.run()
    assert refused.returncode == 1
    remedy = refused.stderr.split("was not made by scripts/run. Move it away: ")[1]
    assert (machine.project / ".venv" / "theirs").exists()
    subprocess.run(["bash", "-c", remedy], cwd="/", check=True)
    assert (machine.project / ".venv.own" / "theirs").exists(), "the remedy works in any folder"


@pytest.mark.parametrize(
    ("script", "arguments", "status", "answer"),
    [
        ("run", ("--help",), 0, "usage: kiosk run "),
        ("run", ("--windowde", "1280x720"), 2, "usage: kiosk run "),
        ("run", ("--seconds", "soon"), 2, "usage: kiosk run "),
        ("run", ("none.yaml",), 2, "usage: kiosk run "),
        ("run", ("version",), 2, "usage: kiosk run "),
        ("test", ("--help",), 0, "Runs scripts/check and all tests at once"),
        ("check", ("-h",), 0, "Form, lint, types"),
        ("bench", ("--help",), 0, "Measures the show on this machine"),
        ("kiosk", ("doctor",), 1, "set-up: the kiosk is not set up yet. Run: "),
        ("setup", ("--help",), 0, "Sets the kiosk up, or says that it is."),
        ("setup", ("--al",), 1, "set-up: unknown arguments: --al (expected none, or --all)."),
    ],
)
def test_a_question_installs_nothing(
    machine: Machine, script: str, arguments: tuple[str, ...], status: int, answer: str
) -> None:
    """A request for help or a mistyped option is answered before any package is fetched."""
    answered = machine.start(script, *arguments)
    assert answered.returncode == status
    assert (answered.stdout + answered.stderr).startswith(answer)
    assert machine.calls_of("-m venv") == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_only_the_owner_sets_up() -> None:
    """For a file of another user the message names the owner, instead of "Permission denied"."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own can be entered by root only
        machine = make_machine(Path(folder))
        machine.folder.chmod(0o755)
        started = subprocess.run(
            [machine.project / "scripts" / "run"],
            env=machine.environment | {"REAL_PYTHON": "/bin/true"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            user=65534,
        )
        assert started.returncode == 1
        assert "Let its owner, root, run scripts/run once" in started.stderr.splitlines()[-1]
        assert "Permission denied" not in started.stderr.splitlines()[-1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_python_in_a_closed_folder_is_named() -> None:
    """If the user cannot enter Python's folder, the message says so, and names no set-up."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own can be entered by root only
        machine = make_machine(Path(folder))
        machine.folder.chmod(0o755)
        assert machine.run().returncode == 0
        closed = machine.folder / "home"
        python = closed / "pyenv" / "bin" / "python3"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        own = machine.project / ".venv" / "bin" / "python"
        own.unlink()
        own.symlink_to(python)
        closed.chmod(0o700)
        for script in ("run", "setup", "kiosk"):
            started = subprocess.run(
                [machine.project / "scripts" / script],
                env=machine.environment | {"REAL_PYTHON": "/bin/true"},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                user=65534,
            )
            assert started.returncode == 1
            line = started.stderr.splitlines()[-1]
            assert f"cannot enter {closed}, which contains the kiosk's Python" in line
            assert "Let root, who owns " in line
            assert "cannot be set up" not in line


def test_kiosk_passes_its_arguments_on(machine: Machine) -> None:
    """scripts/kiosk, which all remedies name, works from any folder."""
    machine.run()
    assert (
        machine.start("kiosk", "labels", "new", "two words").stdout
        == "kiosk labels new two words\n"
    )


def test_a_link_to_a_script_is_followed(machine: Machine) -> None:
    """scripts/run and scripts/kiosk can be started through symbolic links."""
    (machine.folder / "current").symlink_to(machine.project)
    for script, words in (("run", ["--headless"]), ("kiosk", ["doctor"])):
        link = machine.folder / f"linked-{script}"
        link.symlink_to(machine.folder / "current" / "scripts" / script)
        linked = subprocess.run(
            [link, *words],
            cwd="/",
            env=machine.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        expected = "kiosk run --headless\n" if script == "run" else "kiosk doctor\n"
        assert linked.stdout == expected, linked.stderr
    assert (machine.project / ".venv").is_dir()


def test_an_interrupted_set_up_is_redone(machine: Machine) -> None:
    """After a power cut half-way the next start builds the environment again."""
    machine.lacks("power")
    assert machine.run().returncode == -signal.SIGKILL
    machine.has("power")
    again = machine.run()
    assert again.stdout == "kiosk run\n"
    assert machine.calls_of("-m venv") == 2


def test_without_a_network_the_set_up_goes_on_later(machine: Machine) -> None:
    """If packages cannot be fetched, the set-up says so, and the next start continues."""
    machine.lacks("network")
    failed = machine.run()
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "the packages cannot be installed" in failed.stderr.splitlines()[-1]
    machine.has("network")
    assert machine.run().returncode == 0


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("version", "no Python from 3.11 to 3.14 is on this machine. Install it: sudo apt-get"),
        ("venv", "python3 lacks the module venv. Install it: sudo apt-get install python3-venv"),
        ("space", "too little disk space: 1 GB free in "),
    ],
)
def test_what_is_missing_is_said_in_one_line(machine: Machine, problem: str, message: str) -> None:
    """If the machine lacks something, the last line says what to do."""
    machine.lacks(problem)
    failed = machine.run()
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"set-up: {message}")
    assert machine.calls_of("-m pip") == 0


def test_two_starts_set_up_once(machine: Machine) -> None:
    """Two starts at the same time do not install over each other."""
    script = machine.project / "scripts" / "run"
    pipe = subprocess.PIPE
    starts = [
        subprocess.Popen([script], env=machine.environment, stdout=pipe, stderr=pipe)
        for _ in range(3)
    ]
    assert [start.communicate(timeout=60)[0] for start in starts] == [b"kiosk run\n"] * 3
    assert machine.calls_of("-m pip") == 1


def test_the_scripts_can_be_started() -> None:
    """Every script that is a command is executable."""
    commands = (
        "run",
        "setup",
        "kiosk",
        "test",
        "check",
        "bench",
        "bench-labels",
        "fuzz",
    )
    for script in (*(f"scripts/{name}" for name in commands), ".ci/run"):
        assert os.access(PROJECT / script, os.X_OK), script


CARD = {"vendor": "0x10de", "class": "0x030000"}


@pytest.mark.parametrize(
    ("devices", "level"),
    [
        ([], "show"),
        ([CARD], "all"),
        ([{"vendor": "0x8086", "class": "0x020000"}, CARD | {"class": "0x030200"}], "all"),
        ([{"vendor": "0x8086", "class": "0x030000"}], "show"),  # graphics in an Intel processor
        ([CARD | {"class": "0x040300"}], "show"),  # the sound of a card that another machine has
        ([{"class": "0x030000"}], "show"),
    ],
)
def test_pytorch_is_installed_only_for_a_card_by_nvidia(
    tmp_path: Path, devices: list[dict[str, str]], level: str
) -> None:
    """A display controller by NVIDIA on PCI is a card, whether its driver is there or not.

    `device: auto` uses the same test.
    """
    for number, device in enumerate(devices):
        folder = tmp_path / "sys/bus/pci/devices" / f"0000:0{number}:00.0"
        folder.mkdir(parents=True)
        for name, content in device.items():
            (folder / name).write_text(f"{content}\n")
    program = f'source "{PROJECT}/scripts/setup"; pci_devices=$1; show_level'
    answered = subprocess.run(
        ["bash", "-c", program, "bash", tmp_path / "sys/bus/pci/devices"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answered.stdout == f"{level}\n"
    assert has_nvidia_card(tmp_path) == (level == "all")


def pip_calls(machine: Machine) -> list[str]:
    """Return the arguments of pip in each call."""
    notes = (machine.folder / "notes").read_text().splitlines()
    return [line for line in notes if line.startswith("-m pip ")]


def test_the_packages_of_the_tests_are_unpacked_by_two_processes(machine: Machine) -> None:
    """Each pinned package is installed by one of two processes, and then all are checked."""
    machine.start("test")
    *halves, last = pip_calls(machine)
    pinned = (machine.project / "scripts" / "constraints.txt").read_text().splitlines()
    for requirement in pinned:
        if requirement and not requirement.startswith("#"):
            assert sorted(f" {requirement} " in f"{half} " for half in halves) == [False, True]
    assert f"--editable {machine.project}[dev]" in last
    assert machine.calls_of("-m compileall -q -j 0") == 2
    machine.start("test")
    assert len(pip_calls(machine)) == 3


def test_without_a_network_the_tests_do_not_begin(machine: Machine) -> None:
    """If neither of two processes can fetch packages, the set-up says so and leaves nothing."""
    machine.lacks("network")
    started = machine.start("test")
    assert started.returncode == 1
    assert "set-up: the packages cannot be installed" in started.stderr.splitlines()[-1]
    assert machine.calls_of("-m pytest") == 0
    assert not (machine.project / ".venv.new").exists()


@pytest.mark.skipif(has_nvidia_card(), reason="this machine has a card, so it needs all packages")
def test_without_a_card_the_show_alone_is_set_up(machine: Machine) -> None:
    """Neither packages of PyTorch nor dependencies outside the list are installed."""
    first = machine.run()
    assert "installing the packages of the show: 0.2 GB to fetch, 0.7 GB on disk" in first.stderr
    (call,) = pip_calls(machine)
    assert f"--no-deps --requirement {machine.project}/scripts/show-packages.txt" in call
    assert "-c import cv2, pygame, onnx, onnxruntime" in (machine.folder / "notes").read_text()
    assert machine.calls_of("-c import cv2, pygame, onnx, onnxruntime, PIL.Image, pydantic") == 1


@pytest.mark.skipif(has_nvidia_card(), reason="this machine has a card, so it needs all packages")
def test_all_packages_come_with_one_command_and_stay(machine: Machine) -> None:
    """After `scripts/setup --all` the show starts as before, and updates keep PyTorch."""
    machine.run()
    added = machine.start("setup", "--all")
    assert added.returncode == 0
    assert "adding packages: up to 3.2 GB to fetch, 7.0 GB on disk" in added.stderr
    assert "--no-deps" not in pip_calls(machine)[1]
    assert machine.start("setup", "--all").stderr == "set-up: the kiosk is set up\n"
    assert machine.run().stderr == ""
    with (machine.project / "scripts" / "constraints.txt").open("a") as file:
        file.write("another==1\n")
    assert machine.run().stdout == "kiosk run\n"
    assert "--no-deps" not in pip_calls(machine)[2]
    assert machine.calls_of("-m pip") == 3


def test_without_a_network_all_packages_are_refused_and_the_show_starts(machine: Machine) -> None:
    """The environment in use stays if more packages cannot be fetched."""
    machine.run()
    machine.lacks("network")
    if not has_nvidia_card():
        assert machine.start("setup", "--all").returncode == 1
    assert machine.run().stdout == "kiosk run\n"


def show_packages() -> set[str]:
    """Return the packages of the show by their normal names."""
    lines = (PROJECT / "scripts" / "show-packages.txt").read_text().splitlines()
    return {canonicalize_name(line) for line in lines if line and not line.startswith("#")}


DATA_PACKAGES = {"timm", "scikit-image"}
"""Packages that the show reads as folders of data, so that what they import is not needed."""


def test_the_packages_of_the_show_are_complete() -> None:
    """The list has all dependencies of each package, and nothing else."""
    listed = show_packages()
    needed = set()
    for package in listed - DATA_PACKAGES:
        for line in requires(package) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed.add(canonicalize_name(requirement.name))
    assert needed <= listed
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    named = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert listed <= needed | named
    assert not {"torch", "torchvision", "scipy", "transformers"} & listed


def test_what_needs_more_packages_names_the_sizes_of_the_set_up() -> None:
    """The remedy in messages has the sizes that scripts/setup prints."""
    program = f'source "{PROJECT}/scripts/setup"; sizes all'
    sizes = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert f"Run: scripts/setup --all ({sizes.stdout.strip()})" == ALL_PACKAGES
