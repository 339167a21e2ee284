"""Counts calls, for tests of what must not take long on any computer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def count_calls(work: Callable[[], object], most: int = 5_000_000) -> int:
    """Return how many functions of Python and of C `work` calls in this thread.

    Raises AssertionError at the first call beyond `most`, so that a test of work that would never
    end, ends.
    """
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")
        assert calls <= most, f"more than {most} calls"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
