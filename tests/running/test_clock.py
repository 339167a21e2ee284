from __future__ import annotations

import ast
import time

import pytest

from installation.running.clock import MonotonicClock
from installation.settings.paths import PROJECT


def test_the_clock_is_the_one_that_python_calls_monotonic() -> None:
    """Instants of frames can be compared with those that other parts read from the same clock."""
    assert time.monotonic() <= MonotonicClock().now() <= time.monotonic()


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_waiting_for_an_instant_that_has_passed_returns_at_once(seconds: float) -> None:
    """A film that is late plays its next picture without an error."""
    clock = MonotonicClock()
    started_at = clock.now()
    clock.wait(seconds)
    assert clock.now() - started_at < 1


def test_waiting_takes_as_long_as_it_should() -> None:
    """A film does not play faster than its rate."""
    clock = MonotonicClock()
    started_at = clock.now()
    clock.wait(0.01)
    assert clock.now() - started_at >= 0.01


OUTSIDE = ("making", "cli")
"""The rooms of commands that run before a show, or at the same time."""

WALL_CLOCK = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "localtime",
    "gmtime",
    "ctime",
    "strftime",
}
"""The functions of `time` and `datetime` that read the clock which people set."""

READS_THE_DATE = {
    "guarding/guard.py": {"now"},
    "guarding/self_test.py": {"now"},
    "show/privacy_line.py": {"today"},
}
"""The modules of a show that may read it: the date of the self-test is on the screen."""


def wall_clock_calls(text: str) -> set[str]:
    """Return the functions that read the wall clock and are named in the program `text`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and node.attr in WALL_CLOCK
        and ast.unparse(node.value) in ("time", "datetime", "datetime.datetime", "datetime.date")
    }


def test_the_show_goes_by_a_clock_that_nobody_sets() -> None:
    """Daylight saving, and a clock that is set by a year, change nothing but the promise's date.

    Names, warnings, delays and watchdogs use the monotonic clock.
    """
    package = PROJECT / "installation"
    found = {
        path: calls
        for file in package.rglob("*.py")
        if (path := file.relative_to(package).as_posix()).partition("/")[0] not in OUTSIDE
        and (calls := wall_clock_calls(file.read_text(encoding="utf-8")))
    }
    assert found == READS_THE_DATE


@pytest.mark.parametrize(
    ("program", "calls"),
    [
        ("import time\ntime.time()", {"time"}),
        ("import datetime\ndatetime.datetime.now()", {"now"}),
        ("from datetime import date\ndate.today()", set()),
        ("import time\ntime.monotonic()\nclock.now()", set()),
    ],
)
def test_the_check_finds_the_wall_clock(program: str, calls: set[str]) -> None:
    """The control: the check finds `time.time()`, but no function that is imported by its name."""
    assert wall_clock_calls(program) == calls


def test_no_module_imports_a_function_of_the_clock_by_name() -> None:
    """The check above would not see `from time import time`."""
    package = PROJECT / "installation"
    found = [
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime")
    ]
    assert found == []
