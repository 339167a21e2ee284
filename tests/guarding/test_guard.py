from __future__ import annotations

import tempfile

import pytest

from installation.guarding.guard import Guard
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus


def test_making_a_guard_changes_nothing_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever only looks at the guard keeps Python's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", "/before")
    Guard.from_environment()
    Guard.for_audit(short=True)
    assert tempfile.tempdir == "/before"


def test_temporary_files_go_to_the_scratch_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The show gets a folder for temporary files where every write is refused."""
    status = SandboxStatus("enforce", scratch_dir="/dev/shm/scratch")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, status.to_json())
    monkeypatch.setattr(tempfile, "tempdir", "/before")
    Guard.from_environment().redirect_temporary_files()
    assert tempfile.gettempdir() == "/dev/shm/scratch"
