"""Tests of lines that come again and again: they are counted, and do not drown others.

They are the same, differ in numbers only, alternate with others, or are parts of a traceback.
"""

from __future__ import annotations

from installation.guarding.output.rate_limit import (
    LIKE_BURST,
    MOST_KINDS,
    SAME_BURST,
    RateLimit,
    RepeatLimit,
)
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
    """After the count of omitted lines has been written, it starts from 0."""
    clock = ManualClock()
    limit = RateLimit(1, 1, clock.now)
    assert limit.skipped() == []
    for _ in range(4):
        limit.admit("x")
    assert limit.skipped() == ["(3 lines were omitted)"]
    assert limit.skipped() == []


def test_a_refill_admits_a_whole_burst() -> None:
    """After a refill, the reason why the kiosk ends is written, even if many lines came before."""
    limit = RateLimit(0, 2, ManualClock().now)
    for _ in range(3):
        limit.admit("x")
    limit.refill()
    assert limit.admit("the end") == ["(1 lines were omitted)", "the end"]


def test_the_same_line_again_and_again_is_counted() -> None:
    """A library's line for each frame is written a few times, then once a minute with a count."""
    clock = ManualClock()
    limit = RepeatLimit(clock.now)
    line = "VIDIOC_DQBUF: corrupted frame"
    written = [each for _ in range(600) for each in limit.admit(line)]
    assert written == [line] * SAME_BURST
    clock.instant += 60
    assert limit.admit(line) == [f"({600 - SAME_BURST} lines like the next one were omitted)", line]
    assert limit.admit(line) == []
    assert limit.skipped() == [f"(1 lines like '{line}' were omitted)"]
    assert limit.skipped() == []


def test_lines_that_differ_in_numbers_only_are_counted_together() -> None:
    """Lines that differ only in numbers, such as libjpeg's warnings, are counted together."""
    limit = RepeatLimit(ManualClock().now)
    lines = [
        f"Corrupt JPEG data: {i} extraneous bytes before marker {i % 8 + 0xD0:#x}"
        for i in range(1000)
    ]
    written = [each for line in lines for each in limit.admit(line)]
    assert written == lines[:LIKE_BURST]
    assert limit.skipped() == [
        f"({1000 - LIKE_BURST} lines like 'Corrupt JPEG data: 0 extraneous bytes before marker 0' "
        "were omitted)"
    ]


def test_other_lines_between_repeated_ones_are_written() -> None:
    """Other lines between repeated ones are written, and do not restart the count."""
    clock = ManualClock()
    limit = RepeatLimit(clock.now)
    written: list[str] = []
    for minute in range(10):
        clock.instant += 60
        for _ in range(60):
            written += limit.admit("a damaged frame")
        written += limit.admit(f"mirror: {30 + minute / 10} frames/s")
    assert sum("mirror:" in line for line in written) == 10
    assert sum(line == "a damaged frame" for line in written) == SAME_BURST + 9


def test_a_traceback_is_written_whole() -> None:
    """The indented lines of a traceback are all written, although they may repeat."""
    limit = RepeatLimit(ManualClock().now)
    line = "    return self._call_impl(*args, **kwargs)"
    assert [limit.admit(line) for _ in range(50)] == [[line]] * 50
    assert limit.admit("") == [""]


def test_kinds_of_lines_are_forgotten_before_they_fill_memory() -> None:
    """The least recently used kind of line is dropped, so memory stays limited."""
    limit = RepeatLimit(ManualClock().now)
    for _ in range(SAME_BURST + 1):
        limit.admit("first")
    assert limit.admit("first") == []
    for i in range(MOST_KINDS):
        limit.admit("x" * i + "y")
    assert limit.admit("first") == [f"({2} lines like the next one were omitted)", "first"]
