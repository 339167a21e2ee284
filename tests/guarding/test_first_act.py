from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.children import USERS, needs_guard, run


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_nobody_reads_the_memory_or_the_arguments_of_a_show(user: str, tmp_path: Path) -> None:
    """After a show's first act its memory is protected, and the kernel lists no arguments."""
    program = """
from installation.guarding.first_act import close_to_others
from installation.guarding.layers.limits import memory_is_protected
print(memory_is_protected(), "argument" in open("/proc/self/cmdline").read())
close_to_others()
print(memory_is_protected(), repr(open("/proc/self/cmdline").read()))
"""
    outcome = run("-c", program, "argument", user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines() == ["False True", "True ''"]
