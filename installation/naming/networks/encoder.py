"""The encoder: the part that turns crops into numbers, and the pictures that it takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch

Channels = tuple[float, float, float]

BATCH = 8
"""Crops that go through a network together; larger batches are not faster on a CPU."""


@dataclass(frozen=True)
class Input:
    """The pictures that a network takes, in the form in which it was trained.

    `size` is the side of a square, px. `mean` and `std` are per channel, of values in 0–1: a pixel
    `x` of 0–255 reaches the network as `(x / 255 − mean) / std`.
    """

    size: int
    mean: Channels
    std: Channels
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"


class Encoder(Protocol):
    """A network that turns crops into numbers that a label set's scorer can read."""

    name: str
    input: Input
    width: int
    """Numbers in the output for each crop, D."""
    fingerprint: str
    """The SHA-256 of its weights; a built label set records the one that it was built for."""
    device: torch.device

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the network's output for each crop, `(N, width)` float32 on `device`.

        `batch` is `(N, 3, size, size)` float32 on `device`, as `crops.cut` makes it.
        """
        ...


def in_parts(
    network: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor, width: int
) -> torch.Tensor:
    """Return the output of `network` for `batch`, `(N, width)` float32, `BATCH` crops at a time."""
    if not len(batch):
        return torch.empty(0, width, device=batch.device)
    return torch.cat([network(part).float() for part in torch.split(batch, BATCH)])


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a file of weights; raises OSError if it cannot be read."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
