"""ImageNet's categories: their ids, names and definitions, from the tables in the package timm.

This module does not import timm, which would import torch.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from installation.errors import LabelSetError, Mistake


def classes() -> tuple[str, ...]:
    """Return the WordNet ids of ImageNet-1k's classes, in the order of a network's outputs."""
    return synsets("imagenet_synsets.txt")


def names() -> dict[str, str]:
    """Return the synonyms of each synset of ImageNet, keyed by WordNet id.

    An example of the synonyms is 'captain, headwaiter'.
    """
    return _pairs("imagenet_synset_to_lemma.txt")


@cache
def meanings() -> dict[str, frozenset[str]]:
    """Return the WordNet ids of the synsets, keyed by their synonyms.

    Several synsets may have the same synonyms.
    """
    found: dict[str, set[str]] = {}
    for id_, synonyms in names().items():
        found.setdefault(synonyms, set()).add(id_)
    return {synonyms: frozenset(ids) for synonyms, ids in found.items()}


def definitions() -> dict[str, str]:
    """Return the definition of each synset of ImageNet, keyed by WordNet id."""
    return _pairs("imagenet_synset_to_definition.txt")


@cache
def synsets(file: str) -> tuple[str, ...]:
    """Return the WordNet ids in timm's list `file`, in the order of a network's outputs."""
    return tuple(_table(file).splitlines())


@cache
def _pairs(file: str) -> dict[str, str]:
    return dict(line.split("\t", 1) for line in _table(file).splitlines())


def _table(file: str) -> str:
    spec = importlib.util.find_spec("timm")
    if spec is None or not spec.submodule_search_locations:
        problem = "the package is not installed; it contains ImageNet's names"
        raise LabelSetError(Mistake("package timm", problem, "Run scripts/run, which installs it."))
    folder = Path(spec.submodule_search_locations[0]) / "data" / "_info"
    return (folder / file).read_text(encoding="utf-8")
