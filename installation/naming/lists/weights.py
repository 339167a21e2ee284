"""The networks that `kiosk fetch` downloads: their weight files and the commands for them.

This module imports neither torch nor timm, so that `kiosk check` is fast.
"""

from __future__ import annotations

from pathlib import Path

from installation.errors import Mistake, WeightsError, display_path

LITE = "efficientnet_lite0"
"""The default network, which has ImageNet's 1,000 classes; its weights come with the kiosk."""

CLIP = "clip"
"""The network that was trained on pictures and their captions."""

PERSONS = "vit_base_patch16_224.augreg_in21k"
"""The network of the label set persons-21k."""

FETCH_NAMES = {PERSONS: "persons-21k", CLIP: "clip"}
"""The names of networks in `kiosk fetch`, if they differ from timm's."""


def weights_file(encoder: str, folder: Path) -> Path:
    """Return the file of a network's weights in `folder`."""
    return folder / f"{encoder}.safetensors"


def fetch_command(encoder: str) -> str:
    """Return the command that fetches a network's weights."""
    return f"kiosk fetch {FETCH_NAMES.get(encoder, f'timm/{encoder}')}"


def check_fetched(encoder: str, folder: Path) -> None:
    """Raise WeightsError if the network's weights are not in `folder`."""
    file = weights_file(encoder, folder)
    if not file.is_file():
        problem = "the weights of the network are missing"
        raise WeightsError(Mistake(display_path(file), problem, f"Run: {fetch_command(encoder)}"))
