from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.children import USERS
from tests.support.probes import assert_probes_succeed_without_sandbox


@pytest.mark.parametrize("user", USERS)
def test_without_the_sandbox_the_probes_succeed(user: str, tmp_path: Path) -> None:
    """The control: without the sandbox these probes succeed."""
    assert_probes_succeed_without_sandbox("processes", user, tmp_path)
