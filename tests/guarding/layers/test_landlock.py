from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.support.children import (
    USERS,
    needs_guard,
    run,
    run_under_stage_one,
)


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_reading_stays_allowed(user: str, tmp_path: Path) -> None:
    """Weights, fonts and films can be read, and /dev/null can be written."""
    program = """
    print(len(open("/etc/passwd").read()) > 0)
    print(open("/dev/null", "w").write("gone"))
    """
    assert run_under_stage_one(program, user, tmp_path) == "True\n4\n"


@pytest.mark.parametrize("user", USERS)
def test_a_rule_that_fails_restricts_nothing(user: str, tmp_path: Path) -> None:
    """If a device is missing an error is raised, and nothing is restricted."""
    program = """
    from pathlib import Path
    from installation.guarding.layers import landlock
    for devices in ([Path("/dev/null"), Path("/dev/none")], [Path("/etc/passwd")]):
        try:
            landlock.restrict(devices)
        except OSError:
            open("new", "w").close()
            print("refused")
    """
    outcome = run("-c", textwrap.dedent(program), user=user, folder=tmp_path)
    assert outcome.stdout == "refused\nrefused\n", outcome.stderr
