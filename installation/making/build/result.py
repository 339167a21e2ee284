"""What a method makes of a label set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from installation.naming.label_set.label_set import LabelSetSource


@dataclass(frozen=True)
class Made:
    """What a method makes of a label set.

    `tensors` are what the built file holds, with a row for each of labels.csv where they belong to
    labels, or for those that `built.ROWS` tells. `encoder` is the SHA-256 of the network's weights;
    `figures` are sentences for people, which the card keeps, and `asides` those for whoever builds,
    which nothing keeps. `pictures` is the fingerprint of an artist's pictures, where the tensors
    are made from any.
    """

    tensors: Mapping[str, torch.Tensor]
    encoder: str
    figures: Sequence[str]
    asides: Sequence[str] = ()
    pictures: str = ""


Make = Callable[[LabelSetSource], Made]
"""A method's way of building. Raises LabelSetError and WeightsError."""
