from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import timm
import torch
from timm.data import ImageNetInfo, infer_imagenet_subset
from timm.data.imagenet_info import _SUBSETS
from timm.models import get_pretrained_cfg

from installation.errors import KioskError, LabelSetError, WeightsError
from installation.naming.label_set.load import load_label_set
from installation.naming.lists import class_lists
from installation.naming.lists.weights import PERSONS
from installation.naming.networks.encoder import BATCH
from installation.naming.networks.open import open_encoder
from installation.naming.networks.timm_network import TimmFeatures
from installation.settings.kiosk import ContentSettings
from tests.support.made_networks import TINY, made_classes, tiny, write_set, write_weights

CPU = torch.device("cpu")


def crops(count: int) -> torch.Tensor:
    """Return a batch as `crops.cut` gives it, of noise."""
    return torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the tiny network's weights."""
    folder = tmp_path_factory.mktemp("models")
    write_weights(folder, tiny(), TINY)
    return folder


def message(caught: pytest.ExceptionInfo[KioskError], models: Path) -> str:
    """Return what the error says, without the test's own folder."""
    return str(caught.value).replace(f"{models}/", "")


def test_features_head_and_scores_are_the_whole_networks(models: Path) -> None:
    """Rows of 21,843, cut out and built, give the softmax that timm's network itself would."""
    label_set = made_classes(models)
    encoder = open_encoder(label_set, CPU)
    scores = label_set.settings.method.open_scorer(label_set, encoder).score(
        encoder.encode(crops(3))
    )
    order = ImageNetInfo("imagenet-21k-goog").label_names()
    with torch.inference_mode():
        logits = tiny()(crops(3))[:, [order.index(label.id) for label in label_set.labels]]
    assert [label.name for label in label_set.labels] == ["athlete", "astronaut", "namer"]
    assert (scores - logits.softmax(1)).abs().max() < 1e-4
    assert scores.std(0).min() > 1e-4, "the pictures are told apart"


def test_more_visitors_than_a_batch_are_read_as_each_alone(models: Path) -> None:
    """However many crops there are, each gets the features that it would get alone."""
    encoder = TimmFeatures(TINY, CPU, models / "weights")
    batch = crops(BATCH + 1)
    together = encoder.encode(batch)
    assert together.shape == (BATCH + 1, encoder.width)
    assert (together[-1:] - encoder.encode(batch[-1:])).abs().max() < 1e-4
    assert encoder.encode(batch[:0]).shape == (0, encoder.width)


def test_pictures_come_as_the_network_was_trained(models: Path) -> None:
    """Size, mean, spread and the way of resizing are those that timm states for the network."""
    encoder = TimmFeatures(TINY, CPU, models / "weights")
    assert encoder.input.size == 224
    assert encoder.input.mean == encoder.input.std == (0.5, 0.5, 0.5)
    assert encoder.input.interpolation == "bicubic"
    weights = (models / "weights" / f"{TINY}.safetensors").read_bytes()
    assert encoder.fingerprint == hashlib.sha256(weights).hexdigest()


def test_without_weights_the_command_is_named(tmp_path: Path) -> None:
    """Where the weights are missing, the message says how they are fetched."""
    with pytest.raises(WeightsError) as caught:
        TimmFeatures(TINY, CPU, tmp_path)
    assert message(caught, tmp_path) == (
        f"{TINY}.safetensors: the weights of {TINY} are not there. Run: kiosk fetch timm/{TINY}"
    )
    with pytest.raises(WeightsError, match="Run: kiosk fetch persons-21k"):
        TimmFeatures(PERSONS, CPU, tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """What is missing, unknown or of another shape in the file is named."""
    torch.manual_seed(0)
    smaller = timm.create_model("vit_tiny_patch16_224", num_classes=1000)
    write_weights(tmp_path, smaller, TINY)
    with pytest.raises(WeightsError) as caught:
        TimmFeatures(TINY, CPU, tmp_path / "weights")
    assert "2 tensors of another shape (head.bias [1000], expected [21843], head.weight" in message(
        caught, tmp_path
    )
    write_weights(tmp_path, timm.create_model("resnet10t"), TINY)
    with pytest.raises(WeightsError, match=r"152 tensors missing .*; .* tensors unknown"):
        TimmFeatures(TINY, CPU, tmp_path / "weights")


@pytest.mark.parametrize("kept", [0, 7, 5000, -1])
def test_damaged_weights_are_refused(models: Path, tmp_path: Path, kept: int) -> None:
    """A file that is cut off anywhere is said to be damaged."""
    whole = (models / "weights" / f"{TINY}.safetensors").read_bytes()
    (tmp_path / f"{TINY}.safetensors").write_bytes(whole[:kept])
    with pytest.raises(WeightsError, match="the file is damaged"):
        TimmFeatures(TINY, CPU, tmp_path)


@pytest.mark.parametrize("name", ["nonsense", "vit_tiny_patch16_224.nonsense"])
def test_a_network_that_timm_does_not_know_is_refused(tmp_path: Path, name: str) -> None:
    """A slip in the network's name is said, with what a whole name looks like."""
    with pytest.raises(LabelSetError, match=r"knows no such network\. Write the whole name"):
        TimmFeatures(name, CPU, tmp_path)


def test_the_order_of_classes_is_timms_own_for_all_its_networks() -> None:
    """For each network with a head, the name tells the list that timm infers from its rows."""
    for name in timm.list_models(pretrained=True):
        said = get_pretrained_cfg(name)
        subset = infer_imagenet_subset(said.to_dict())
        if subset and not name.startswith("resmlp_"):  # fb_dino, of which no name tells
            file = _SUBSETS[re.sub(r"[-_\s]", "", subset)]
            assert class_lists.find_head(name) == file, name
            places = class_lists.outputs(name)
            assert places is not None
            assert max(places.values()) + 1 == said.num_classes, name


def test_known_categories_are_at_their_known_places() -> None:
    """The astronaut is one row in one head and another in another, as timm numbers them."""
    for name, subset in (
        (PERSONS, "imagenet-21k-goog"),
        ("convnext_tiny.fb_in22k", "imagenet-22k"),
        ("focalnet_large_fl3.ms_in22k", "imagenet-22k-ms"),
        ("convnext_nano.in12k", "imagenet-12k"),
        ("tresnet_m.miil_in21k", "imagenet-21k-miil"),
        ("resnet18.a1_in1k", "imagenet-1k"),
    ):
        places = class_lists.outputs(name)
        assert places is not None
        info = ImageNetInfo(subset)
        for place in (0, 3, 500, info.num_classes() - 1):
            assert places[info.index_to_label_name(place)] == places[str(place)] == place
    persons = class_lists.outputs(PERSONS)
    assert persons is not None
    assert persons["n00007846"] == 4


def test_a_set_whose_network_timm_does_not_know_is_named(tmp_path: Path) -> None:
    """The message says which set's labelset.yaml names the network."""
    rows = ("id,name,definition,parent,hidden_because", "a,air,,,")
    write_set(tmp_path, "odd", "method: examples\nencoder: nonsense", *rows)
    with pytest.raises(LabelSetError, match=r"odd/labelset\.yaml: encoder is 'nonsense'"):
        open_encoder(load_label_set("odd", ContentSettings(), tmp_path), CPU)


def test_an_unknown_head_is_a_mistake_of_the_set(tmp_path: Path) -> None:
    """A network whose classes nobody has listed cannot be read by them."""
    write_set(tmp_path, "odd", "method: classes\nencoder: resnet50x4_clip.openai", "id,name")
    with pytest.raises(LabelSetError) as caught:
        load_label_set("odd", ContentSettings(), tmp_path)
    assert "no list of classes is known for the encoder 'resnet50x4_clip.openai'" in str(
        caught.value
    )
