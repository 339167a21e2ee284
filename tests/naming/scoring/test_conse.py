from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from installation.errors import LabelSetError
from installation.making.build import build
from installation.making.build.result import BuildResult
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.lists import imagenet, masked
from installation.naming.networks.efficientnet import CLASSES, EfficientNetLite0
from installation.naming.scoring import conse
from installation.naming.scoring.conse import ConseScorer
from installation.settings.kiosk import ContentSettings
from tests.support.embeddings import random_embeddings, random_text_tensors
from tests.support.label_sets import HEADER, write_label_set
from tests.support.tensors import score

ENCODER = "e" * 64


@pytest.fixture
def built(tmp_path: Path) -> LabelSet:
    """A label set of three, one of them hidden, built for an encoder of 30 classes."""
    write_label_set(tmp_path, HEADER, "a,air,,,", "b,breeze,,,insult", "c,cloud,,,")
    label_set = load_label_set("weather", ContentSettings(), tmp_path)
    build.write_result(label_set, BuildResult(random_text_tensors(30, 3), ENCODER, ()))
    return label_set


def scorer_of(classes: torch.Tensor, labels: torch.Tensor, temperature: float) -> ConseScorer:
    """Return a scorer without lists or masked classes, all classes being seen equally often."""
    prior, kept = torch.full((len(classes),), 1 / len(classes)), torch.arange(len(classes))
    unlisted = torch.zeros(len(classes), len(labels), dtype=torch.bool)
    nearness = calibrated(classes, labels, prior, kept, unlisted)
    return conse_scorer(nearness, prior, kept, len(labels), temperature)


def calibrated(*tensors: torch.Tensor) -> torch.Tensor:
    """Return the nearness of labels to classes."""
    return torch.from_numpy(conse.calibrate(*(tensor.numpy() for tensor in tensors)))


def conse_scorer(
    nearness: torch.Tensor, prior: torch.Tensor, kept: torch.Tensor, count: int, temperature: float
) -> ConseScorer:
    """Return the scorer of `count` labels."""
    return ConseScorer(nearness.numpy(), prior.numpy(), kept.numpy(), count, temperature)


def test_scores_are_those_of_a_plain_loop() -> None:
    """The batched scores equal a plain loop over visitors, classes and labels."""
    generator = torch.Generator().manual_seed(3)
    prior = torch.rand(40, generator=generator) + 0.1
    prior /= prior.sum()
    kept = torch.tensor([i for i in range(40) if i % 5])
    listed = torch.rand(40, 7, generator=generator) < 0.3
    nearness = calibrated(random_embeddings(40, 1), random_embeddings(7, 2), prior, kept, listed)
    logits = 3 * torch.randn(5, 40, generator=generator)
    scores = score(conse_scorer(nearness, prior, kept, 7, 2.0), logits)
    for visitor, row in zip(logits.numpy(), scores, strict=True):
        raised = {c: np.exp(visitor[c]) / np.sqrt(float(prior[c])) for c in kept.tolist()}
        share = {c: raised[c] / sum(raised.values()) for c in raised if listed[c].any()}
        best = sorted(share, key=lambda c: -share[c])[: conse.TOP]
        near = sum(share[c] * nearness[c].numpy() for c in best)
        near = np.exp(near / 2)
        assert np.allclose(row, near / near.sum(), atol=1e-4)


@pytest.mark.parametrize("perturbation", [100.0, -100.0, torch.inf, torch.nan])
def test_no_masked_class_moves_a_score_of_the_persons(perturbation: float) -> None:
    """The logit of a masked class changes no score, bit for bit."""
    persons = load_label_set("persons", ContentSettings())
    scorer = ConseScorer.from_built(persons, EfficientNetLite0.fingerprint, CLASSES)
    logits = 3 * torch.randn(4, CLASSES, generator=torch.Generator().manual_seed(1))
    before = score(scorer, logits)
    places = [i for i, id_ in enumerate(imagenet.classes()) if id_ in masked.reasons()]
    assert len(places) > 450
    logits[:, places] += perturbation
    assert torch.equal(score(scorer, logits), before)


def test_a_listed_label_wins_for_its_class() -> None:
    """If a picture shows only one class, the label on that class's list has the highest score."""
    prior, kept = torch.full((20,), 0.05), torch.arange(20)
    listed = torch.zeros(20, 50, dtype=torch.bool)
    listed[torch.arange(20), torch.arange(20)] = True
    nearness = calibrated(random_embeddings(20, 1), random_embeddings(50, 2), prior, kept, listed)
    scorer = conse_scorer(nearness, prior, kept, 50, 1.0)
    assert score(scorer, 40 * torch.eye(20)).argmax(1).tolist() == list(range(20))


def test_half_of_the_log_prior_is_subtracted() -> None:
    """A class that is seen a hundred times as often needs ten times the probability."""
    prior, kept = torch.tensor([100 / 101, 1 / 101]), torch.arange(2)
    nearness = torch.eye(2)
    scores = score(conse_scorer(nearness, prior, kept, 2, 1.0), torch.tensor([[2.302585, 0.0]]))
    assert torch.allclose(scores, torch.tensor([[0.5, 0.5]]), atol=1e-5)


def test_an_unsure_network_gives_low_scores() -> None:
    """The flatter the network's probabilities, the flatter the scores."""
    scorer = scorer_of(random_embeddings(200, 1), random_embeddings(50, 2), 0.5)
    logits = torch.zeros(1, 200)
    logits[0, 3] = 1
    best = [float(score(scorer, logits * sure).max()) for sure in (1, 3, 6, 12)]
    assert best == sorted(best)
    assert best[0] < 0.1 < best[-1]


def test_calibration_makes_the_wins_even() -> None:
    """After calibration no label wins much more often than the others."""
    classes = random_embeddings(1000, 1)
    common = random_embeddings(1, 9)
    classes = torch.nn.functional.normalize(classes + 2 * common)
    nearness = torch.linspace(0, 3, 50)[:, None]
    labels = torch.nn.functional.normalize(random_embeddings(50, 2) + nearness * common)
    plain = (classes @ labels.T).argmax(1).bincount(minlength=50)
    prior, unlisted = torch.full((1000,), 0.001), torch.zeros(1000, 50, dtype=torch.bool)
    nearness = calibrated(classes, labels, prior, torch.arange(1000), unlisted)
    after = nearness.argmax(1).bincount(minlength=50)
    assert plain.max() > 300
    assert after.max() < 60


def test_a_hidden_label_takes_no_probability(built: LabelSet) -> None:
    """Scores are the same as for a set without the hidden label."""
    scorer = ConseScorer.from_built(built, ENCODER, 30)
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(5))
    scores = score(scorer, logits)
    assert scores.shape == (4, 2)
    assert torch.allclose(scores.sum(1), torch.ones(4))
    both = score(ConseScorer.from_built(replace(built, rows=(0, 1, 2)), ENCODER, 30), logits)
    kept = both[:, [0, 2]]
    assert torch.allclose(scores, kept / kept.sum(1, keepdim=True), atol=1e-5)


def refusal(label_set: LabelSet, encoder: str = ENCODER, width: int = 30) -> str:
    """Return what is wrong with the built file, from the error."""
    with pytest.raises(LabelSetError) as caught:
        ConseScorer.from_built(label_set, encoder, width)
    (mistake,) = caught.value.mistakes
    assert mistake.remedy == "Run: kiosk labels build weather"
    assert mistake.where.endswith("weather/built.safetensors")
    return mistake.problem


def test_a_set_that_was_not_built_says_how(built: LabelSet) -> None:
    """Without its built file a label set names the command that builds it."""
    built.built.unlink()
    assert refusal(built) == "the label set is not built yet"


def test_a_single_label_always_wins() -> None:
    """In a set of one row the label has the score 1."""
    scorer = scorer_of(random_embeddings(1000, 1), random_embeddings(1, 2), 0.35)
    scores = score(scorer, torch.randn(3, 1000))
    assert torch.equal(scores, torch.ones(3, 1))


def test_a_stale_build_is_refused(built: LabelSet) -> None:
    """A build from other text or for another network is refused."""
    stale = replace(built, fingerprint="0" * 64)
    assert (
        refusal(stale)
        == "labels.csv, labelset.yaml or the kiosk's own sentences have changed since this file "
        "was built"
    )
    weights = "this file was built for other weights of the network"
    assert refusal(built, encoder="f" * 64) == weights


def test_a_built_file_of_the_wrong_shape_is_refused(built: LabelSet) -> None:
    """A tensor's shape is checked in the header, before memory is allocated for it."""
    assert refusal(built, width=31).startswith("the tensor 'classes' is F16 [30, 384]")
    build.write_result(built, BuildResult({"classes": torch.zeros(30, 384)}, ENCODER, ()))
    assert refusal(built).startswith("the tensor 'classes' is F32 [30, 384]")
    others = {
        name: tensor for name, tensor in random_text_tensors(30, 3).items() if name != "labels"
    }
    build.write_result(built, BuildResult(others, ENCODER, ()))
    assert refusal(built) == "the tensor 'labels' is missing (expected F16 [3, 384])"


@pytest.mark.parametrize("length", [0, 4, 100, 2000])
def test_a_truncated_built_file_is_refused(built: LabelSet, length: int) -> None:
    """A truncated file is refused, whatever its length."""
    built.built.write_bytes(built.built.read_bytes()[:length])
    assert refusal(built).startswith("the file is damaged")


@given(place=st.integers(1, 20_000), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_noticed(built: LabelSet, place: int, bit: int) -> None:
    """A file with one flipped bit is refused, even if its size and header are right."""
    good = built.built.read_bytes()
    bad = bytearray(good)
    bad[-place] ^= 1 << bit
    built.built.write_bytes(bad)
    assert refusal(built).startswith("the file is damaged")
    built.built.write_bytes(good)


def test_other_files_are_refused(built: LabelSet) -> None:
    """A pickle or any other file under the name is never loaded."""
    torch.save({"classes": torch.zeros(1)}, built.built)
    assert refusal(built).startswith("the file is damaged")
