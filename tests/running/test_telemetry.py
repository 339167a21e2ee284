from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.running.telemetry import BUCKET_S, Durations


@given(
    st.lists(st.floats(min_value=0, max_value=1.9), min_size=1, max_size=200),
    st.floats(min_value=0.01, max_value=1),
)
def test_percentiles_agree_with_sorting(seconds: list[float], share: float) -> None:
    """A percentile of the histogram equals the sorted list's, to within one bucket."""
    durations = Durations()
    for duration in seconds:
        durations.add(duration)
    exact = sorted(seconds)[math.ceil(max(1, share * len(seconds))) - 1]
    found = durations.percentile_ms(share)
    assert found is not None
    assert exact * 1000 <= found + 1e-6
    assert found <= (exact + BUCKET_S) * 1000 + 1e-6


@given(st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=200))
def test_jitter_is_the_standard_deviation(seconds: list[float]) -> None:
    """The jitter agrees with the standard library's figure, including stalls of any length."""
    durations = Durations()
    for duration in seconds:
        durations.add(duration)
    assert durations.deviation_ms() == pytest.approx(
        1000 * statistics.pstdev(seconds), abs=1e-3, rel=1e-6
    )


def test_without_measurements_there_are_no_figures() -> None:
    """A show that never showed a frame has no frame age, instead of 0 ms."""
    assert Durations().percentile_ms(0.95) is None
    assert Durations().deviation_ms() is None


def test_a_stall_counts_as_the_longest_bucket() -> None:
    """A mirror that froze for a minute still counts in the percentiles."""
    durations = Durations()
    durations.add(60.0)
    assert durations.percentile_ms(0.5) == pytest.approx(2000)
