from __future__ import annotations

from installation.guarding.rate_limit import RateLimit
from tests.support.manual_clock import ManualClock


def test_a_burst_is_admitted_and_then_a_steady_rate() -> None:
    """After a burst, lines are admitted as fast as the limit refills."""
    clock = ManualClock()
    limit = RateLimit(2, 3, clock.now)
    assert [limit.admit("x") for _ in range(5)] == [["x"], ["x"], ["x"], [], []]
    clock.instant += 1
    assert limit.admit("x") == ["(2 lines were omitted)", "x"]
    assert limit.admit("x") == ["x"]
    assert limit.admit("x") == []
    clock.instant += 100
    assert sum(bool(limit.admit("x")) for _ in range(10)) == 3, "no more than a burst is saved"


def test_what_was_left_out_is_counted_once() -> None:
    """The count starts again when it has been written."""
    clock = ManualClock()
    limit = RateLimit(1, 1, clock.now)
    assert limit.skipped() == []
    for _ in range(4):
        limit.admit("x")
    assert limit.skipped() == ["(3 lines were omitted)"]
    assert limit.skipped() == []


def test_a_refill_admits_a_whole_burst() -> None:
    """The reason why the kiosk ends is written after any flood of lines."""
    limit = RateLimit(0, 2, ManualClock().now)
    for _ in range(3):
        limit.admit("x")
    limit.refill()
    assert limit.admit("the end") == ["(1 lines were omitted)", "the end"]
