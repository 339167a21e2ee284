from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from installation.errors import LabelSetError
from installation.making.build import build, linear_probe
from installation.making.build.result import BuildResult
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.scoring.linear import LinearScorer
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_examples import YAML
from tests.support.tensors import score

ENCODER = "e" * 64
WIDTH = 6


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Return random numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def built(tmp_path: Path) -> LabelSet:
    """A set of four rows: one hidden, one of them background."""
    rows = ("a,air,,,,", "b,breeze,,,insult,", "c,cloud,,,,", "d,dust,,,,yes")
    write_label_set(tmp_path, f"{HEADER},is_background", *rows, yaml=YAML + "examples")
    label_set = load_label_set("weather", ContentSettings(), tmp_path)
    tensors = {"weight": drawn(4, WIDTH), "bias": drawn(4, seed=1)}
    build.write_result(label_set, BuildResult(tensors, ENCODER, ()))
    return label_set


def test_scores_are_those_of_a_plain_loop(built: LabelSet) -> None:
    """The scores equal a plain loop's; the background takes its share, hidden rows do not."""
    features = drawn(5, WIDTH, seed=2)
    scores = score(LinearScorer.from_built(built, ENCODER, WIDTH), features)
    weight, bias = drawn(4, WIDTH).double().numpy(), drawn(4, seed=1).double().numpy()
    assert scores.shape == (5, 2)
    for visitor, row in zip(features.double().numpy(), scores, strict=True):
        share = [float(np.exp(weight[place] @ visitor + bias[place])) for place in (0, 2, 3)]
        assert np.allclose(row, np.array(share[:2]) / sum(share), atol=1e-6)


def test_the_temperature_divides_weights_and_bias(built: LabelSet) -> None:
    """A higher temperature brings the scores nearer to each other and keeps their order."""
    warm = built.settings.model_copy(update={"temperature": 4.0})
    features = drawn(5, WIDTH, seed=2)
    cold = score(LinearScorer.from_built(built, ENCODER, WIDTH), features)
    mild = score(LinearScorer.from_built(replace(built, settings=warm), ENCODER, WIDTH), features)
    assert torch.equal(cold.argmax(1), mild.argmax(1))
    assert (cold[:, 0] / cold[:, 1]).log().allclose(4 * (mild[:, 0] / mild[:, 1]).log(), atol=1e-4)


def test_no_crop_has_no_scores(built: LabelSet) -> None:
    """Without a crop there is no row of scores."""
    assert score(LinearScorer.from_built(built, ENCODER, WIDTH), torch.empty(0, WIDTH)).shape == (
        0,
        2,
    )


def test_a_network_of_another_width_is_refused(built: LabelSet) -> None:
    """A probe for another number of features is refused."""
    with pytest.raises(LabelSetError, match=r"F32 \[4, 6\] \(expected F32 \[4, 7\]\)"):
        LinearScorer.from_built(built, ENCODER, WIDTH + 1)


@pytest.mark.parametrize("labels", [2, 3, 12])
def test_the_scores_are_scikit_learns(labels: int) -> None:
    """The show's scores equal those of scikit-learn's own pipeline to within 1e-4."""
    random = np.random.default_rng(labels)
    count, width = 15 * labels, 1280
    which = np.arange(count) % labels
    features = (
        3 + 2 * random.normal(size=(count, width)) + random.normal(size=(labels, width))[which]
    )
    regression = LogisticRegression(C=linear_probe.STRENGTH, class_weight="balanced", max_iter=1000)
    oracle = make_pipeline(StandardScaler(), regression).fit(features, which)
    tensors = linear_probe.fit(features[:, None], which).tensors()
    visitors = torch.from_numpy(3 + 2 * random.normal(size=(40, width))).float()
    scores = score(
        LinearScorer(tensors["weight"].numpy(), tensors["bias"].numpy(), labels, 1.0), visitors
    )
    assert np.abs(scores.numpy() - oracle.predict_proba(visitors.numpy())).max() < 1e-4
