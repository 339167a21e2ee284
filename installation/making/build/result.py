"""The result of building a label set, and the type of the functions that build one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from installation.naming.label_set.label_set import LabelSetSource
from installation.settings.kiosk import ContentSettings


@dataclass(frozen=True)
class BuildResult:
    """The tensors of a label set, and sentences about them.

    `tensors` are the built file's tensors. A tensor with values for each label has a row for each
    row of labels.csv, or only for the rows in the tensor `built_file.ROWS_TENSOR`. `encoder` is
    the SHA-256 of the network's weights. `figures` are sentences with numbers, for the person who
    builds and for the set's card.md. `notes` are sentences for the person who builds, and are not
    stored. `provenance` are sentences for card.md only, about how the numbers were made. `pictures`
    is the fingerprint of the artist's pictures, empty if there are none.
    """

    tensors: Mapping[str, torch.Tensor]
    encoder: str
    figures: Sequence[str]
    notes: Sequence[str] = ()
    pictures: str = ""
    provenance: Sequence[str] = ()


Builder = Callable[[LabelSetSource, ContentSettings], BuildResult]
"""A function that builds the label sets of a method.

It uses all rows, including hidden ones, unless the method keeps only the rows that the content
settings show. Raises LabelSetError or WeightsError.
"""
