from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from installation.errors import LabelSetError
from installation.naming.scoring.scorer import OutputScorer, Scorer, visible_scores
from tests.support.weather import WEATHER

CPU = torch.device("cpu")


def test_the_background_takes_its_share_and_is_not_returned() -> None:
    """Scores are a softmax over labels and background, of which only the labels come back."""
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 9.0]])
    scores = visible_scores(logits, 2)
    assert torch.allclose(scores, logits.softmax(1)[:, :2])
    assert (scores.sum(1) < 1).all()


def test_outputs_are_scored_as_they_are() -> None:
    """A hidden output takes no share, and the temperature divides the logits."""
    settings = WEATHER.settings.model_copy(update={"temperature": 2.0})
    label_set = replace(WEATHER, settings=settings, rows=(4, 0), background=(2,))
    scorer: Scorer = OutputScorer(label_set, 5, CPU)
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    expected = (logits[:, [4, 0, 2]] / 2).softmax(1)[:, :2]
    assert torch.allclose(scorer.score(logits), expected)


def test_a_label_beyond_the_networks_outputs_is_refused() -> None:
    """A row whose number the network does not have is named with the numbers that it has."""
    with pytest.raises(LabelSetError) as caught:
        OutputScorer(WEATHER, 5, CPU)
    assert str(caught.value) == (
        "weather/labels.csv: the id '5' is not an output of the network (expected 0 to 4). "
        "Remove the row, or use its network."
    )
