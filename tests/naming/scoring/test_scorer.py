from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from installation.errors import LabelSetError
from installation.naming.label_set.load import load_label_set
from installation.naming.lists import imagenet, masked
from installation.naming.scoring.scorer import OutputScorer, Scorer, visible_scores
from installation.settings.kiosk import ContentSettings
from tests.support.tensors import score
from tests.support.weather import WEATHER


def test_the_background_takes_its_share_and_is_not_returned() -> None:
    """Scores are a softmax over labels and background, of which only the labels' are returned."""
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 9.0]])
    scores = torch.from_numpy(visible_scores(logits.numpy(), 2))
    assert torch.allclose(scores, logits.softmax(1)[:, :2])
    assert (scores.sum(1) < 1).all()


def test_outputs_are_scored_as_they_are() -> None:
    """A hidden output takes no share, and the temperature divides the logits."""
    settings = WEATHER.settings.model_copy(update={"temperature": 2.0})
    label_set = replace(WEATHER, settings=settings, rows=(4, 0), background=(2,))
    scorer: Scorer = OutputScorer(label_set, 5)
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    expected = (logits[:, [4, 0, 2]] / 2).softmax(1)[:, :2]
    assert torch.allclose(score(scorer, logits), expected)


def test_a_label_beyond_the_networks_outputs_is_refused() -> None:
    """A row whose number the network does not have is named with the numbers that it has."""
    with pytest.raises(LabelSetError) as caught:
        OutputScorer(WEATHER, 5)
    assert str(caught.value) == (
        "weather/labels.csv: the id '5' is not an output of the network (expected 0 to 4). "
        "Remove the row, or use the network that the row is for."
    )


@pytest.mark.parametrize("perturbation", [100.0, -100.0, torch.inf, torch.nan])
def test_no_masked_class_moves_a_score_of_the_objects(perturbation: float) -> None:
    """The logit of a masked class changes no score, bit for bit."""
    objects = load_label_set("objects", ContentSettings.model_construct(hide=()))
    scorer = OutputScorer(objects, 1000)
    logits = torch.randn(4, 1000, generator=torch.Generator().manual_seed(1))
    before = score(scorer, logits)
    places = [i for i, id_ in enumerate(imagenet.classes()) if id_ in masked.reasons()]
    logits[:, places] += perturbation
    assert torch.equal(score(scorer, logits), before)
    assert [label.id for label in objects.labels if label.id in masked.reasons()] == [
        objects.labels[place].id for place in objects.masked
    ]
    assert not before[:, list(objects.masked)].any()
    assert torch.allclose(before.sum(1), torch.ones(4))


def test_a_set_of_masked_classes_alone_has_no_scores() -> None:
    """A set of animals loads, and every visitor's verdict is the root."""
    assert not visible_scores(torch.randn(3, 2).numpy(), 2, (0, 1)).any()
