from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from installation.seeing.assignment import assign

SIDES = st.integers(0, 12)


@given(SIDES, SIDES, st.integers(0, 2**32 - 1), st.sampled_from([1.0, 4.0, 1e6]))
def test_the_sum_is_that_of_scipy(rows: int, columns: int, seed: int, spread: float) -> None:
    """The sum of costs equals SciPy's, also with equal costs and forbidden pairs."""
    random = np.random.default_rng(seed)
    costs = random.integers(0, 6, (rows, columns)) * spread / 5
    costs[random.random((rows, columns)) < 0.2] = 1e6
    pairs = assign(costs)
    assert len(pairs) == min(rows, columns)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    expected = costs[linear_sum_assignment(costs)].sum()
    assert sum(costs[pair] for pair in pairs) == pytest.approx(expected)


def test_the_sum_is_the_least_of_all_assignments() -> None:
    """No other assignment of five faces has a lower cost."""
    costs = np.random.default_rng(4).random((5, 5))
    least = min(
        sum(costs[row, column] for row, column in enumerate(p)) for p in permutations(range(5))
    )
    pairs = assign(costs)
    assert pairs == sorted(pairs)
    assert sum(costs[pair] for pair in pairs) == pytest.approx(least)
