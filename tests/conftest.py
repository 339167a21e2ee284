"""Settings of all tests: their order, no window, and Hypothesis's examples, which never change."""

import itertools
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules with slow tests at the beginning of each worker's share.

    pytest-xdist gives each worker a share of equal length and moves tests to workers that have
    finished. In this order those are short ones, and no worker runs long tests alone at the end.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    slow = [item for item in items if item.path in slow_files]
    quick = iter([item for item in items if item.path not in slow_files])
    modules = [list(module) for _, module in itertools.groupby(slow, key=lambda item: item.path)]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        ordered += itertools.chain.from_iterable(modules[worker::workers])
        ordered += itertools.islice(
            quick, max(0, len(items) * (worker + 1) // workers - len(ordered))
        )
    items[:] = [*ordered, *quick]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a kiosk that shows three fish, one of them hidden."""
    return make_project(tmp_path / "a kiosk")
