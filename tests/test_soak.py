"""The soak on generated days: short ones here, five minutes and more with scripts/soak."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from installation.settings.paths import PROJECT
from tests.support.small_show import grey_frame

SCRIPT = PROJECT / "scripts" / "soak.py"


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("soak", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_short_day_with_faults_has_no_mistakes() -> None:
    """Two and a half minutes of a day in 30 seconds: visitors, and faults of the camera."""
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), "--minutes", "0.5", "--speed", "5", "--seed", "3"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "faults; back after" in ran.stdout
    assert " 0 names" not in ran.stdout


def test_a_seed_is_a_day(soak: ModuleType) -> None:
    """The same seed gives the same visits and faults, and another one others."""
    day = soak.Day.from_seed(5, 1000.0, 3600.0)
    assert day == soak.Day.from_seed(5, 1000.0, 3600.0)
    assert day != soak.Day.from_seed(6, 1000.0, 3600.0)
    names = {fault.name for fault in soak.Day.from_seed(5, 0.0, 8 * 3600.0).faults}
    assert names == {*soak.CAMERA_FAULTS, *soak.ANALYSIS_FAULTS}


def scene(people: int, picture: bool = True) -> SimpleNamespace:
    """Return a scene with so many people, as far as the observer looks at it."""
    visitor = SimpleNamespace(shown=SimpleNamespace(verdict=object()))
    return SimpleNamespace(visitors=(visitor,) * people, picture=object() if picture else None)


@pytest.mark.parametrize(
    ("people", "visits", "found"), [(1, 1, False), (1, 0, True), (3, 2, True), (0, 2, False)]
)
def test_a_label_without_a_face_is_found(
    soak: ModuleType, people: int, visits: int, found: bool
) -> None:
    """More people on the wall than there were a moment ago are a mistake."""
    clock = soak.FastClock(1.0)
    now = clock.now()
    visit = soak.Visit(now - 100, now + 100, 100, 100, 60, 0.1)
    gone = soak.Visit(now - 100, now - 30, 100, 100, 60, 0.1)
    observer = soak.Observer(soak.Day((visit,) * visits + (gone,), ()), clock, now)
    observer.show(scene(people), grey_frame())
    assert bool(observer.mistakes) is found


def test_people_without_a_picture_are_found(soak: ModuleType) -> None:
    """Names on a black screen are a mistake, whether or not visitors are present."""
    clock = soak.FastClock(1.0)
    now = clock.now()
    visit = soak.Visit(now - 100, now + 100, 100, 100, 60, 0.1)
    observer = soak.Observer(soak.Day((visit,), ()), clock, now)
    observer.show(scene(1, picture=False), None)
    assert observer.mistakes == ["at 0.0 s: people on a wall without a picture"]


def test_a_mirror_that_does_not_come_back_is_found(soak: ModuleType) -> None:
    """Ten seconds after a fault without a new frame are a mistake."""
    clock = soak.FastClock(1.0)
    began_at = clock.now() - 100
    fault = soak.Fault("hangs", began_at + 50, began_at + 60)
    observer = soak.Observer(soak.Day((), (fault,)), clock, began_at)
    observer.show(scene(0), None)
    assert any("not back 10 s after 'hangs'" in mistake for mistake in observer.mistakes)
