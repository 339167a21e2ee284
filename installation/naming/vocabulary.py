"""What a network can say: the ids of its outputs, where they are known before it is opened.

Nothing here imports torch or timm, so that `kiosk check` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from installation.naming import imagenet

READ_AS_THEY_ARE = {("classes", "efficientnet_lite0"), ("onnx", "")}
"""Methods with their encoders whose outputs are the labels, so that nothing is built."""

MOST_OUTPUTS = 100_000
"""Of a set's own network; five times ImageNet's 21,843."""

HEADS = {"in21k": "imagenet21k_goog_synsets.txt", "in22k": "imagenet22k_synsets.txt"}
"""timm's list of classes by what the name of a network ends in."""


@cache
def outputs(method: str, encoder: str) -> Mapping[str, int] | None:
    """Return the place of each output by its id: a WordNet id, or its index.

    None where the labels are no outputs of the network, or are not known from its name alone.
    """
    if method == "onnx":
        return {str(i): i for i in range(MOST_OUTPUTS)}
    if method != "classes":
        return None
    if encoder == "efficientnet_lite0":
        synsets = imagenet.classes()
    else:
        head = next((file for end, file in HEADS.items() if end in encoder), None)
        if head is None:
            return None
        synsets = imagenet.synsets(head)
    by_index = {str(i): i for i in range(len(synsets))}
    return by_index | {id_: i for i, id_ in enumerate(synsets)}
