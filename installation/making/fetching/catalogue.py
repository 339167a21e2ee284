"""The files that `kiosk fetch` can download, with their origins and pinned SHA-256s.

`yunet` and `clip` are pinned here, because several public projects state the same SHA-256 for each
of them. The other files are not pinned. For `persons-21k` and timm's other networks, no project was
found that states a SHA-256. For `imagenet-safety`, a SHA-256 was found only for a copy of the file,
and the copy may differ from the original.

The first fetch of a file that is not pinned records its SHA-256. Later fetches refuse a file with
another SHA-256. Hugging Face states the SHA-256 of a weights file, and the fetched file must have
it. image-net.org states none: its file is accepted if it has the right format. A venue that knows
the right SHA-256 states it with --sha256.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from installation.errors import FetchError, Mistake, did_you_mean, ellipsize, nearest
from installation.making.fetching.download import network_errors
from installation.naming.label_set import hiding
from installation.naming.lists import weights


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on Hugging Face; `revision` is a branch or a commit."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"Hugging Face {self.repo}, {self.file}"


@dataclass(frozen=True)
class WebFile:
    """A file on any web server."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Item:
    """One file that can be fetched into models/weights/."""

    name: str
    purpose: str
    file: str
    """The file's name in models/weights/."""
    licence: str
    origins: tuple[HubFile | WebFile, ...]
    """The sources from which the file can be fetched, tried in this order."""
    size: int | None
    """The size, bytes: exact if `sha256` is pinned, otherwise approximate; None if not known."""
    sha256: str | None
    """The SHA-256 that the file must have; None if the kiosk does not pin one."""
    check_format: Callable[[Path], object] | None = None
    """A function that raises KioskError if a file does not have the right format. It is None if the
    kiosk knows no format for the file.

    A file in the right format is accepted even if the kiosk knows no SHA-256 for it.
    """


YUNET = "face_detection_yunet_2023mar.onnx"

ITEMS = (
    Item(
        name="yunet",
        purpose="a face detector that is better and faster than the built-in one; the show uses it "
        "after its next start",
        file=YUNET,
        licence="MIT",
        origins=(
            HubFile("opencv/face_detection_yunet", YUNET),
            WebFile(
                "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
                f"face_detection_yunet/{YUNET}"
            ),
        ),
        size=232_589,
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    Item(
        name="persons-21k",
        purpose="the network trained on all 2,832 person categories, for the label set persons-21k",
        file=f"{weights.PERSONS}.safetensors",
        licence="Apache-2.0",
        origins=(HubFile(f"timm/{weights.PERSONS}", "model.safetensors"),),
        # Its 152 float32 tensors, from timm's architecture; the file's header is not counted.
        size=410_383_692,
        sha256=None,
    ),
    Item(
        name="clip",
        purpose="open_clip's ViT-B-32, for label sets with the method prompts",
        file=f"{weights.CLIP}.safetensors",
        licence="MIT",
        origins=(
            HubFile(
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
        purpose="ImageNet's list of 1,593 unsafe person categories, so that the kiosk hides them",
        file=hiding.UNSAFE_FILE,
        licence="none stated",
        origins=(WebFile("https://image-net.org/filtering-and-balancing/unsafe_synsets.txt"),),
        size=15_930,
        sha256=None,
        check_format=hiding.read_unsafe_synsets,
    ),
)

NAMES = tuple(item.name for item in ITEMS)

TIMM_PREFIX = "timm/"
"""The prefix of the names of timm's networks on the command line."""


def find(name: str) -> Item:
    """Return the item called `name`: a name of the catalogue, or timm/NETWORK.

    Raises FetchError if there is none.
    """
    for item in ITEMS:
        if item.name == name:
            return item
    if name.startswith(TIMM_PREFIX):
        return _timm_item(name.removeprefix(TIMM_PREFIX))
    remedy = did_you_mean(nearest(name, NAMES)) or f"Known: {', '.join(NAMES)}, all, timm/NETWORK."
    raise FetchError(Mistake("kiosk fetch", f"'{ellipsize(name)}' is not in the catalogue", remedy))


def _timm_item(network: str) -> Item:
    """Return the item for a network of timm's whose weights are on Hugging Face.

    Imports timm, which takes seconds. Raises FetchError if timm has no such network.
    """
    where = f"kiosk fetch {TIMM_PREFIX}{ellipsize(network)}"
    with network_errors(where):  # timm imports huggingface_hub, which parses HF_ENDPOINT
        from timm import list_pretrained
        from timm.models import get_pretrained_cfg
    networks = list_pretrained()
    if network not in networks:
        remedy = did_you_mean(nearest(network, networks)) or "See https://huggingface.co/timm."
        raise FetchError(
            Mistake(where, "timm has no network with this name, or no weights for it", remedy)
        )
    settings = get_pretrained_cfg(network)
    if settings.hf_hub_id is None:
        problem = "the weights of this network are not on Hugging Face"
        raise FetchError(Mistake(where, problem, "Choose another network."))
    for item in ITEMS:
        if item.file == f"{network}.safetensors":
            return item
    return Item(
        name=f"{TIMM_PREFIX}{network}",
        purpose="a network from timm, for label sets with the method classes or examples",
        file=f"{network}.safetensors",
        licence=settings.license or "none stated",
        origins=(HubFile(settings.hf_hub_id, "model.safetensors"),),
        size=None,
        sha256=None,
    )
