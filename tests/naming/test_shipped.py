from __future__ import annotations

import csv

import pytest
import torch
from safetensors.torch import load_file

from installation.config import MODELS, ContentSettings, label_sets
from installation.making import building, text
from installation.naming import conse, imagenet, labelset
from installation.naming.efficientnet import CLASSES, EfficientNetLite0


def test_three_label_sets_are_shipped() -> None:
    """The kiosk comes with the persons, the objects and the kindnesses."""
    assert label_sets() == ["kindnesses", "objects", "persons"]


@pytest.mark.parametrize("name", ["kindnesses", "persons"])
def test_what_is_built_fits_what_is_written(name: str) -> None:
    """The built file belongs to its labels.csv and to the pinned network, and is small."""
    label_set = labelset.load(name, ContentSettings())
    scorer = conse.ConSE.open(
        label_set, EfficientNetLite0.fingerprint, CLASSES, torch.device("cpu")
    )
    assert scorer.score(torch.zeros(1, 1000)).shape == (1, len(label_set.labels))
    assert label_set.built.stat().st_size < 4_000_000


@pytest.mark.parametrize("name", ["kindnesses", "objects", "persons"])
def test_every_visible_label_has_a_definition_and_a_chain(name: str) -> None:
    """Whatever is put on a visitor says what it means and whose kind it is."""
    label_set = labelset.load(name, ContentSettings())
    for label in (label_set.root, *label_set.labels):
        assert label.definition
    assert {label.chain[0] for label in label_set.labels} == {label_set.root.name}


def test_the_objects_are_the_thousand_classes() -> None:
    """Every class of the network is a row, in any order; what would wound on a face is hidden."""
    label_set = labelset.load("objects", ContentSettings())
    everything = labelset.load("objects", ContentSettings.model_construct(hide=()))
    assert sorted(everything.rows) == list(range(1000))
    assert not any("animal" in label.chain for label in label_set.labels)
    assert {"gorilla", "hog", "brassiere"} & {label.name for label in label_set.labels} == set()


def test_the_kindnesses_hide_nothing() -> None:
    """There are some sixty kindnesses, and none needs hiding."""
    label_set = labelset.load("kindnesses", ContentSettings())
    assert 55 <= len(label_set.labels) <= 70
    assert label_set.hidden == {}


def test_the_descriptions_are_of_classes() -> None:
    """Each description of looks.csv belongs to one class, and has its name beside it."""
    with text.LOOKS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = imagenet.names()
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(imagenet.classes())
    assert all(names[row["id"]].startswith(row["name"]) for row in rows)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_text_encoder_gives_the_built_directions() -> None:
    """A sample of the kindnesses, embedded anew, points where the built file says."""
    rows = labelset.read("kindnesses").rows
    embedded = text.embed_labels(rows, text.open_text_encoder())
    centred = torch.nn.functional.normalize(embedded - embedded.mean(0))
    built = load_file(MODELS / "kindnesses" / "built.safetensors")["labels"].float()
    assert (centred * torch.nn.functional.normalize(built)).sum(1).min() > 0.999


def test_the_objects_need_no_building() -> None:
    """The objects are the network's own classes: nothing is built for them."""
    assert building.build("objects") is None
    assert not (MODELS / "objects" / "built.safetensors").exists()
