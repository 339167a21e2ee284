"""Tests of the self-test: a way out that the machine does not have is no leak, and a date is true.

Calls that systemd hides, that a container refuses, or that a kernel lacks are absent. The proof is
dated by a clock that was set later, in the time zone of the day.
"""

from __future__ import annotations

import datetime
import textwrap
import time
from pathlib import Path

import pytest

from installation.guarding.probes.all_probes import QUICK_PROBES
from installation.guarding.probes.probe import Probe, ProbeResult
from installation.guarding.self_test import Proof, SelfTest, boot_clock
from installation.guarding.status import SECCOMP
from tests.support.children import (
    USERS,
    needs_guard,
    run,
)

COUNTED_SEAL = """
import collections, sys, threading
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.guard import Guard
from installation.guarding.status import SandboxStatus
guard = Guard(enter_stage_one(SandboxStatus("enforce"), None))
calls = collections.Counter()
def count(frame, event, function):
    if event in ("call", "c_call"):
        calls[function.__name__ if event == "c_call" else ""] += 1
threading.setprofile(count)
sys.setprofile(count)
proof = guard.seal()
sys.setprofile(None)
print(calls.total(), calls["fork"], calls["sleep"])
print(len(proof.results), proof.ways_tried, proof.holds)
"""
"""Counts the calls of functions in both threads while the guard is sealed."""


@needs_guard
def test_the_self_test_is_quick(tmp_path: Path) -> None:
    """The self-test of a start makes few calls, starts two processes at most, and never sleeps.

    Each thread runs each probe once. Counted with Python 3.11: 22,600 calls, of which some 15,000
    set the sandbox up.
    """
    outcome = run("-c", COUNTED_SEAL, user=USERS[0], folder=tmp_path)
    calls, forks, sleeps, results, ways, holds = outcome.stdout.split()
    assert int(calls) < 40_000
    assert int(forks) <= 2
    assert sleeps == "0"
    assert int(results) == 2 * len(QUICK_PROBES)
    assert int(ways) == len(QUICK_PROBES)
    assert holds == "True"


@pytest.mark.parametrize(
    "jump", [datetime.timedelta(days=20_000), -datetime.timedelta(hours=1), datetime.timedelta(0)]
)
def test_the_proof_is_dated_by_the_clock_as_it_is_now(jump: datetime.timedelta) -> None:
    """After the clock has jumped, the screen has the self-test's time by the corrected clock.

    Clocks jump when the network is reached, when somebody sets them, or for summer time.
    """
    wrong = datetime.datetime(1970, 1, 1, 0, 5, tzinfo=datetime.UTC)
    proof = Proof((), (), wrong, tested_at_s=20.0)
    three_hours = datetime.timedelta(hours=3)
    now = wrong + jump + three_hours
    assert proof.by_clock(now, 20.0 + 3 * 3600).tested_at == wrong + jump
    assert Proof((), (), wrong).by_clock(now, 50.0).tested_at == wrong


def test_the_proof_is_dated_in_the_local_time_of_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof from before the last change of the clocks has the time of that day."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        here = datetime.datetime.now().astimezone()
        ages = (datetime.timedelta(days=days) for days in range(0, 360, 30))
        age = next(age for age in ages if (here - age).astimezone().utcoffset() != here.utcoffset())
        proof = Proof((), (), here, tested_at_s=boot_clock() - age.total_seconds())
        tested_at = proof.by_this_clock().tested_at
        assert abs(here - tested_at - age) < datetime.timedelta(minutes=1)
        hours = {at.utcoffset() for at in (here, tested_at)}
        assert hours == {datetime.timedelta(hours=1), datetime.timedelta(hours=2)}
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_proof_follows_a_time_zone_that_is_set_while_the_show_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After somebody has set the time zone, the wall shows the time of the self-test in it."""
    proof = Proof((), (), datetime.datetime.now().astimezone(), tested_at_s=boot_clock())
    try:
        for zone, hours in (("Asia/Tokyo", 9), ("Asia/Dubai", 4)):
            monkeypatch.setenv("TZ", zone)
            offset = proof.by_this_clock().tested_at.utcoffset()
            assert offset == datetime.timedelta(hours=hours)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_guard_stamps_the_proof_with_a_clock_that_does_not_jump(tmp_path: Path) -> None:
    """The proof has its instant on a clock that does not jump; the instant agrees with the date."""
    program = """
    import datetime, sys
    from installation.guarding.guard import Guard
    from installation.guarding.self_test import boot_clock
    from installation.guarding.status import SandboxStatus
    proof = Guard(SandboxStatus("degraded"), []).seal()
    print(0 <= boot_clock() - proof.tested_at_s < 60)
    print(abs(proof.by_this_clock().tested_at - proof.tested_at) <= datetime.timedelta(seconds=1))
    """
    outcome = run("-c", textwrap.dedent(program), user=USERS[0], folder=tmp_path)
    assert outcome.stdout.split() == ["True", "True"], outcome.stderr


def test_no_probe_runs_if_stage_two_fails(tmp_path: Path) -> None:
    """If stage two fails, the thread that the self-test started before it runs no probe."""
    ran = list[Path]()
    probe = Probe("note", "append()", SECCOMP, ran.append)
    with pytest.raises(OSError, match="stage two"), SelfTest([probe], tmp_path):
        raise OSError("stage two")
    assert ran == []


@pytest.mark.parametrize("user", USERS)
def test_half_a_self_test_proves_nothing(user: str, tmp_path: Path) -> None:
    """If the earlier thread ends before all of its probes have run, nothing is proved."""
    program = """
    import sys, threading
    from installation.guarding.probes.probe import SECCOMP, Probe
    from installation.guarding.guard import Guard
    from installation.guarding.layers.bpf import REFUSED_ERRNO
    from installation.guarding.status import SandboxStatus
    def action(scratch_dir):
        if threading.current_thread() is threading.main_thread():
            raise OSError(REFUSED_ERRNO, "refused")
        sys.exit()
    proof = Guard(SandboxStatus("degraded"), [Probe("leave", "exit()", SECCOMP, action)]).seal()
    print(proof.holds, *[mistake for mistake in proof.missing if mistake.where == "self-test"])
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout.startswith("False self-test: the thread 'earlier' ended"), outcome.stderr


@pytest.mark.parametrize(
    ("call", "error", "probe"),
    [
        # systemd returns this in a unit with RestrictSUIDSGID=.
        ("openat2", "ENOSYS", "create a file with openat2"),
        # Containers whose filter is older than the call return this.
        ("openat2", "EPERM", "create a file with openat2"),
        # A file system may lack a kind of file: O_TMPFILE on FAT or a network disk.
        ("openat", "EOPNOTSUPP", "create a file without a name"),
    ],
)
@needs_guard
def test_what_is_missing_before_the_sandbox_is_absent(
    call: str, error: str, probe: str, tmp_path: Path
) -> None:
    """A call that fails in the same way before and after the sandbox does not stop the show.

    Systemd, a container, a file system or an older kernel may refuse it already.
    """
    program = f"""
    import errno
    from installation.guarding.layers import bpf, landlock, seccomp
    tmpfile = {{"openat": [bpf.has(2, 0x400000)]}}
    refusal = bpf.refuse("{call}", *tmpfile.get("{call}", []), error=errno.{error})
    landlock.set_no_new_privileges()
    seccomp.install(bpf.Filter((refusal,)), all_threads=False)
    from installation.guarding.stage_one import enter_stage_one
    from installation.guarding.guard import Guard
    from installation.guarding.status import SandboxStatus
    status = enter_stage_one(SandboxStatus("enforce"), None)
    proof = Guard(status).seal()
    print(proof.holds, proof.ways_tried)
    absent = {{result.name for result in proof.results if result.outcome == "absent"}}
    print(set(status.unavailable), absent)
    """
    outcome = run("-c", textwrap.dedent(program), user=USERS[0], folder=tmp_path)
    lines = outcome.stdout.splitlines()
    # The newest filter, the sandbox's, decides the error of a refused call.
    assert lines[0] == f"True {len(QUICK_PROBES)}", outcome.stderr
    assert lines[1] == f"{{{probe!r}}} set()"


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_a_missing_rule_stops_the_show(user: str, tmp_path: Path) -> None:
    """Without the rule for swapon the self-test fails, even if the kernel denies the call."""
    program = """
    from installation.errors import GuardError
    from installation.guarding.layers import bpf, seccomp
    rules = [each for each in seccomp.STAGE_ONE.rules if each.call != "swapon"]
    seccomp.STAGE_ONE = bpf.Filter(tuple(rules))
    whole = seccomp.stage_two
    rows = [each for each in whole().rules if each.call != "swapon"]
    seccomp.stage_two = lambda **_: bpf.Filter(tuple(rows), whole().otherwise)
    from installation.guarding.stage_one import enter_stage_one
    from installation.guarding.guard import Guard
    from installation.guarding.status import SandboxStatus
    try:
        Guard(enter_stage_one(SandboxStatus("enforce"), None)).seal()
    except GuardError as failure:
        print(failure)
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    lines = outcome.stdout.splitlines()
    assert len(lines) == 2, outcome.stderr
    for line in lines:
        assert line.startswith("probe 'swap to a file': not refused by the sandbox"), line


def test_what_follows_from_a_missing_layer_is_one_mistake(tmp_path: Path) -> None:
    """Mistakes that follow from a missing layer are one mistake, which names that layer."""
    results = [
        ProbeResult(name, "call()", thread, "succeeded", None, None)
        for name in ("write", "link")
        for thread in ("main", "earlier")
    ]
    probes = [Probe(name, "call()", SECCOMP, list[Path]().append) for name in ("write", "link")]
    self_test = SelfTest(probes, tmp_path)
    assert len(self_test.missing(results)) == 4
    assert [str(mistake) for mistake in self_test.missing(results, explained=True)] == [
        "probes: the sandbox did not refuse 2 probes: write, link. A layer of the sandbox is "
        "missing: correct the other mistakes listed here."
    ]
