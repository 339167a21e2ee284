"""Label sets with networks of their own, small and random, but with real names, keys and loaders."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import nn

from installation.config import ContentSettings
from installation.making import building
from installation.naming import labelset
from installation.naming.labelset import LabelSet

TINY = "vit_tiny_patch16_224.augreg_in21k"
"""The smallest of timm's vision transformers with ImageNet's 21,843 classes."""

ROOT = "root: {id: n00007846, name: person, definition: a human being}"
HEADER = "id,name,definition,parent,hidden_because"
PERSONS = (
    HEADER,
    "n09820263,athlete,,artisans,",
    "n09818022,astronaut,,n09820263,",
    "artisans,people of skill,only a heading,,",
    "n09846755,beekeeper,,artisans,unseen",
    "n10344774,namer,,,",
)


def write_set(models: Path, name: str, settings: str, *rows: str) -> Path:
    """Write a label set and return its folder; no rows: no labels.csv."""
    folder = models / name
    folder.mkdir(parents=True, exist_ok=True)
    yaml = f"title: Made\ncredit: Made for a test\n{ROOT}\n{settings}\n"
    (folder / "labelset.yaml").write_text(yaml, encoding="utf-8")
    if rows:
        (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@cache
def tiny(seed: int = 0) -> nn.Module:
    """Return timm's tiny vision transformer, random, with a head that does not say 0 to all."""
    torch.manual_seed(seed)
    network = timm.create_model(TINY, pretrained=False)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    torch.nn.init.normal_(network.head.bias, std=0.1)
    return network.eval()


def write_weights(models: Path, network: nn.Module, name: str) -> Path:
    """Put a network's weights where `kiosk fetch` would, and return the file."""
    file = models / "weights" / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), file)
    return file


def made_classes(models: Path) -> LabelSet:
    """Return a built label set that reads timm's tiny vision transformer by its classes."""
    write_weights(models, tiny(), TINY)
    write_set(models, "made-classes", f"method: classes\nencoder: {TINY}", *PERSONS)
    building.build("made-classes", models)
    return labelset.load("made-classes", ContentSettings(), models)
