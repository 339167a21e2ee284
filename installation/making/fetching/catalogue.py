"""What `kiosk fetch` can bring, from where, and how it is known to be the right file.

`yunet` and `clip` are pinned here by SHA-256: for both, several public projects state the same
figure. For `persons-21k` and timm's other networks no such figure was found, and for
`imagenet-safety` only a copy that may not be a faithful one, so nothing is pinned. There the
SHA-256 that Hugging Face states for its file is taken at the first fetch, or, from image-net.org,
that of the first file whose form is right; it is written down and holds from then on. A venue
that knows better says so with --sha256.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from installation.errors import FetchError, Mistake, did_you_mean, ellipsize, nearest
from installation.making.fetching.download import mistyped
from installation.naming.label_set import hiding
from installation.naming.lists import weights


@dataclass(frozen=True)
class Hub:
    """A file of a repository on Hugging Face; `revision` is a branch or a commit."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"Hugging Face {self.repo}, {self.file}"


@dataclass(frozen=True)
class Web:
    """A file that any web server has."""

    url: str

    def __str__(self) -> str:
        return self.url


Source = Hub | Web


@dataclass(frozen=True)
class Item:
    """One file that can be fetched into models/weights/."""

    name: str
    purpose: str
    file: str
    """Its name in models/weights/."""
    licence: str
    sources: tuple[Source, ...]
    """Tried in order."""
    size: int | None
    """Bytes: exactly where `sha256` is pinned, about elsewhere; None: only its source knows."""
    sha256: str | None
    """None: not pinned here."""
    read: Callable[[Path], object] | None = None
    """Reads the file where its form tells that it is the right one; raises KioskError."""


YUNET = "face_detection_yunet_2023mar.onnx"

ITEMS = (
    Item(
        name="yunet",
        purpose="a better and faster face detector; the show takes it at its next start",
        file=YUNET,
        licence="MIT",
        sources=(
            Hub("opencv/face_detection_yunet", YUNET),
            Web(
                "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
                f"face_detection_yunet/{YUNET}"
            ),
        ),
        size=232_589,
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    Item(
        name="persons-21k",
        purpose="the network that was trained on all 2,832 person categories, for the label set "
        "persons-21k",
        file=f"{weights.PERSONS}.safetensors",
        licence="Apache-2.0",
        sources=(Hub(f"timm/{weights.PERSONS}", "model.safetensors"),),
        # Its 152 float32 tensors, from timm's architecture; the file's header comes on top.
        size=410_383_692,
        sha256=None,
    ),
    Item(
        name="clip",
        purpose="open_clip's ViT-B-32, for label sets with the method prompts",
        file=f"{weights.CLIP}.safetensors",
        licence="MIT",
        sources=(
            Hub(
                "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
                "open_clip_model.safetensors",
                "1a25a446712ba5ee05982a381eed697ef9b435cf",
            ),
        ),
        size=605_143_316,
        sha256="ac4f8c4b88af6d963118cbf40ad93176d092abbedfcb752601ae1866352656e6",
    ),
    Item(
        name="imagenet-safety",
        purpose="ImageNet's own list of 1,593 unsafe person categories, which then hides them, too",
        file=hiding.UNSAFE_FILE,
        licence="none stated",
        sources=(Web("https://image-net.org/filtering-and-balancing/unsafe_synsets.txt"),),
        size=15_930,
        sha256=None,
        read=hiding.read_unsafe_synsets,
    ),
)

NAMES = tuple(item.name for item in ITEMS)

TIMM = "timm/"
"""Before the name of a network of timm's."""


def find(name: str) -> Item:
    """Return what `name` stands for: a name of the table, or timm/NAME.

    Raises FetchError where there is nothing of that name.
    """
    for item in ITEMS:
        if item.name == name:
            return item
    if name.startswith(TIMM):
        return _timm(name.removeprefix(TIMM))
    remedy = did_you_mean(nearest(name, NAMES)) or f"There are: {', '.join(NAMES)}, all, timm/NAME."
    raise FetchError(Mistake("kiosk fetch", f"nothing is called '{ellipsize(name)}'", remedy))


def _timm(network: str) -> Item:
    """Return the item for a network of timm's whose weights are on Hugging Face.

    Importing timm takes seconds, so nothing else here does.
    """
    where = f"kiosk fetch {TIMM}{ellipsize(network)}"
    try:
        from timm import list_pretrained
        from timm.models import get_pretrained_cfg
    except ValueError as error:  # it imports Hugging Face's library, which judges HF_ENDPOINT then
        raise mistyped(where, str(error)) from None
    networks = list_pretrained()
    if network not in networks:
        remedy = (
            did_you_mean(nearest(network, networks)) or "They are at https://huggingface.co/timm."
        )
        raise FetchError(Mistake(where, "timm has no network of that name with weights", remedy))
    settings = get_pretrained_cfg(network)
    if settings.hf_hub_id is None:
        what = "its weights are not on Hugging Face"
        raise FetchError(Mistake(where, what, "Take another network."))
    for item in ITEMS:
        if item.file == f"{network}.safetensors":
            return item
    return Item(
        name=f"{TIMM}{network}",
        purpose="a network of timm's, for label sets with the method classes or examples",
        file=f"{network}.safetensors",
        licence=settings.license or "none stated",
        sources=(Hub(settings.hf_hub_id, "model.safetensors"),),
        size=None,
        sha256=None,
    )
