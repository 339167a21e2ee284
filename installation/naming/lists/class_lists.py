"""What a network can say: the ids of its outputs, where they are known before it is opened.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from installation.naming.lists import imagenet

READ_AS_THEY_ARE = {("classes", "efficientnet_lite0"), ("onnx", "")}
"""Methods with their encoders whose outputs are the labels, so that nothing is built."""

MOST_OUTPUTS = 100_000
"""Of a set's own network; five times ImageNet's 21,843."""

TRAINED_ON = re.compile(r"in(1k|12k|21k|22k)(?![a-z0-9])")
"""In the name of one of timm's networks: the ImageNet it was trained on; the last one counts."""

HEADS: Mapping[tuple[str, str], str] = {
    ("1k", ""): "imagenet_synsets.txt",  # 1,000
    ("12k", ""): "imagenet12k_synsets.txt",  # 11,821
    ("21k", ""): "imagenet21k_goog_synsets.txt",  # 21,843, two more than ImageNet's release
    ("21k", "miil"): "imagenet21k_miil_synsets.txt",  # 11,221
    ("22k", ""): "imagenet22k_synsets.txt",  # 21,841
    ("22k", "focalnet_"): "imagenet22k_ms_synsets.txt",  # 21,842, ImageNet-1k's classes first
}
"""timm's lists of classes: by the ImageNet, and by a part of the name where that tells which of two
orders; a longer one goes before "". So timm 1.0 has it (`infer_imagenet_subset`)."""


@cache
def outputs(method: str, encoder: str) -> Mapping[str, int] | None:
    """Return the place of each output by its id: a WordNet id, or its index.

    None where the labels are no outputs of the network, or are not known from its name alone.
    """
    if method == "onnx":
        return {str(i): i for i in range(MOST_OUTPUTS)}
    known = classes(method, encoder)
    if not known:
        return None
    by_index = {str(i): i for i in range(len(known))}
    return by_index | {id_: i for i, id_ in enumerate(known)}


def classes(method: str, encoder: str) -> tuple[str, ...]:
    """Return the WordNet ids of the outputs in their order; none where they are not known."""
    if method != "classes":
        return ()
    head = "imagenet_synsets.txt" if encoder == "efficientnet_lite0" else find_head(encoder)
    return imagenet.synsets(head) if head else ()


def find_head(encoder: str) -> str | None:
    """Return timm's list of the classes of its network `encoder`; None where no name tells it."""
    _, _, trained = encoder.partition(".")
    found = TRAINED_ON.findall(trained)
    if not found:
        return None
    kept = [(part, file) for (of, part), file in HEADS.items() if of == found[-1]]
    return max((len(part), file) for part, file in kept if part in encoder)[1]
