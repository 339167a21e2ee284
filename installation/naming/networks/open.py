"""From what a label set says to the network that looks for it."""

from __future__ import annotations

import torch

from installation.errors import display_path
from installation.naming.label_set.folder import SETTINGS_FILE
from installation.naming.label_set.label_set import LabelSet
from installation.naming.lists import weights
from installation.naming.lists.weights import CLIP, LITE
from installation.naming.networks.efficientnet import EfficientNetLite0
from installation.naming.networks.encoder import Encoder


def open_encoder(label_set: LabelSet, device: torch.device) -> Encoder:
    """Return the network that `label_set` looks through, on `device`, warmed up.

    It gives logits where the labels are classes of its own or are made from them, and features
    elsewhere. Raises WeightsError where its weights are missing or not the ones that were pinned,
    and LabelSetError where the set's own network does not fit.
    """
    encoder: Encoder
    if label_set.settings.method.brings_network:
        from installation.naming.networks.own_network import open_network

        encoder = open_network(label_set, device)
    elif label_set.encoder == LITE:
        encoder = EfficientNetLite0(device, output=label_set.settings.method.encoder_output)
    elif label_set.encoder == CLIP:
        from installation.naming.networks.clip import Clip

        encoder = Clip(device, weights.weights_file(CLIP, label_set.weights_folder))
    else:
        from installation.naming.networks.timm_network import TimmFeatures

        where = display_path(label_set.folder / SETTINGS_FILE)
        encoder = TimmFeatures(label_set.encoder, device, label_set.weights_folder, where)
    side = encoder.input.size
    encoder.encode(torch.zeros(1, 3, side, side, device=encoder.device))
    return encoder
