from __future__ import annotations

import numpy as np
import pytest
import torch

from installation.naming.networks.encoder import MAX_BATCH
from installation.naming.networks.torch_network import TorchNetwork


class Doubling(torch.nn.Module):
    """A network that records the sizes of its batches, and whether one is all zero."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[int, bool]] = []

    def forward(self, part: torch.Tensor) -> torch.Tensor:
        """Return `(N, 3)` in half precision."""
        self.parts.append((len(part), not part.any()))
        return 2 * part[:, :, 0, 0].half()


def noise(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return a batch of pixels that half precision represents exactly."""
    return np.arange(1, 3 * count + 1, dtype=np.float32).reshape(count, 3, 1, 1)


@pytest.mark.parametrize("count", [0, 1, MAX_BATCH, 2 * MAX_BATCH + 1])
def test_a_batch_goes_through_the_network_in_parts(count: int) -> None:
    """No part has more than `MAX_BATCH` crops, rows keep their order, and no crops give no rows."""
    network = Doubling()
    output = TorchNetwork(network, "cpu").run(noise(count), 3)
    assert output.dtype == np.float32
    assert np.array_equal(output, 2 * noise(count)[:, :, 0, 0])
    parts = [size for size, _ in network.parts]
    assert sum(parts) == count
    assert max(parts, default=0) <= MAX_BATCH


def test_forgetting_runs_the_network_on_zeros_of_the_largest_part() -> None:
    """A run on zeros overwrites PyTorch's data of earlier batches; a second call does nothing."""
    network = Doubling()
    runner = TorchNetwork(network, "cpu")
    for count in (3, 1, 2):
        runner.run(noise(count), 3)
    runner.forget()
    runner.forget()
    assert network.parts == [(3, False), (1, False), (2, False), (3, True)]
