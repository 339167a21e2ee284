"""Finds the ids of a network's outputs from the network's name, before the network is opened.

This module imports neither torch nor timm, so that `kiosk check` is fast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from installation.naming.lists import imagenet
from installation.naming.lists.weights import LITE

MOST_OUTPUTS = 100_000
"""The largest number of outputs of a label set's own network; ImageNet-21k has 21,843 classes."""

LITE_CLASSES = "imagenet_synsets.txt"
"""The name of timm's list of the default network's classes."""

TRAINED_ON = re.compile(r"in(1k|12k|21k|22k)(?![a-z0-9])")
"""Matches the variant of ImageNet that a network was trained on, in timm's name for the network;
the last match counts.
"""

HEADS: Mapping[tuple[str, str], str] = {
    ("1k", ""): "imagenet_synsets.txt",  # 1,000
    ("12k", ""): "imagenet12k_synsets.txt",  # 11,821
    ("21k", ""): "imagenet21k_goog_synsets.txt",  # 21,843, two more than ImageNet's release
    ("21k", "miil"): "imagenet21k_miil_synsets.txt",  # 11,221
    ("22k", ""): "imagenet22k_synsets.txt",  # 21,841
    ("22k", "focalnet_"): "imagenet22k_ms_synsets.txt",  # 21,842, ImageNet-1k's classes first
}
"""The names of timm's class lists. The first part of a key is a variant of ImageNet. A variant may
have several lists, because its networks may have different classes, or the same classes in another
order. The second part of a key is a text that a network's name must contain; "" is in every name.
If several lists remain, the one with the longest text is used. `infer_imagenet_subset` of timm 1.0
chooses in the same way.
"""


@cache
def outputs(encoder: str) -> Mapping[str, int] | None:
    """Return the indices of a network's outputs, keyed by id.

    Each output has two ids: its WordNet id, and its index as text. The result is None if the
    outputs cannot be determined from the network's name.
    """
    known = classes(encoder)
    if not known:
        return None
    by_index = {str(i): i for i in range(len(known))}
    return by_index | {id_: i for i, id_ in enumerate(known)}


@cache
def numbered_outputs() -> Mapping[str, int]:
    """Return a mapping of `MOST_OUTPUTS` indices, in which "0" is 0, "1" is 1, and so on."""
    return {str(i): i for i in range(MOST_OUTPUTS)}


def classes(encoder: str) -> tuple[str, ...]:
    """Return the WordNet ids of a network's outputs in their order; empty if they are not known."""
    file = LITE_CLASSES if encoder == LITE else find_head(encoder)
    return imagenet.synsets(file) if file else ()


def find_head(encoder: str) -> str | None:
    """Return the name of timm's list of a network's classes; None if it is not known."""
    _, _, trained = encoder.partition(".")
    found = TRAINED_ON.findall(trained)
    if not found:
        return None
    kept = [(part, file) for (trained, part), file in HEADS.items() if trained == found[-1]]
    return max((len(part), file) for part, file in kept if part in encoder)[1]
