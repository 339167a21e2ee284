from __future__ import annotations

import time

import pytest

from installation.running.clock import MonotonicClock


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
