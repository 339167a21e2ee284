"""A set by the method `prompts`, built for a small CLIP beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from installation.making.build import build, from_prompts
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.timm_network import Clip
from installation.naming.reading.classifier import Classifier, CropClassifier
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import write_label_set
from tests.support.small_clip import SMALL, small_clip

HEADER = "id,name,definition,parent,hidden_because,looks_like,is_background"
ROWS = (
    HEADER,
    "reader,reader,somebody with a book,,,,",
    "singer,singer,,,,a person who sings|somebody with a microphone,",
    "rude,rude one,,,insult,,",
    "cook,cook,somebody at a stove,reader,,,",
    "wall,empty wall,,,,an empty grey wall|nobody is there,yes",
)
YAML = """\
title: Sentences
credit: Written for a test
root: {id: somebody, name: somebody, definition: a person}
method: prompts
"""
NAME = "sentences"
WEIGHTS = "clip.safetensors"


def made_prompts(models: Path, *rows: str, yaml: str = YAML) -> LabelSet:
    """Build a set in the folder `models`, with its CLIP beside it, and return it."""
    write_label_set(models, *(rows or ROWS), yaml=yaml, name=NAME)
    weights = models / WEIGHTS
    if not weights.exists():
        small_clip(weights)
    build.build(
        NAME, models, partial(from_prompts.build_from_prompts, weights=weights, architecture=SMALL)
    )
    return load_label_set(NAME, ContentSettings(), models)


def opened_prompts(label_set: LabelSet) -> Classifier:
    """Return the classifier of a set that `made_prompts` made, on the CPU."""
    encoder = Clip("cpu", label_set.folder.parent / WEIGHTS, SMALL)
    return CropClassifier(
        label_set,
        encoder,
        label_set.settings.method.open_scorer(label_set, encoder),
        "cpu",
    )
