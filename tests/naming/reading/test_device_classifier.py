from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image

from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.efficientnet_torch import EfficientNetLite0Torch
from installation.naming.networks.encoder import Encoder
from installation.naming.reading import device_classifier
from installation.naming.reading.classifier import CropClassifier
from installation.naming.reading.crops import RESAMPLING
from installation.naming.reading.device_classifier import DeviceClassifier, resize_weights
from installation.naming.scoring.scorer import DeviceScorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from tests.support.made_networks import made_classes, made_hf, opened

CPU = torch.device("cpu")


def room() -> Frame:
    """Return a frame of soft noise, 640×360."""
    small = np.random.default_rng(0).integers(0, 256, (45, 80, 3), np.uint8)
    return Frame.from_rgb(
        np.asarray(Image.fromarray(small).resize((640, 360), Image.Resampling.BICUBIC)), 0
    )


def boxes(count: int) -> list[Box]:
    """Return boxes of several sizes, the first partly outside the frame."""
    return [Box(20.0 * i, 5.0 * i, 20.0 * i + 50 + 3 * i, 5.0 * i + 60) for i in range(count)]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("length", [1, 60, 224, 300, 512])
def test_pictures_are_resized_as_by_pillow(interpolation: str, length: int) -> None:
    """`resize_weights` resizes a picture as Pillow does with antialiasing, to within one level."""
    picture = np.random.default_rng(1).integers(0, 256, (length, length, 3), np.uint8)
    way = RESAMPLING[interpolation]
    theirs = np.asarray(Image.fromarray(picture).resize((224, 224), way), np.float32)
    weights = resize_weights(length, 224, interpolation)  # type: ignore[arg-type]
    across = np.einsum("xt,stc->sxc", weights, picture.astype(np.float32))
    across = np.floor(across + 0.5).clip(0, 255)
    ours = np.floor(np.einsum("ys,sxc->yxc", weights, across) + 0.5).clip(0, 255)
    assert np.abs(ours - theirs).max() <= 1


def persons() -> tuple[LabelSet, Encoder]:
    """Return the default label set with its network by PyTorch."""
    return load_label_set("persons", ContentSettings()), EfficientNetLite0Torch("cpu")


def sets(models: Path) -> list[tuple[LabelSet, Encoder]]:
    """Return a set of each scorer with its network by PyTorch."""
    others = [made_classes(models), made_hf(models)]
    return [persons(), *((each, opened(each.folder)) for each in others)]


def test_the_pass_scores_as_the_classifier_on_a_cpu_does(tmp_path: Path) -> None:
    """For each scorer, `DeviceClassifier` on the CPU gives nearly the scores of `CropClassifier`.

    They differ by less than 0.02, because the pixels of crops are rounded differently. The label
    with the highest score is the same.
    """
    for label_set, encoder in sets(tmp_path):
        scorer = label_set.settings.method.open_scorer(label_set, encoder)
        assert isinstance(scorer, DeviceScorer)
        expected = CropClassifier(label_set, encoder, scorer, "cpu")
        ours = DeviceClassifier(label_set, encoder, scorer, "cuda", runs_on="cpu")
        for count in (1, 3, 5):
            theirs = expected.classify(room(), boxes(count))
            scores = ours.classify(room(), boxes(count))
            assert scores.shape == theirs.shape
            assert np.abs(scores - theirs).max() < 0.02
            assert (scores.argmax(1) == theirs.argmax(1)).all()


def test_more_visitors_than_a_graph_takes_are_read_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each visitor's scores do not depend on the others."""
    monkeypatch.setattr(device_classifier, "BATCHES", (1, 2))
    label_set, encoder = persons()
    scorer = label_set.settings.method.open_scorer(label_set, encoder)
    ours = DeviceClassifier(label_set, encoder, cast(DeviceScorer, scorer), "cuda", runs_on="cpu")
    together = ours.score_all(room(), boxes(5))
    alone = np.concatenate([ours.score_all(room(), [box]) for box in boxes(5)])
    assert np.abs(together - alone).max() < 1e-4


def test_forgetting_leaves_zeros_in_the_memory_of_every_pass() -> None:
    """Crops are zeroed after each pass, and `forget` overwrites the scores by a pass on zeros."""
    label_set, encoder = persons()
    scorer = label_set.settings.method.open_scorer(label_set, encoder)
    ours = DeviceClassifier(label_set, encoder, cast(DeviceScorer, scorer), "cuda", runs_on="cpu")
    ours.classify(room(), boxes(3))
    (used,) = ours._passes.values()
    assert not used._packed.any()
    assert not used._crops.any()
    of_visitors = used._scores.clone()
    ours.forget()
    assert not torch.equal(used._scores, of_visitors)
    of_zeros = used._scores.clone()
    ours.forget()
    assert torch.equal(used._scores, of_zeros)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card by NVIDIA")
def test_on_a_card_the_labels_are_those_of_the_cpu() -> None:
    """In half precision and in a captured graph the same labels win."""
    label_set = load_label_set("persons", ContentSettings())
    on_card = EfficientNetLite0Torch("cuda")
    scorer = label_set.settings.method.open_scorer(label_set, on_card)
    ours = DeviceClassifier(label_set, on_card, cast(DeviceScorer, scorer), "cuda")
    expected = CropClassifier(label_set, EfficientNetLite0Torch("cpu"), scorer, "cpu")
    for count in (1, 8):
        theirs = expected.classify(room(), boxes(count)).argmax(1)
        assert (ours.classify(room(), boxes(count)).argmax(1) == theirs).mean() > 0.8
