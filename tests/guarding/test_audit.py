from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest

from installation.guarding.attempts import (
    ABSENT,
    ATTEMPTS,
    LAYERS,
    SHORT,
    AbsentError,
    Attempt,
    tried,
)
from installation.guarding.facts import NOT_PROVED, PROVED
from installation.guarding.sealing import Proof
from tests.guarding.children import USERS, needs_guard, run

NEED_RIGHTS = {
    # Without a guard these are refused to an ordinary user all the same.
    "name the machine",
    "mount in pieces",
    "swap to a file",
    "open a socket: the network card",
    "open a socket: raw packets",
    "send a signal",
    "send a signal to a thread",
    "send a signal with a value",
    "load a program into the kernel",
    "record what the machine does",
    "handle another's page faults",
    "watch the file system",
    "change the root folder",
    "mount",
    "open a file by its number",
    "leave for another name space",
    "write into the home folder",
}
MAY_BE_MISSING = {
    # Parts that a kernel, a container or a machine need not have, or may keep to itself.
    "load a module",
    "queue calls for the kernel",
    "make secret memory",
    "set a file's flags by a newer call",
    "open a queue of messages",
    "keep bytes as a key",
    "ask for a key",
    "add an attribute to a file",
    "open a socket: the host of a virtual machine",
    "open a socket: the kernel's ciphers",
    "open a socket: Bluetooth",
    "open a socket: a car's bus",
}


def test_there_are_many_ways_out() -> None:
    """At least 65 are tried, each under a name of its own, most of them at every start."""
    names = [attempt.name for attempt in ATTEMPTS]
    assert len(names) == len(set(names))
    assert len(names) >= 65
    assert len(SHORT) >= 65
    assert {attempt.layer for attempt in ATTEMPTS} <= set(LAYERS.values())


@pytest.mark.parametrize("user", USERS)
def test_without_the_guard_the_attempts_get_through(user: str, tmp_path: Path) -> None:
    """The control: each attempt succeeds, or fails otherwise, where nobody keeps it from it."""
    program = (
        "import json\n"
        "from installation.guarding import standing\n"
        "from installation.guarding.attempts import ATTEMPTS, tried\n"
        "import shutil\n"
        "ground = standing.prepare_ground({})\n"
        "outcomes = tried(ATTEMPTS, ground, 'main')\n"
        "shutil.rmtree(ground)\n"
        "print(json.dumps([outcome.name for outcome in outcomes if outcome.refused]))\n"
    )
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    refused = set(json.loads(outcome.stdout.splitlines()[-1]))
    assert refused - MAY_BE_MISSING <= (NEED_RIGHTS if user != "root" else set())
    assert os.listdir(tmp_path / "home") == []


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_the_audit_tries_everything_in_the_real_show(user: str, tmp_path: Path) -> None:
    """`kiosk audit --json`: every attempt, from both threads, refused by the layer it names."""
    outcome = run("-m", "installation", "audit", "--json", user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    said = json.loads(outcome.stdout)
    assert sorted(said) == ["attempts", "facts", "missing", "not_proved", "proved"]
    expected = {attempt.name: attempt.layer for attempt in ATTEMPTS}
    tried = {(each["name"], each["thread"]) for each in said["attempts"]}
    assert tried == {(name, thread) for name in expected for thread in ("main", "earlier")}
    for each in said["attempts"]:
        assert sorted(each) == ["errno", "layer", "name", "refused", "thread"]
        assert each["refused"] is True, each
        assert each["layer"] in (expected[each["name"]], ABSENT), each
    assert said["missing"] == []
    assert "camera: rehearsal" in outcome.stderr


def test_an_audit_without_the_launcher_proves_nothing(tmp_path: Path) -> None:
    """Where the first stage is missing attempts get through, and the audit fails and says which."""
    program = "import sys; from installation.cli import main; sys.exit(main(sys.argv[1:]))"
    outcome = run("-c", program, "audit", "--short", "--json", user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 1
    said = json.loads(outcome.stdout)
    assert said["missing"][0].startswith("the first stage: ")
    assert not all(each["refused"] for each in said["attempts"])
    assert said["proved"].startswith("Nothing is proved")


@needs_guard
@pytest.mark.parametrize(("option", "begins"), [([], "attempt "), (["--page"], "<!doctype html>")])
def test_the_audit_as_table_and_as_page(option: list[str], begins: str, tmp_path: Path) -> None:
    """People read the same as a table, or as a page for the wall, with what is not proved."""
    outcome = run(
        "-m", "installation", "audit", "--short", *option, user=USERS[-1], folder=tmp_path
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith(begins)
    assert outcome.stdout.count("create a file in a hurry") == 2
    assert "It is not proved what others do" in outcome.stdout
    assert "GOT THROUGH" not in outcome.stdout


@needs_guard
def test_the_self_test_is_quick(tmp_path: Path) -> None:
    """The attempts of a start take less than 300 ms, in both threads together."""
    program = (
        "import time\n"
        "from installation.guarding.launcher import first_stage\n"
        "from installation.guarding.sealing import Guard\n"
        "from installation.guarding.standing import Standing\n"
        "guard = Guard(first_stage(Standing('enforce'), None))\n"
        "began = time.monotonic()\n"
        "proof = guard.seal()\n"
        "print(time.monotonic() - began, proof.holds, proof.ways)\n"
    )
    outcome = run("-c", program, user=USERS[0], folder=tmp_path)
    seconds, holds, ways = outcome.stdout.split()
    assert float(seconds) < 0.3
    assert holds == "True"
    assert int(ways) == len(SHORT)


@needs_guard
def test_the_audit_holds_where_the_unit_runs_it(tmp_path: Path) -> None:
    """The unit's user has no home and lets nobody use a new file; all is refused still."""
    ground = tmp_path / "run"
    ground.mkdir()
    ground.chmod(0o777)
    program = (
        "import os, sys; os.umask(0o777); "
        "os.execv(sys.executable, [sys.executable, '-m', 'installation', *sys.argv[1:]])"
    )
    outcome = run(
        *("-c", program, "audit", "--short", "--json"),
        user=USERS[-1],
        folder=tmp_path,
        HOME="/nonexistent",
        RUNTIME_DIRECTORY=str(ground),
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    layers = {each["name"]: each["layer"] for each in json.loads(outcome.stdout)["attempts"]}
    assert layers["write into the home folder"] == ABSENT
    assert layers["change an open file's permissions"] == "seccomp"


@pytest.mark.parametrize("user", USERS)
def test_the_ground_of_the_attempts_may_be_changed_by_its_user(user: str, tmp_path: Path) -> None:
    """Whatever the user's file mask is, it is not the ground that refuses the attempts."""
    program = (
        "import os, sys; os.umask(0o777)\n"
        "from installation.guarding.standing import prepare_ground\n"
        "ground = prepare_ground({'RUNTIME_DIRECTORY': os.getcwd()})\n"
        "for name in ('file', 'folder', 'pipe'):\n"
        "    print(oct((ground / name).stat().st_mode & 0o777), ground.parent.samefile('.'))\n"
    )
    outcome = run("-c", program, user=user, folder=tmp_path)
    assert outcome.stdout == "0o600 True\n0o700 True\n0o600 True\n", outcome.stderr


def test_the_ground_is_cleared_away(tmp_path: Path) -> None:
    """Once the show has ended nothing of its self-test lies about, also where it was killed."""
    program = (
        "import os, signal, subprocess, sys\n"
        "from installation.guarding import limits\n"
        "limits.take_in_orphans()\n"
        "ended = subprocess.run([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE)\n"
        "assert ended.returncode == -signal.SIGKILL and ended.stdout == b'there\\n'\n"
        "try:\n"
        "    while True:\n"
        "        os.wait()\n"
        "except ChildProcessError:\n"
        "    print(os.listdir('.'))\n"
    )
    killed = (
        "import os, pathlib, signal\n"
        "from installation.guarding.launcher import first_stage\n"
        "from installation.guarding.standing import Standing\n"
        "standing = first_stage(Standing('degraded'), None)\n"
        "if pathlib.Path(standing.ground, 'file').exists():\n"
        "    print('there', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    home = tmp_path / "home"
    outcome = run(
        "-c", program, killed, user=USERS[-1], folder=tmp_path, RUNTIME_DIRECTORY=str(home)
    )
    assert outcome.stdout == "[]\n", outcome.stderr


def test_ways_that_are_not_there_are_not_counted(tmp_path: Path) -> None:
    """The line on the wall says how many ways were tried, and only those that there are."""

    def absent(ground: Path) -> None:
        raise AbsentError(ground)

    def refused(ground: Path) -> None:
        raise PermissionError(1, "refused")

    attempts = [Attempt("one", "", "seccomp", absent), Attempt("two", "", "seccomp", refused)]
    outcomes = tried(attempts, tmp_path, "main")
    assert [outcome.refused for outcome in outcomes] == [True, True]
    assert Proof(tuple(outcomes), (), datetime.datetime.now()).ways == 1


def test_a_mistake_of_ours_is_no_refusal(tmp_path: Path) -> None:
    """Where a library has changed so that an attempt cannot be made, it is not taken as refused."""

    def deed(ground: Path) -> None:
        raise AttributeError("imwrite")

    [outcome] = tried([Attempt("write", "", "Landlock", deed, library=True)], tmp_path, "main")
    assert not outcome.refused


def test_what_is_proved_leaves_out_what_stays_open() -> None:
    """Standard output and error are ways out that nobody closes, and the proof says so."""
    assert "Standard output and error stay open" in NOT_PROVED
    assert "each way out that is known" not in PROVED
