from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from installation.making.build.evenness import evenness


@pytest.mark.parametrize("labels", [1, 2, 7, 100])
def test_labels_that_win_alike_are_as_even_as_they_are_many(labels: int) -> None:
    """The figure is the number of labels where each wins as often as the others."""
    found = evenness(torch.eye(labels).repeat(3, 1))
    assert found.winners == labels
    assert found.effective == pytest.approx(labels)
    assert found.most == pytest.approx(1 / labels)
    assert found.queries == 3 * labels


def test_a_label_that_swallows_everything_leaves_one() -> None:
    """Where one label wins all, there is one winner, and it has the whole."""
    scores = torch.rand(50, 8, generator=torch.Generator().manual_seed(0))
    scores[:, 3] = 2
    found = evenness(scores)
    assert found.winners == 1
    assert found.effective == pytest.approx(1)
    assert found.most == 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200))
def test_it_lies_between_one_and_the_winners(wins: list[int]) -> None:
    """However labels win, they are at most as even as there are winners."""
    scores = torch.nn.functional.one_hot(torch.tensor(wins), 10).float()
    found = evenness(scores)
    assert found.winners == len(set(wins))
    assert 1 - 1e-9 <= found.effective <= found.winners + 1e-9
    assert found.most == pytest.approx(max(wins.count(i) for i in set(wins)) / len(wins))
