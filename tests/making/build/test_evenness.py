from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from installation.making.build.evenness import evenness


@pytest.mark.parametrize("labels", [1, 2, 7, 100])
def test_equal_winners_count_fully(labels: int) -> None:
    """If all labels win equally often, `effective` is their number."""
    found = evenness(torch.eye(labels).repeat(3, 1))
    assert found.winners == labels
    assert found.effective == pytest.approx(labels)
    assert found.most == pytest.approx(1 / labels)
    assert found.queries == 3 * labels
    if labels > 1:
        assert f"as varied as {labels} equally frequent labels would be;" in str(found)


def test_a_label_that_always_wins_is_one_winner() -> None:
    """If one label always wins, there is 1 winner with a share of 1."""
    scores = torch.rand(50, 8, generator=torch.Generator().manual_seed(0))
    scores[:, 3] = 2
    found = evenness(scores)
    assert found.winners == 1
    assert found.effective == pytest.approx(1)
    assert found.most == 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200))
def test_evenness_is_between_one_and_the_winners(wins: list[int]) -> None:
    """`effective` is between 1 and the number of winners."""
    scores = torch.nn.functional.one_hot(torch.tensor(wins), 10).float()
    found = evenness(scores)
    assert found.winners == len(set(wins))
    assert 1 - 1e-9 <= found.effective <= found.winners + 1e-9
    assert found.most == pytest.approx(max(wins.count(i) for i in set(wins)) / len(wins))
