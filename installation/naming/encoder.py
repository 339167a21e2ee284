"""What looks at crops: the Protocol."""

from __future__ import annotations

from typing import Protocol

import torch


class Encoder(Protocol):
    """A network that turns pictures into numbers that a label set can read."""

    name: str
    size: int
    """Side of the square crops it takes, px."""
    width: int
    """Numbers it gives for each crop, D."""
    fingerprint: str
    """SHA-256 of its weights; a built label set records the one it was built for."""
    device: torch.device

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        """Return what the network says of each crop, `(N, width)` float32 on `device`.

        `batch` is `(N, 3, size, size)` float32 on `device`, as `crops.cut` makes it.
        """
        ...
