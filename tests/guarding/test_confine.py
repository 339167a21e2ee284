from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.children import USERS, needs_guard, run


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_a_confined_process_only_computes(user: str, tmp_path: Path) -> None:
    """A confined process can create no file, open no socket, and start no process.

    What was open before, here the pipe of standard output, can still be used.
    """
    program = """
import os, socket
from installation.guarding.confine import confine
confine(1 << 30, 60)
for attempt in (
    lambda: open("file", "w"),
    lambda: socket.socket(),
    lambda: os.fork(),
    lambda: os.execv("/bin/true", ["true"]),
    lambda: bytearray(1 << 31),
):
    try:
        attempt()
        print("done")
    except (OSError, MemoryError) as refusal:
        print(type(refusal).__name__)
print(sum(range(4)))
"""
    outcome = run("-c", program, user=user, folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == ["OSError"] * 4 + ["MemoryError", "6"]
