"""The method `classes` for timm's networks: keeps the head's rows for the visible labels.

Because only these rows are kept, a hidden label cannot be scored at all. The network is run to test
that its head really is one weighted sum over the features: some networks scale their features, or
have two heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from installation.errors import LabelSetError, Mistake, WeightsError, display_path, ellipsize
from installation.making.build.result import BuildResult
from installation.naming.label_set import built_file
from installation.naming.label_set.folder import SETTINGS_FILE
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.label_set.load import assemble_nonempty
from installation.naming.lists import weights
from installation.naming.lists.safetensors_header import shapes
from installation.naming.networks.timm_network import open_timm, pretrained_config, weights_file
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import WEIGHTS

TRIED = 4
"""The number of pictures of noise on which the built file is compared with the whole network."""

TOLERANCE = 1e-3
"""The largest difference between the rows' logits and the whole network's logits, as a share of the
largest logit (or of 1, if that is larger).

The logits differ slightly, because the float32 values are added in a different order.
"""


def build_from_head(source: LabelSetSource, content: ContentSettings = SAFE) -> BuildResult:
    """Return the head's rows for the background and for the labels that `content` shows.

    Raises WeightsError if the weights are missing or belong to another network, or if the head does
    not have one row per class; the network's name says which classes it has. Raises LabelSetError
    if timm does not know the network, or its head is not a weighted sum over features.
    """
    name = source.settings.encoder_name
    folder = source.folder.parent / WEIGHTS.name
    outputs = source.settings.outputs
    assert outputs is not None, "a bug in kiosk: read_source accepted a network of unknown classes"
    classes = max(outputs.values()) + 1
    pretrained_config(name, display_path(source.folder / SETTINGS_FILE))
    label_set = assemble_nonempty(source, content)
    rows = sorted((*label_set.rows, *label_set.background))
    places = [outputs[source.rows[row].id] for row in rows]
    weight, bias = read_rows(name, weights_file(name, folder), places, classes)
    network, fingerprint = open_timm(name, folder)
    difference = try_rows(network, weight, bias, places)
    if difference > TOLERANCE:
        problem = f"the last layer of {ellipsize(name)} is not a weighted sum of its features"
        raise LabelSetError(
            Mistake(display_path(source.folder / SETTINGS_FILE), problem, "Use another network.")
        )
    figures = [
        f"The built file has {len(rows):,} of the network's {classes:,} classes: one for each "
        "label that is shown, and one for each background row.",
    ]
    provenance = [
        f"The built file has {weight.shape[1]:,} numbers for each class.",
        f"The whole network and the built file were compared on {TRIED} pictures of noise. Their "
        f"logits for these classes differ by at most {difference:.1g} of the largest logit.",
    ]
    tensors = {built_file.ROWS_TENSOR: torch.tensor(rows), "weight": weight, "bias": bias}
    return BuildResult(tensors, fingerprint, figures, provenance=provenance)


def read_rows(
    name: str, file: Path, places: Sequence[int], classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weights `(N, D)` and biases `(N,)` of N rows of the head, those at `places`.

    Both are float32. Only these rows of the weights are read from `file`. The biases are 0 if
    `file` contains none. Raises WeightsError if the file is damaged, if the network does not have
    exactly one head, or if the head does not have `classes` rows.
    """
    head = pretrained_config(name).classifier

    def wrong(
        problem: str, remedy: str = "Use another network, or another method."
    ) -> WeightsError:
        return WeightsError(Mistake(display_path(file), problem, remedy))

    if not isinstance(head, str):
        raise wrong(f"{ellipsize(name)} has no head, or more than one (expected one)")
    try:
        with safe_open(file, framework="pt") as opened:
            header = shapes(opened)
            if f"{head}.weight" not in header:
                network = ellipsize(name)
                raise wrong(f"the tensor '{head}.weight' is missing: {network} has no head")
            shape = header[f"{head}.weight"]
            if len(shape) < 2 or shape != [classes, shape[1], *[1] * len(shape[2:])]:
                raise wrong(f"'{head}.weight' has the shape {shape} (expected {classes:,} rows)")
            if header.get(f"{head}.bias", [classes]) != [classes]:
                seen = header[f"{head}.bias"]
                raise wrong(f"'{head}.bias' has the shape {seen} (expected {classes:,} numbers)")
            rows = opened.get_slice(f"{head}.weight")
            weight, bias = torch.zeros(len(places), shape[1]), torch.zeros(len(places))
            biases = opened.get_tensor(f"{head}.bias") if f"{head}.bias" in header else None
            for i, place in enumerate(places):
                weight[i] = rows[place].reshape(-1).float()
                if biases is not None:
                    bias[i] = biases[place]
    except (OSError, SafetensorError):
        remedy = f"Delete the file and run: {weights.fetch_command(name)}"
        raise wrong("the file is damaged", remedy) from None
    return weight, bias


@torch.inference_mode()
def try_rows(
    network: Any, weight: torch.Tensor, bias: torch.Tensor, places: Sequence[int]
) -> float:
    """Return the largest relative difference between logits that are computed in two ways.

    One way is to run the whole network. The other is to multiply its features by `weight` `(N, D)`
    and to add `bias` `(N,)`. These are the head's rows for the classes with the indices `places`.
    The difference is relative to the largest logit, or to 1 if that is larger. It is infinite if
    the shapes differ. The function removes the head of `network`.
    """
    channels, height, width = network.pretrained_cfg["input_size"]
    noise = torch.randn(TRIED, channels, height, width, generator=torch.Generator().manual_seed(0))
    whole = network(noise)
    if whole.ndim != 2:
        return float("inf")
    whole = whole[:, list(places)]
    network.reset_classifier(0)
    features = network(noise)
    if features.ndim != 2 or features.shape[1] != weight.shape[1]:
        return float("inf")
    own = torch.addmm(bias, features, weight.T)
    return float((own - whole).abs().max() / whole.abs().max().clamp(min=1))
