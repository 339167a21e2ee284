from __future__ import annotations

import os
from pathlib import Path

import pytest

from installation.guarding.probes.action import existing, system_call, undo
from installation.guarding.probes.probe import AbsentError


def test_a_descriptor_that_a_call_returns_is_closed(tmp_path: Path) -> None:
    """The descriptor that a successful probe opened is closed."""
    before = os.listdir("/proc/self/fd")
    system_call("memfd_create", b"kiosk\0", 1)(tmp_path)
    assert os.listdir("/proc/self/fd") == before


def test_what_this_machine_lacks_makes_the_probe_absent(tmp_path: Path) -> None:
    """If a device or folder is missing, the probe is absent, and not refused."""
    assert existing(tmp_path) == tmp_path
    with pytest.raises(AbsentError):
        existing(tmp_path / "missing")


def test_a_probe_that_cannot_be_undone_has_succeeded_all_the_same(tmp_path: Path) -> None:
    """A probe that succeeded counts as such even if it cannot be undone."""
    undo((tmp_path / "missing").unlink)
