from __future__ import annotations

from installation.running.restarts import FAST_DELAYS_S, SLOW_DELAYS_S, STEADY_S, RestartPolicy


def test_a_single_failure_is_answered_at_once() -> None:
    """A show that fails once an hour is restarted without delay, every time."""
    policy = RestartPolicy()
    assert [policy.delay_s(3600.0 * hour, 3600.0) for hour in range(1, 10)] == [0.0] * 9
    assert policy.count == 9
    assert not policy.is_slow


def test_after_five_failures_in_a_minute_restarts_become_seldom() -> None:
    """A show that fails at its start is restarted quickly five times, then ever more seldom."""
    policy, now, delays = RestartPolicy(), 0.0, []
    for _ in range(12):
        delays.append(policy.delay_s(now, 1.0))
        now += delays[-1] + 1.0
    assert delays == [*FAST_DELAYS_S, *SLOW_DELAYS_S, SLOW_DELAYS_S[-1], SLOW_DELAYS_S[-1]]
    assert policy.is_slow


def test_a_show_that_ran_steadily_is_trusted_again() -> None:
    """After a slow phase, restarts are quick again once the show has run for ten minutes."""
    policy = RestartPolicy()
    for second in range(8):
        policy.delay_s(float(second), 1.0)
    assert policy.is_slow
    assert policy.delay_s(1000.0, STEADY_S) == 0.0
    assert not policy.is_slow
