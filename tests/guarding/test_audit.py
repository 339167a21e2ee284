from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from installation.guarding.attempts import ATTEMPTS, LAYERS, SHORT
from tests.guarding.children import USERS, run

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
        "outcomes = tried(ATTEMPTS, standing.prepare_ground({}), 'main')\n"
        "print(json.dumps([outcome.name for outcome in outcomes if outcome.refused]))\n"
    )
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    refused = set(json.loads(outcome.stdout.splitlines()[-1]))
    assert refused - MAY_BE_MISSING <= (NEED_RIGHTS if user != "root" else set())
    assert os.listdir(tmp_path / "home") == []


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
        assert each["layer"] in (expected[each["name"]], "no such call on this machine"), each
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
