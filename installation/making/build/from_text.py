"""The method `text`: compares the meaning of names with that of a network's classes.

Each class of the network is described by what a person with such an object may be. looks.csv has
the descriptions of the classes that are seen on people, in sentences written for this kiosk; all
other classes take a template. Which person a photographed object stands for is an opinion, and it
is written down there.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from installation.making.build import sentence_encoder
from installation.making.build.embedding_cache import (
    Embed,
    EmbeddingCache,
    cached_encoder,
    embed_ensembles,
)
from installation.making.build.evenness import evenness
from installation.making.build.result import BuildResult
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.lists import imagenet
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.scoring import conse
from installation.settings.kiosk import ContentSettings

CLASS_DESCRIPTIONS = Path(__file__).with_name("looks.csv")
"""What somebody with an object of a class looks like, by the class's WordNet id."""


def build_from_text(
    source: LabelSetSource, _content: ContentSettings = SAFE, embed: Embed | None = None
) -> BuildResult:
    """Return the embeddings of the network's classes and of all rows, calibrated to each other.

    `embed` replaces the sentence encoder, which is opened only for sentences that no earlier build
    had. Raises WeightsError if its weights are missing.
    """
    if embed is not None:
        return _build(source, embed)
    with open_sentence_cache(source.folder.parent) as cache:
        result = _build(source, cached_encoder(sentence_encoder.open_sentence_encoder, cache))
    note = f"The cache of sentences {cache.problem}."
    return replace(result, figures=[*result.figures, note]) if cache.problem else result


def open_sentence_cache(models: Path) -> EmbeddingCache:
    """Return the embeddings of all sentences that earlier builds of sets in `models` needed."""
    return EmbeddingCache(
        models, f"sentences-minilm-{sentence_encoder.SHA256[:16]}", conse.EMBEDDING
    )


def _build(source: LabelSetSource, embed: Embed) -> BuildResult:
    plain_classes, plain_labels = embed_classes(embed), embed_labels(source.rows, embed)
    classes, labels = conse.calibrate(plain_classes, plain_labels)
    visible = [i for i, row in enumerate(source.rows) if not row.background]
    before = evenness((plain_classes @ plain_labels.T)[:, visible])
    after = evenness((classes @ labels.T)[:, visible])
    figures = [
        f"Before calibration, each of the network's classes alone as a picture: {before}.",
        f"After: {after}.",
        f"Sentences by all-MiniLM-L6-v2, SHA-256 {sentence_encoder.SHA256}.",
    ]
    tensors = {"classes": classes.half(), "labels": labels.half()}
    return BuildResult(tensors, EfficientNetLite0.fingerprint, figures)


def embed_classes(embed: Embed) -> torch.Tensor:
    """Return the embeddings `(1000, 384)` of ImageNet's classes, of unit length.

    Described classes and template classes are centred separately, as sentences of one form resemble
    each other whatever their content.
    """
    ids = imagenet.classes()
    synonyms = imagenet.names()
    names = [synonyms[id_].partition(", ")[0] for id_ in ids]
    with CLASS_DESCRIPTIONS.open(encoding="utf-8", newline="") as file:
        descriptions = {row["id"]: row["looks_like"] for row in csv.DictReader(file)}
    assert descriptions.keys() <= set(ids), "looks.csv describes classes only"
    described = [i for i, id_ in enumerate(ids) if id_ in descriptions]
    others = [i for i, id_ in enumerate(ids) if id_ not in descriptions]
    embeddings = torch.empty(len(ids), conse.EMBEDDING)
    embeddings[described] = _centre(embed([descriptions[ids[i]] for i in described]))
    embeddings[others] = _centre(
        embed([f"a person with a {names[i]}" for i in others])
        + embed([f"a person whose work or passion involves a {names[i]}" for i in others])
    )
    return embeddings


def embed_labels(rows: Sequence[Row], embed: Embed) -> torch.Tensor:
    """Return an embedding `(N, 384)` of unit length for each row, the mean of its sentences."""
    return embed_ensembles([sentences_of(row) for row in rows], embed)


def sentences_of(row: Row) -> Sequence[str]:
    """Return the sentences of a row: its own in looks_like, or else its name and definition."""
    if row.sentences:
        return row.sentences
    if row.background:
        return [text for text in (row.name, row.definition) if text]
    person = f"a person who is a {row.name}"
    if not row.definition:
        return (row.name, person)
    return (row.name, f"{row.name}: {row.definition}", f"{person}, {row.definition}")


def _centre(embeddings: torch.Tensor) -> torch.Tensor:
    """Return `embeddings` `(N, D)` without their mean, of unit length."""
    embeddings = torch.nn.functional.normalize(embeddings)
    return torch.nn.functional.normalize(embeddings - embeddings.mean(0))
