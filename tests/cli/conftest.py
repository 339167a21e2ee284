"""A lock for tests that start a guarded process and look for others beside it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator

import pytest


@pytest.fixture
def one_camera_trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until no test in another worker tries a camera.

    The witness would find that test's process, and take it for one that its own show left behind.
    """
    shared = tmp_path_factory.getbasetemp().parent
    with (shared / "camera-trial.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
