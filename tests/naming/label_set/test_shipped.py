from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file
from timm.data import ImageNetInfo

from installation.errors import LabelSetError
from installation.making.build import (
    build,
    from_prompts,
    from_text,
)
from installation.making.build.text import class_looks, sentence_encoder
from installation.naming.label_set import built_file
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.lists import class_lists, imagenet, masked
from installation.naming.methods import METHODS
from installation.naming.networks.efficientnet import CLASSES, EfficientNetLite0
from installation.naming.scoring import conse
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS, PROJECT, label_set_names
from tests.support.tensors import score


def test_four_label_sets_are_shipped() -> None:
    """The kiosk comes with four label sets, two of which have the person categories of ImageNet."""
    assert label_set_names() == ["kindnesses", "objects", "persons", "persons-21k"]


@pytest.mark.parametrize("name", ["kindnesses", "persons"])
def test_what_is_built_fits_what_is_written(name: str) -> None:
    """The built file fits its labels.csv and the pinned network, and is small."""
    label_set = load_label_set(name, ContentSettings())
    scorer = conse.ConseScorer.from_built(label_set, EfficientNetLite0.fingerprint, CLASSES)
    assert score(scorer, torch.zeros(1, 1000)).shape == (1, len(label_set.labels))
    assert label_set.built.stat().st_size < 4_000_000


@pytest.mark.parametrize("name", label_set_names())
def test_every_visible_label_has_a_definition_and_a_chain(name: str) -> None:
    """Every visible label has a definition and a chain."""
    label_set = load_label_set(name, ContentSettings())
    for label in (label_set.root, *label_set.labels):
        assert label.definition
    assert {label.chain[0] for label in label_set.labels} == {label_set.root.name}


def test_the_objects_are_the_thousand_classes() -> None:
    """Every class of the network is a row, and hurtful ones are hidden."""
    label_set = load_label_set("objects", ContentSettings())
    everything = load_label_set("objects", ContentSettings.model_construct(hide=()))
    assert sorted(everything.rows) == list(range(1000))
    assert not any("animal" in label.chain for label in label_set.labels)
    assert {"gorilla", "hog", "brassiere"} & {label.name for label in label_set.labels} == set()


HIDDEN_OBJECTS = {
    "sexual": {"n11879895"},
    "insult": {"n04606251", "n13040303", "n07714571", "n07711569"},
    "violence": {"n04389033", "n02916936", "n03773504", "n03000684", "n04565375"},
    "demeaning": {"n03599486", "n02906734", "n02730930"},
    "race": {"n07753592", "n04599235", "n02999410"},
    "ethnicity": {"n04458633", "n04613696"},
    "nationality": {"n03976657", "n07880968"},
    "religion": {"n03045698"},
    "disability": {"n02797295", "n04204347", "n03532672"},
    "illness": {"n04584207", "n07892512"},
    "body": {"n12620546", "n02808440", "n03935335", "n04371430"},
    "age": {"n07742313"},
    "unseen": {"n03724870", "n04243546"},
    "criminal": {"n03947888"},
}
"""Things that would hurt somebody in front of the mirror, with the reason for each."""


@pytest.mark.parametrize("reason", HIDDEN_OBJECTS)
def test_things_that_would_hurt_are_hidden_with_a_true_reason(reason: str) -> None:
    """Rapeseed, weapons, wheelbarrows and barrels are hidden, each for its own reason."""
    because = {row.id: row.hidden_because for row in read_source("objects").rows}
    assert {because[id_] for id_ in HIDDEN_OBJECTS[reason]} == {reason}
    headings = {name for label in load_label_set("objects", SAFE).labels for name in label.chain}
    assert "weapon" not in headings


def test_no_kindness_is_the_work_of_servants() -> None:
    """No kindness holds doors or coats for others, or says that a visitor cannot get up."""
    labels = load_label_set("kindnesses", SAFE).labels
    assert not [label for label in labels if label.name.startswith("holder of")]
    assert not [label for label in labels if "cannot get up" in label.definition]


def test_the_kindnesses_hide_nothing() -> None:
    """The kindnesses are about sixty labels, none of them hidden."""
    label_set = load_label_set("kindnesses", ContentSettings())
    assert 55 <= len(label_set.labels) <= 70
    assert label_set.hidden == {}


def test_dresses_lead_to_several_kindnesses() -> None:
    """Women, whom the network mostly sees in dresses, are not all given the same kindness."""
    scorer = conse.ConseScorer.from_built(
        load_label_set("kindnesses", SAFE), EfficientNetLite0.fingerprint, CLASSES
    )
    places = {look.name: imagenet.classes().index(look.id) for look in class_looks.class_looks()}
    dresses = ("gown", "hoopskirt", "overskirt", "stole", "velvet")
    alone = torch.stack([40 * torch.eye(CLASSES)[places[name]] for name in dresses])
    assert len({int(row.argmax()) for row in score(scorer, alone)}) >= 4


def test_the_descriptions_are_of_classes() -> None:
    """Each description of looks.csv belongs to one class, whose name is in the same row."""
    with class_looks.LOOKS_CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = imagenet.names()
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(imagenet.classes())
    assert all(names[row["id"]].startswith(row["name"]) for row in rows)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_text_encoder_gives_the_built_directions() -> None:
    """Embedding the kindnesses again results in the directions in the built file."""
    rows = read_source("kindnesses").rows
    embedded = from_text.embed_labels(rows, sentence_encoder.open_sentence_encoder())
    centred = torch.nn.functional.normalize(embedded - embedded.mean(0))
    directions = load_file(MODELS / "kindnesses" / "built.safetensors")["labels"].float()
    assert (centred * torch.nn.functional.normalize(directions)).sum(1).min() > 0.999


def test_no_masked_class_is_a_visible_object() -> None:
    """No masked class is shown as a name of the label set `objects`."""
    assert load_label_set("objects", ContentSettings()).masked == ()


def test_no_class_of_dress_leads_to_the_body() -> None:
    """No class of clothing leads to a label about bare skin, the body, hair or clothing."""
    dress = (
        "academic gown; apron; backpack; bearskin; bolo tie; bow tie; buckle; cardigan; cloak; "
        "clog; cowboy boot; cowboy hat; crash helmet; feather boa; football helmet; fur coat; "
        "gown; groom; handkerchief; hoopskirt; jean; jersey; lab coat; Loafer; military uniform; "
        "mitten; mortarboard; necklace; overskirt; pajama; purse; running shoe; sandal; sock; "
        "stole; suit; "
        "sunglass; sunglasses; sweatshirt; trench coat; umbrella; velvet; Windsor tie; wool"
    )
    with (PROJECT / "scripts" / "fairness_groups.csv").open(encoding="utf-8", newline="") as file:
        groups = {row["name"]: row["group"] for row in csv.DictReader(file)}
    lists = {look.name: look.labels for look in class_looks.class_looks()}
    for name in dress.split("; "):
        led_to = {groups[label] for label in lists[name]}
        assert lists[name]
        assert not led_to & {"bare skin", "body", "hair and dress"}, name


def test_every_visible_person_has_a_group() -> None:
    """scripts/fairness knows the group of each label that it may count."""
    with (PROJECT / "scripts" / "fairness_groups.csv").open(encoding="utf-8", newline="") as file:
        ids = {row["id"] for row in csv.DictReader(file)}
    assert {label.id for label in load_label_set("persons", ContentSettings()).labels} <= ids


def test_the_objects_need_no_building() -> None:
    """Nothing is built for the objects, which are the network's own classes."""
    assert build.build("objects") is None
    assert not (MODELS / "objects" / "built.safetensors").exists()


def test_the_persons_of_the_larger_network_say_what_must_be_fetched(tmp_path: Path) -> None:
    """Without its network the set names both commands, in their order."""
    shutil.copytree(MODELS / "persons-21k", tmp_path / "persons-21k")
    label_set = load_label_set("persons-21k", ContentSettings(), tmp_path)
    with pytest.raises(LabelSetError) as caught:
        built_file.check_built(label_set)
    assert str(caught.value).endswith(
        "the label set is not built yet. "
        "Run: kiosk fetch persons-21k, and then: kiosk labels build persons-21k"
    )


def test_the_larger_network_has_every_person() -> None:
    """Every row of persons-21k is one of the network's 21,843 classes, with timm's index."""
    label_set = load_label_set("persons-21k", ContentSettings.model_construct(hide=()))
    order = ImageNetInfo("imagenet-21k-goog").label_names()
    assert len(label_set.labels) == 2832
    places = class_lists.outputs(label_set.encoder)
    assert places is not None
    assert all(order[places[label.id]] == label.id for label in label_set.labels)


SENTENCES = {
    "text": (4, "c07d6f99960fe045d773babefe52606205d5e9bff7a47644b2427401899a8d69"),
    "prompts": (1, "e0a30597acc820926e215766250fdcba58d35ba1b72302df9ea67e2c46ab9cd2"),
}
"""By method: the recipe's version, and the SHA-256 of what the kiosk itself says in it."""


@pytest.mark.parametrize("method", ["text", "prompts"])
def test_what_was_built_from_older_sentences_is_stale(method: Literal["text", "prompts"]) -> None:
    """A change of the kiosk's own sentences needs a new recipe number, so that sets are rebuilt.

    Raise the method's recipe in methods.py, build the shipped sets of that method again, and
    write the number and the new sum here.
    """
    rows = [Row(1, "a", "a name", "a definition"), Row(2, "b", "a name", "", is_background="yes")]
    texts: list[str] = []

    def embed(sentences: Sequence[str]) -> torch.Tensor:
        texts.extend(sentences)
        return torch.eye(conse.EMBEDDING)[torch.arange(len(sentences)) % conse.EMBEDDING]

    if method == "text":
        from_text.embed_classes(embed)
        from_text.embed_labels(rows, embed)
        texts += ["; ".join((look.id, *look.labels)) for look in class_looks.class_looks()]
        texts += [class_looks.PRIOR_CSV.read_text(encoding="utf-8"), *sorted(masked.reasons())]
    else:
        texts += [sentence for row in rows for sentence in from_prompts.sentences_of(row)]
    found = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    assert (METHODS[method].recipe, found) == SENTENCES[method]
