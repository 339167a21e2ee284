"""The Protocol of the networks that turn crops into numbers, and the format of their input."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Channels = tuple[float, float, float]

Batch = npt.NDArray[np.float32]
"""A batch of crops from `crops.cut`, `(N, 3, size, size)` float32."""

Encoded = npt.NDArray[np.float32]
"""A network's output for each crop, `(N, width)` float32."""

MAX_BATCH = 8
"""The largest number of crops that a network encodes at once; larger batches are not faster on a
CPU.
"""


@dataclass(frozen=True)
class Input:
    """The format of a network's input pictures, the same as in its training.

    `size` is the side of a square, px. `mean` and `std` have a number per channel: a pixel
    `x` of 0–255 reaches the network as `(x / 255 − mean) / std`.
    """

    size: int
    mean: Channels
    std: Channels
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    assumed: tuple[str, ...] = ()
    """Which of `mean` and `std` have default values, because no file of the set states them."""


class Encoder(Protocol):
    """A network that turns crops into numbers, which a label set's scorer turns into scores."""

    name: str
    library: str
    """The library that runs the network, as shown to people."""
    input: Input
    width: int
    """The number of values in the output for each crop."""
    fingerprint: str
    """The SHA-256 of the network's weights; the built file of a label set records it."""

    def encode(self, batch: Batch) -> Encoded:
        """Return the network's output for each crop, `(N, width)` float32.

        `batch` is `(N, 3, size, size)` float32, as `crops.cut` makes it.
        """
        ...

    def forget(self) -> None:
        """Overwrite the data of earlier batches that the network's library still holds."""
        ...


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a file of weights; raises OSError if it cannot be read."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
