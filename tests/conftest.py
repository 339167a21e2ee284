"""Settings of all tests: no window opens, and Hypothesis draws the same examples in each run."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.project import Project, make_project

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

# On two slow cores the time of an example means nothing, and a failure must be repeatable.
settings.register_profile("kiosk", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("kiosk")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a kiosk that shows three fish, one of them hidden."""
    return make_project(tmp_path / "a kiosk")
