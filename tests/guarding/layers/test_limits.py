from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.children import USERS, needs_guard, run, run_under_stage_one

PROGRAM = """
import resource
_, most = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
print(most)
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.status import SandboxStatus
status = enter_stage_one(SandboxStatus("enforce"), None)
print(resource.getrlimit(resource.RLIMIT_CORE))
"""


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_no_core_dump_is_left(user: str, tmp_path: Path) -> None:
    """From stage one on, a crash writes no core dump, even if the user allows core dumps."""
    outcome = run("-c", PROGRAM, user=user, folder=tmp_path)
    before, after = outcome.stdout.splitlines()
    if before == "0":
        pytest.skip("this machine allows no core dumps in any case")
    assert after == "(0, 0)"


@pytest.mark.parametrize("user", USERS)
def test_whether_arguments_can_be_hidden_is_known_before(user: str, tmp_path: Path) -> None:
    """`can_empty_arguments` knows, without a change, whether `empty_arguments` will succeed."""
    program = """
from installation.guarding.layers import limits
known, before = limits.can_empty_arguments(), limits.arguments_are_empty()
try:
    limits.empty_arguments()
except OSError:
    pass
print(before, known == limits.arguments_are_empty())
"""
    outcome = run("-c", program, user=user, folder=tmp_path)
    assert outcome.stdout.split() == ["False", "True"], outcome.stderr


MARKED = """
import os
from installation.guarding.layers import limits
limits.mark(1 << 60)
for number in (1 << 61, 7):
    if not os.fork():
        limits.mark(number)
        print(*[line.split()[3] for line in open("/proc/self/limits") if "locks" in line])
        os._exit(0)
    os.wait()
print(*[line.split()[3] for line in open("/proc/self/limits") if "locks" in line])
"""


@pytest.mark.parametrize("user", USERS)
def test_a_process_can_be_marked_again(user: str, tmp_path: Path) -> None:
    """A child of a marked process can mark itself with another number, smaller or larger."""
    outcome = run("-u", "-c", MARKED, user=user, folder=tmp_path)
    assert outcome.stdout.split() == [str(1 << 61), "7", str(1 << 60)], outcome.stderr


def test_a_low_hard_limit_is_the_mark(tmp_path: Path) -> None:
    """If the user may not set the limit so high, the mark is the highest limit allowed."""
    program = (
        "import resource; from installation.guarding.layers import limits; "
        "resource.setrlimit(limits.MARK, (5, 9)); limits.mark(1 << 60); "
        "print(*resource.getrlimit(limits.MARK))"
    )
    outcome = run("-c", program, user="ordinary user", folder=tmp_path)
    assert outcome.stdout.split() == ["9", "9"], outcome.stderr


@needs_guard
@pytest.mark.parametrize("user", USERS)
def test_a_mark_stays(user: str, tmp_path: Path) -> None:
    """From stage one on, a process can change neither its own mark nor that of its parent."""
    program = """
    import os, resource, struct
    from installation.guarding.layers import limits, syscalls
    new = struct.pack("=QQ", 7, 7)
    for call in (
        lambda: limits.mark(7),
        lambda: resource.prlimit(os.getppid(), limits.MARK, (7, 7)),
        lambda: syscalls.call("setrlimit", limits.MARK, new),
        lambda: syscalls.call("prlimit64", 0, limits.MARK | 1 << 32, new, None),
    ):
        try:
            call()
        except OSError as refused:
            print(refused.errno == 125)
    resource.setrlimit(resource.RLIMIT_CPU, resource.getrlimit(resource.RLIMIT_CPU))
    """
    assert run_under_stage_one(program, user, tmp_path).split() == ["True"] * 4
