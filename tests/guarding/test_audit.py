from __future__ import annotations

import datetime
import errno
import html
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installation.guarding.guard import NOT_LAUNCHED
from installation.guarding.host import NOT_PROVED, PROVED
from installation.guarding.layers.seccomp import REFUSED_ERRNO
from installation.guarding.probes.all_probes import ALL_PROBES, QUICK_PROBES
from installation.guarding.probes.probe import LAYERS, AbsentError, Probe, run_probes
from installation.guarding.report import as_json, as_page, as_table
from installation.guarding.self_test import Proof
from installation.guarding.status import SECCOMP
from tests.support.children import ROOT, USERS, needs_guard, run

NEED_RIGHTS = {
    # Without a guard these are refused to an ordinary user all the same.
    "rename the machine",
    "mount with fsopen",
    "swap to a file",
    "open a socket: network card",
    "open a socket: raw packets",
    "send a signal",
    "send a signal to a thread",
    "send a signal with a value",
    "send a signal with a value to a thread",
    "load a program into the kernel",
    "record events of the machine",
    "handle page faults",
    "watch the file system",
    "change the root folder",
    "mount",
    "open a file by its handle",
    "leave a namespace",
    "write into the home folder",
}
MAY_BE_MISSING = {
    # Parts that a kernel, a container or a machine need not have, or may keep to itself.
    "set the memory node of a file in memory",
    "set the memory node of pages of a program",
    "set the memory node of a program",
    "load a kernel module",
    "queue calls for the kernel",
    "make secret memory",
    "set a file's flags with file_setattr",
    "open a POSIX message queue",
    "store bytes as a key",
    "find a keyring",
    "add an attribute to a file",
    "open a socket: host of a virtual machine",
    "open a socket: kernel's ciphers",
    "open a socket: Bluetooth",
    "open a socket: CAN bus",
}


def test_there_are_many_ways_out() -> None:
    """At least 65 are tried, each under a name of its own, most of them at every start."""
    names = [attempt.name for attempt in ALL_PROBES]
    assert len(names) == len(set(names))
    assert len(names) >= 65
    assert len(QUICK_PROBES) >= 65
    assert {attempt.layer for attempt in ALL_PROBES} <= set(LAYERS.values())


@pytest.mark.parametrize("user", USERS)
def test_without_the_guard_the_attempts_get_through(user: str, tmp_path: Path) -> None:
    """The control: where nobody keeps it from it each attempt succeeds, or fails otherwise.

    None is said to be refused by seccomp, also of what the kernel keeps from an ordinary user.
    """
    program = (
        "import json\n"
        "from installation.guarding import status\n"
        "from installation.guarding.probes.probe import run_probes\n"
        "from installation.guarding.probes.all_probes import ALL_PROBES\n"
        "import shutil\n"
        "scratch_dir = status.make_scratch_dir({})\n"
        "outcomes = run_probes(ALL_PROBES, scratch_dir, 'main')\n"
        "shutil.rmtree(scratch_dir)\n"
        "print(json.dumps({outcome.name: (outcome.outcome, outcome.layer) "
        "for outcome in outcomes}))\n"
    )
    outcome = run("-W", "ignore", "-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    said = json.loads(outcome.stdout.splitlines()[-1])
    assert [name for name, (_, layer) in said.items() if layer == SECCOMP] == []
    kept = {name for name, (became, _) in said.items() if became != "succeeded"}
    assert kept - MAY_BE_MISSING <= (NEED_RIGHTS if user != "root" else set())
    # That these fail is all that is told of them under the guard, so here none may.
    assert not kept & {attempt.name for attempt in ALL_PROBES if attempt.library}
    assert os.listdir(tmp_path / "home") == []


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_the_audit_tries_everything_in_the_real_show(user: str, tmp_path: Path) -> None:
    """`kiosk audit --json`: every attempt, from both threads, refused by the layer it names."""
    outcome = run("-m", "installation", "audit", "--json", user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    said = json.loads(outcome.stdout)
    assert sorted(said) == ["absent", "attempts", "facts", "missing", "not_proved", "proved"]
    expected = {attempt.name: attempt.layer for attempt in ALL_PROBES}
    answers = {attempt.name: attempt.errno or REFUSED_ERRNO for attempt in ALL_PROBES}
    lose_numbers = {attempt.name for attempt in ALL_PROBES if attempt.library}
    there = expected.keys() - set(said["absent"])
    assert there | MAY_BE_MISSING == expected.keys() | MAY_BE_MISSING
    tried = {(each["name"], each["thread"]) for each in said["attempts"]}
    assert tried == {(name, thread) for name in there for thread in ("main", "earlier")}
    for each in said["attempts"]:
        assert sorted(each) == ["errno", "layer", "name", "refused", "thread"]
        assert each["refused"] is True, each
        told = each["errno"] is not None or each["name"] not in lose_numbers
        assert each["layer"] == (expected[each["name"]] if told else None), each
        # A number that only the filter gives, or the kernel itself could be meant.
        assert each["layer"] != SECCOMP or each["errno"] == answers[each["name"]], each
    assert said["missing"] == []
    assert "camera: rehearsal" in outcome.stderr


def test_an_audit_without_the_launcher_proves_nothing(tmp_path: Path) -> None:
    """Where the first stage is missing attempts get through, and the audit fails and says which."""
    program = "import sys; from installation.cli.main import main; sys.exit(main(sys.argv[1:]))"
    outcome = run("-c", program, "audit", "--short", "--json", user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 1
    said = json.loads(outcome.stdout)
    assert said["missing"][0].startswith("stage one: ")
    assert not all(each["refused"] for each in said["attempts"])
    assert said["proved"].startswith("Nothing is proved")


@needs_guard
def test_the_audit_goes_whole_into_a_file(tmp_path: Path) -> None:
    """Where output is a file, which only short lines get into, no attempt of the JSON is lost."""
    command = [sys.executable, "-m", "installation", "audit", "--short", "--json"]
    with (tmp_path / "audit.json").open("w") as file:
        outcome = subprocess.run(command, stdout=file, cwd=ROOT, check=False, timeout=60)
    assert outcome.returncode == 0
    said = json.loads((tmp_path / "audit.json").read_text())
    assert len(said["attempts"]) == 2 * (len(QUICK_PROBES) - len(said["absent"]))


@needs_guard
def test_the_page_speaks_to_visitors_as_the_wall_does(tmp_path: Path) -> None:
    """`kiosk audit --page` has the wall's line in the show's language above what was tried."""
    (tmp_path / "kiosk.yaml").write_text("language: de\n")
    file = str(tmp_path / "kiosk.yaml")
    outcome = run("-m", "installation", "audit", file, "--page", user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert '<h1 lang="de">Kein Bild von Ihnen wird gespeichert. ' in outcome.stdout
    assert "attempts were refused" in outcome.stdout


@needs_guard
def test_the_audit_as_a_table(tmp_path: Path) -> None:
    """People read the same as a table: what was done, what became of it, what is not proved."""
    outcome = run("-m", "installation", "audit", "--short", user=USERS[-1], folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    head, *rows = outcome.stdout.splitlines()
    assert head.split("  ")[0] == "probe"
    assert sum("creat()" in row for row in rows) == 2
    assert "What others do is not proved" in outcome.stdout
    assert "SUCCEEDED" not in outcome.stdout


@needs_guard
def test_the_self_test_is_quick(tmp_path: Path) -> None:
    """The attempts of a start take less than 300 ms, in both threads together."""
    program = (
        "import time\n"
        "from installation.guarding.stage_one import enter_stage_one\n"
        "from installation.guarding.guard import Guard\n"
        "from installation.guarding.status import SandboxStatus\n"
        "guard = Guard(enter_stage_one(SandboxStatus('enforce'), None))\n"
        "began = time.monotonic()\n"
        "proof = guard.seal()\n"
        "print(time.monotonic() - began, proof.holds, proof.ways_tried)\n"
    )
    outcome = run("-c", program, user=USERS[0], folder=tmp_path)
    seconds, holds, ways = outcome.stdout.split()
    assert float(seconds) < 0.3
    assert holds == "True"
    assert int(ways) == len(QUICK_PROBES)


@needs_guard
def test_the_audit_holds_where_the_unit_runs_it(tmp_path: Path) -> None:
    """The unit's user has no home and lets nobody use a new file; all is refused still."""
    scratch_dir = tmp_path / "run"
    scratch_dir.mkdir()
    scratch_dir.chmod(0o777)
    program = (
        "import os, sys; os.umask(0o777); "
        "os.execv(sys.executable, [sys.executable, '-m', 'installation', *sys.argv[1:]])"
    )
    outcome = run(
        *("-c", program, "audit", "--short", "--json"),
        user=USERS[-1],
        folder=tmp_path,
        HOME="/nonexistent",
        RUNTIME_DIRECTORY=str(scratch_dir),
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    said = json.loads(outcome.stdout)
    assert "write into the home folder" in said["absent"]
    layers = {each["name"]: each["layer"] for each in said["attempts"]}
    assert layers["change an open file's permissions"] == "seccomp"


@pytest.mark.parametrize("user", USERS)
def test_the_ground_of_the_attempts_may_be_changed_by_its_user(user: str, tmp_path: Path) -> None:
    """Whatever the user's file mask is, it is not the scratch_dir that refuses the attempts."""
    program = (
        "import os, sys; os.umask(0o777)\n"
        "from installation.guarding.status import make_scratch_dir\n"
        "scratch_dir = make_scratch_dir({'RUNTIME_DIRECTORY': os.getcwd()})\n"
        "for name in ('file', 'folder', 'pipe'):\n"
        "    print(oct((scratch_dir / name).stat().st_mode & 0o777),"
        " scratch_dir.parent.samefile('.'))\n"
    )
    outcome = run("-c", program, user=user, folder=tmp_path)
    assert outcome.stdout == "0o600 True\n0o700 True\n0o600 True\n", outcome.stderr


def test_the_ground_is_cleared_away(tmp_path: Path) -> None:
    """Once the show has ended nothing of its self-test lies about, also where it was killed."""
    program = (
        "import os, signal, subprocess, sys\n"
        "from installation.guarding.layers import limits\n"
        "limits.become_subreaper()\n"
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
        "from installation.guarding.stage_one import enter_stage_one\n"
        "from installation.guarding.status import SandboxStatus\n"
        "status = enter_stage_one(SandboxStatus('degraded'), None)\n"
        "if pathlib.Path(status.scratch_dir, 'file').exists():\n"
        "    print('there', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    home = tmp_path / "home"
    outcome = run(
        "-c", program, killed, user=USERS[-1], folder=tmp_path, RUNTIME_DIRECTORY=str(home)
    )
    assert outcome.stdout == "[]\n", outcome.stderr


def absent(scratch_dir: Path) -> None:
    """Find nothing to try."""
    raise AbsentError(scratch_dir)


def refused(scratch_dir: Path) -> None:
    """Be refused by the filter, which says so."""
    raise OSError(REFUSED_ERRNO, "refused")


def forbidden(scratch_dir: Path) -> None:
    """Be refused by the kernel itself, as an ordinary user is without any guard."""
    raise PermissionError(errno.EPERM, "not permitted")


def denied(scratch_dir: Path) -> None:
    """Be refused with Landlock's number."""
    raise PermissionError(errno.EACCES, "denied")


def failed(scratch_dir: Path) -> None:
    """Fail as a library does that keeps the kernel's number to itself."""
    raise RuntimeError("it could not be written")


def test_ways_that_are_not_there_are_not_counted(tmp_path: Path) -> None:
    """The line on the wall, the page and the table count as tried only what there is to try."""
    attempts = [
        Probe("one", "nowhere()", "seccomp", absent),
        Probe("two", "prctl()", "seccomp", refused),
    ]
    outcomes = run_probes(attempts, tmp_path, "main")
    assert [outcome.outcome for outcome in outcomes] == ["absent", "refused"]
    proof = Proof(tuple(outcomes), (), datetime.datetime.now())
    assert proof.ways_tried == 1
    said = as_json(proof)
    assert said["absent"] == ["one"]
    assert said["attempts"] == [
        {
            "name": "two",
            "thread": "main",
            "refused": True,
            "layer": "seccomp",
            "errno": REFUSED_ERRNO,
        }
    ]
    page = as_page(proof, "Nothing.", "en")
    assert "1 of 1 attempts were refused" in page
    assert "<td>one</td><td>nowhere()</td><td>main</td><td>absent</td>" in page
    assert "one    nowhere()  main    absent" in as_table(proof)


def test_what_the_kernel_forbids_anyway_proves_nothing(tmp_path: Path) -> None:
    """What an ordinary user may not do in any case does not count as refused by the guard."""
    outcomes = run_probes([Probe("one", "swapon()", SECCOMP, forbidden)], tmp_path, "main")
    assert [(each.outcome, each.layer) for each in outcomes] == [("denied anyway", None)]
    proof = Proof(tuple(outcomes), (), datetime.datetime.now())
    assert proof.ways_tried == 0
    assert "one    swapon()  main    DENIED ANYWAY" in as_table(proof)
    [landlocks] = run_probes([Probe("two", "openat()", SECCOMP, denied)], tmp_path, "main")
    assert landlocks.outcome == "denied anyway"


def test_the_audit_as_a_page(tmp_path: Path) -> None:
    """The wall's page says what visitors read, what else is so, and what is not proved."""
    outcomes = tuple(run_probes([Probe("one", "write()", "seccomp", refused)], tmp_path, "main"))
    line = "Von Ihnen wird <kein> Bild gespeichert."
    holds = as_page(Proof(outcomes, (), datetime.datetime.now()), line, "de")
    assert holds.startswith("<!doctype html>")
    assert f'<h1 lang="de">{html.escape(line)}</h1>' in holds
    assert html.escape(NOT_PROVED) in holds
    lacks = as_page(Proof(outcomes, (NOT_LAUNCHED,), datetime.datetime.now()), line, "de")
    assert "Nothing is proved" in lacks
    assert html.escape(str(NOT_LAUNCHED)) in lacks


def test_a_library_that_tells_no_number_names_no_layer(tmp_path: Path) -> None:
    """Which layer refused is seen, not assumed: without the kernel's number it is not told."""
    library = Probe("write", "save()", "Landlock", failed, library=True)
    outcomes = run_probes([library], tmp_path, "main")
    assert (outcomes[0].outcome, outcomes[0].layer) == ("refused", None)
    table = as_table(Proof(tuple(outcomes), (), datetime.datetime.now()))
    assert "write  save()  main    refused  unknown" in table


def test_what_fails_without_the_kernel_has_got_through(tmp_path: Path) -> None:
    """An attempt that asks the kernel directly, and fails without its number, proves nothing."""
    [outcome] = run_probes([Probe("write", "write()", "Landlock", failed)], tmp_path, "main")
    assert outcome.outcome == "succeeded"


def test_a_mistake_of_ours_is_no_refusal(tmp_path: Path) -> None:
    """Where a library has changed so that an attempt cannot be made, it is not taken as refused."""

    def action(scratch_dir: Path) -> None:
        raise AttributeError("imwrite")

    [outcome] = run_probes([Probe("write", "", "Landlock", action, library=True)], tmp_path, "main")
    assert outcome.outcome == "succeeded"


ELSEWHERE = """
import os, signal, socket, subprocess, sys
import sysconfig
sysconfig.get_config_vars()
sys.platform = sys.argv.pop(1)
for module, names in (
    (socket, ("AF_PACKET", "AF_NETLINK", "AF_VSOCK", "AF_ALG", "AF_CAN")),
    (os, ("O_TMPFILE", "geteuid", "setxattr", "memfd_create")),
):
    for name in names:
        delattr(module, name)
if sys.platform == "win32":
    sys.modules["fcntl"] = sys.modules["resource"] = None
from installation.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_audit_elsewhere_says_what_is_missing(platform: str, tmp_path: Path) -> None:
    """On a Mac or Windows nothing is tried, and the audit ends with 1 and names what lacks."""
    outcome = run(*("-c", ELSEWHERE, platform, "audit", "--short"), user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 1, outcome.stderr
    assert "Missing:\n  stage one: " in outcome.stdout
    assert "Nothing is proved" in outcome.stdout


def test_what_is_proved_leaves_out_what_stays_open() -> None:
    """Standard output and error are ways out that nobody closes, and the proof says so."""
    assert "Standard output and error stay open" in NOT_PROVED
    assert "swap" in NOT_PROVED
    assert "each way out that is known" not in PROVED
