"""The method `text`: compares labels with a network's classes by the meaning of their names.

A class of the network is a kind of object, such as an accordion. It is described by a sentence
about a person with such an object. The sentence was written for this kiosk (class_looks.py), or is
made from a template. A set with `lists: true` in labelset.yaml also uses the labels that looks.csv
lists for each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from installation.errors import counted
from installation.making.build.embedding_cache import (
    Embed,
    EmbeddingCache,
    cached_encoder,
    embed_ensembles,
)
from installation.making.build.evenness import evenness
from installation.making.build.result import BuildResult
from installation.making.build.text import sentence_encoder
from installation.making.build.text.class_looks import class_looks, class_prior, listed_rows
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.lists import imagenet, masked
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.scoring import conse
from installation.settings.kiosk import ContentSettings

PRIOR_FIGURES = (
    "Half of the natural logarithm of each class's prior is subtracted from the class's logit. "
    "The prior is the class's mean score plus 0.0004. The mean was measured on crops of 272 people "
    "from public test photographs: the bust and the half body of each person, in ten views each. "
    "Masked classes, those left out on purpose, were removed before the scores were computed. A "
    "score above 0.1 counted as 0.1. The file of priors has one number for each class, and no part "
    "of a photograph.",
)
"""Sentences for card.md. They describe how class_prior.csv was made."""


def build_from_text(
    source: LabelSetSource, _content: ContentSettings = SAFE, embed: Embed | None = None
) -> BuildResult:
    """Return the embeddings of classes and rows, and three facts about each class.

    The facts are its prior, whether it is used (not masked), and the labels that looks.csv lists
    for it. `embed` replaces the sentence encoder. Without `embed`, the encoder is opened only if
    the cache of earlier builds lacks the embedding of a sentence. Raises WeightsError if the
    sentence encoder's weights are missing, and LabelSetError if looks.csv lists labels that the set
    does not show.
    """
    if embed is not None:
        return _build(source, embed)
    with open_sentence_cache(source.folder.parent) as cache:
        result = _build(source, cached_encoder(sentence_encoder.open_sentence_encoder, cache))
    note = f"The cache of sentences {cache.problem}."
    return replace(result, figures=[*result.figures, note]) if cache.problem else result


def open_sentence_cache(models: Path) -> EmbeddingCache:
    """Return the cache of the embeddings of sentences, which all label sets in `models` share."""
    return EmbeddingCache(
        models, f"sentences-minilm-{sentence_encoder.ENCODER_SHA256[:16]}", conse.EMBEDDING
    )


def _build(source: LabelSetSource, embed: Embed) -> BuildResult:
    uses_lists = source.settings.lists
    lists = listed_rows(source.rows if uses_lists else (), class_looks() if uses_lists else ())
    masks = masked.reasons()
    kept = torch.tensor([id_ not in masks for id_ in imagenet.classes()])
    classes, plain = embed_classes(embed), embed_labels(source.rows, embed)
    labels = torch.nn.functional.normalize(plain - plain.mean(0))
    visible = [i for i, row in enumerate(source.rows) if not row.background and not row.reasons]
    nearness = torch.from_numpy(
        conse.calibrate(
            classes.numpy(),
            labels[visible].numpy(),
            class_prior().numpy(),
            kept.nonzero()[:, 0].numpy(),
            conse.lists_by_place(lists.numpy(), visible),
        )
    )
    speaking = nearness.any(1)
    figures = [
        f"Of the network's {len(kept):,} classes, {len(masks)} are masked (left out on purpose) "
        f"and {int(kept.sum())} are used; {int(speaking.sum())} of these affect the scores of "
        "labels.",
        *_list_figures(lists),
        "With one imagined picture for each class that affects the scores "
        f"({int(speaking.sum()):,}): {evenness(nearness[speaking])}.",
    ]
    tensors = {
        "classes": classes.half(),
        "labels": labels.half(),
        "prior": class_prior().half(),
        "kept": kept.half(),
        "lists": lists,
    }
    provenance = [
        *PRIOR_FIGURES,
        "The sentences were embedded by all-MiniLM-L6-v2, SHA-256 "
        f"{sentence_encoder.ENCODER_SHA256}.",
    ]
    return BuildResult(tensors, EfficientNetLite0.fingerprint, figures, provenance=provenance)


def _list_figures(lists: torch.Tensor) -> list[str]:
    """Return a sentence about the labels that looks.csv lists, if the set uses these lists."""
    if not (lists >= 0).any():
        return []
    listed, classes = len(set(lists[lists >= 0].tolist())), int((lists >= 0).any(1).sum())
    labels = counted(listed, "different label")
    return [f"Classes for which looks.csv lists labels: {classes}. The lists contain {labels}."]


def embed_classes(embed: Embed) -> torch.Tensor:
    """Return the embeddings `(1000, 384)` of ImageNet's classes, of unit length.

    Classes with a sentence of their own and classes with a template are centred separately, because
    sentences with the same structure resemble each other whatever their content.
    """
    ids = imagenet.classes()
    synonyms = imagenet.names()
    names = [synonyms[id_].partition(", ")[0] for id_ in ids]
    descriptions = {look.id: look.sentence for look in class_looks() if look.sentence}
    assert descriptions.keys() <= set(ids), "a bug in kiosk: looks.csv describes unknown classes"
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
    """Return an embedding of unit length for each row, `(N, 384)`.

    It is the normalised mean of the embeddings of the row's sentences.
    """
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
    """Return `embeddings` `(N, D)`, normalised, minus their mean, and normalised again."""
    embeddings = torch.nn.functional.normalize(embeddings)
    return torch.nn.functional.normalize(embeddings - embeddings.mean(0))
