"""The networks that `kiosk fetch` brings: where their weights lie, and how they get there.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

from pathlib import Path

from installation.errors import Mistake, WeightsError, display_path

LITE = "efficientnet_lite0"
"""The default network, which knows ImageNet's 1,000 classes and comes with the kiosk."""

CLIP = "clip"
"""The network that was trained on pictures with their captions."""

PERSONS = "vit_base_patch16_224.augreg_in21k"
"""The network of the label set persons-21k."""

FETCH_NAMES = {PERSONS: "persons-21k", CLIP: "clip"}
"""What `kiosk fetch` calls networks that are not named as timm names them."""


def weights_file(encoder: str, folder: Path) -> Path:
    """Return the file of a network's weights in the `folder` of all weights."""
    return folder / f"{encoder}.safetensors"


def fetch_command(encoder: str) -> str:
    """Return the command that fetches a network's weights."""
    return f"kiosk fetch {FETCH_NAMES.get(encoder, f'timm/{encoder}')}"


def check_fetched(encoder: str, folder: Path) -> None:
    """Raise WeightsError where the file of a network that is fetched is not in `folder`."""
    file = weights_file(encoder, folder)
    if not file.is_file():
        what = "the weights of its network are not there"
        raise WeightsError(Mistake(display_path(file), what, f"Run: {fetch_command(encoder)}"))
