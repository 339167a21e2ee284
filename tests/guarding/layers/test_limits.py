from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.children import USERS, needs_guard, run

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
    """A question to the kernel, which changes nothing, has the same answer as the attempt."""
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
