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
from installation.naming.scoring import conse
from installation.naming.scoring.conse import ConseScorer
from installation.settings.kiosk import ContentSettings
from tests.support.embeddings import random_embeddings
from tests.support.label_sets import HEADER, write_label_set

CPU = torch.device("cpu")
ENCODER = "e" * 64


@pytest.fixture
def built(tmp_path: Path) -> LabelSet:
    """A label set of three, one of them hidden, built for an encoder of 30 classes."""
    write_label_set(tmp_path, HEADER, "a,air,,,", "b,breeze,,,insult", "c,cloud,,,")
    label_set = load_label_set("weather", ContentSettings(), tmp_path)
    classes, labels = conse.calibrate(random_embeddings(30, 1), random_embeddings(3, 2))
    tensors = {"classes": classes.half(), "labels": labels.half()}
    build.write_result(label_set, BuildResult(tensors, ENCODER, ()))
    return label_set


def test_scores_are_those_of_a_plain_loop() -> None:
    """The batched scores are those of a plain loop over visitors, classes and labels."""
    classes, labels = conse.calibrate(random_embeddings(40, 1), random_embeddings(7, 2))
    logits = 3 * torch.randn(5, 40, generator=torch.Generator().manual_seed(3))
    scores = ConseScorer(classes, labels, len(labels), 0.5).score(logits)
    for visitor, score in zip(logits.numpy(), scores, strict=True):
        probability = np.exp(visitor) / np.exp(visitor).sum()
        best = sorted(range(40), key=lambda c: -probability[c])[: conse.TOP]
        query = sum(probability[c] * classes[c].numpy() for c in best)
        query = query / np.sqrt(sum(probability[c] for c in best))
        agreement = np.exp([float(query @ label.numpy()) / 0.5 for label in labels])
        assert np.allclose(score, agreement / agreement.sum(), atol=1e-5)


def test_an_unsure_network_gives_low_scores() -> None:
    """The flatter the network's probabilities, the flatter the scores."""
    classes, labels = conse.calibrate(random_embeddings(200, 1), random_embeddings(50, 2))
    scorer = ConseScorer(classes, labels, len(labels), 0.5)
    logits = torch.zeros(1, 200)
    logits[0, 3] = 1
    best = [float(scorer.score(logits * sure).max()) for sure in (1, 3, 6, 12)]
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
    centred, calibrated = conse.calibrate(classes, labels)
    after = (centred @ calibrated.T).argmax(1).bincount(minlength=50)
    assert plain.max() > 300
    assert after.max() < 60


def test_a_hidden_label_takes_no_probability(built: LabelSet) -> None:
    """Scores are those of a set without the hidden label."""
    scorer = ConseScorer.from_built(built, ENCODER, 30, CPU)
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(5))
    scores = scorer.score(logits)
    assert scores.shape == (4, 2)
    assert torch.allclose(scores.sum(1), torch.ones(4))
    both = ConseScorer.from_built(replace(built, rows=(0, 1, 2)), ENCODER, 30, CPU).score(logits)
    kept = both[:, [0, 2]]
    assert torch.allclose(scores, kept / kept.sum(1, keepdim=True), atol=1e-5)


def refusal(label_set: LabelSet, encoder: str = ENCODER, width: int = 30) -> str:
    """Return what is wrong with the built file, as the error says it."""
    with pytest.raises(LabelSetError) as caught:
        ConseScorer.from_built(label_set, encoder, width, CPU)
    (mistake,) = caught.value.mistakes
    assert mistake.remedy == "Run: kiosk labels build weather"
    assert mistake.where.endswith("weather/built.safetensors")
    return mistake.what


def test_a_set_that_was_not_built_says_how(built: LabelSet) -> None:
    """Without its built file a label set names the command that builds it."""
    built.built.unlink()
    assert refusal(built) == "the label set is not built yet"


def test_a_single_label_always_wins() -> None:
    """In a set of one row the label has the score 1."""
    classes, labels = conse.calibrate(random_embeddings(1000, 1), random_embeddings(1, 2))
    scores = ConseScorer(classes, labels, 1, 0.35).score(torch.randn(3, 1000))
    assert torch.equal(scores, torch.ones(3, 1))


def test_a_stale_build_is_refused(built: LabelSet) -> None:
    """A build from other text or for another network is refused."""
    stale = replace(built, fingerprint="0" * 64)
    assert (
        refusal(stale)
        == "labels.csv, labelset.yaml or the kiosk's own sentences have changed since"
    )
    weights = "it was built for other weights of the network"
    assert refusal(built, encoder="f" * 64) == weights


def test_a_built_file_of_the_wrong_shape_is_refused(built: LabelSet) -> None:
    """A tensor's shape is checked in the header, before memory is taken for it."""
    assert refusal(built, width=31).startswith("the tensor 'classes' is F16 [30, 384]")
    build.write_result(built, BuildResult({"classes": torch.zeros(30, 384)}, ENCODER, ()))
    assert refusal(built).startswith("the tensor 'classes' is F32 [30, 384]")
    build.write_result(built, BuildResult({"classes": torch.zeros(30, 384).half()}, ENCODER, ()))
    assert refusal(built) == "the tensor 'labels' is missing (expected F16 [3, 384])"


@pytest.mark.parametrize("length", [0, 4, 100, 2000])
def test_a_truncated_built_file_is_refused(built: LabelSet, length: int) -> None:
    """A truncated file is refused, whatever its length."""
    built.built.write_bytes(built.built.read_bytes()[:length])
    assert refusal(built).startswith("it is damaged")


@given(place=st.integers(1, 20_000), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_noticed(built: LabelSet, place: int, bit: int) -> None:
    """A file with one flipped bit is refused, even if its size and header are right."""
    good = built.built.read_bytes()
    bad = bytearray(good)
    bad[-place] ^= 1 << bit
    built.built.write_bytes(bad)
    assert refusal(built).startswith("it is damaged")
    built.built.write_bytes(good)


def test_other_files_are_refused(built: LabelSet) -> None:
    """A pickle or any other file under the name is never loaded."""
    torch.save({"classes": torch.zeros(1)}, built.built)
    assert refusal(built).startswith("it is damaged")
