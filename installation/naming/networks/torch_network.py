"""Runs networks with PyTorch; inputs and outputs are NumPy arrays.

The default show does not need PyTorch. PyTorch runs fetched networks, networks from Hugging Face in
a label set's folder, and the default network on a graphics card. On NVIDIA's cards PyTorch computes
in half precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from installation.memory.onnx_session import network_threads
from installation.naming.networks.encoder import MAX_BATCH, Batch, Encoded

if TYPE_CHECKING:
    from installation.naming.networks.device import Device


class TorchEncoder:
    """The common part of encoders that use PyTorch.

    The constructor of each encoder sets `network`, which the encoder runs.
    """

    library = "PyTorch"
    width: int
    network: TorchNetwork

    def finish(self, output: torch.Tensor) -> torch.Tensor:
        """Return the encoder's result for the network's output `(N, width)`.

        By default this is the output itself.
        """
        return output

    def encode(self, batch: Batch) -> Encoded:
        """Return the network's output for each crop, `(N, width)` float32.

        `batch` is `(N, 3, size, size)` float32, normalised by the encoder's `input`.
        """
        return self.network.run(batch, self.width, self.finish)

    def forget(self) -> None:
        """Overwrite the data of earlier batches in PyTorch's memory."""
        self.network.forget()


class TorchNetwork:
    """Runs a network of PyTorch on a device, `MAX_BATCH` crops at a time."""

    def __init__(
        self,
        network: torch.nn.Module,
        device: Device,
        forward: Callable[[torch.Tensor], torch.Tensor] | None = None,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        """Move `network` to `device`.

        `forward` (by default the network itself) computes the output. `memory_format` is the layout
        of tensors in memory; it affects the speed on a CPU.
        """
        self._device = torch.device(device)
        self.dtype = torch.float16 if device == "cuda" else torch.float32
        self._format = memory_format
        self.module = network.to(self._device, self.dtype).to(memory_format=memory_format)
        self.module.eval().requires_grad_(False)
        self.forward = forward or self.module
        self._largest: tuple[int, ...] = ()
        """The shape of the largest batch in one run of the network since `forget` was called."""

    @torch.inference_mode()
    def run(
        self,
        batch: Batch,
        width: int,
        finish: Callable[[torch.Tensor], torch.Tensor] = lambda output: output,
    ) -> Encoded:
        """Return the results of `finish` for the network's output, `(N, width)` float32.

        `batch` is `(N, C, H, W)`.
        """
        encoded = [np.empty((0, width), np.float32)]
        for start in range(0, len(batch), MAX_BATCH):
            part = batch[start : start + MAX_BATCH]
            self._largest = max(self._largest, part.shape)
            given = torch.from_numpy(part).to(self._device, self.dtype, memory_format=self._format)
            encoded.append(finish(self.forward(given).float()).cpu().numpy())
            if self._device.type != "cpu":
                given.zero_()
        return np.concatenate(encoded[1:] or encoded)

    def forget(self) -> None:
        """Overwrite the data of earlier batches in PyTorch's memory, by running on zeros.

        Does nothing if nothing was run since the last call.
        """
        if self._largest:
            self.run(np.zeros(self._largest, np.float32), 0)
            self._largest = ()


def limit_threads() -> None:
    """Limit PyTorch to the number of threads that the show reserves for networks."""
    torch.set_num_threads(network_threads())
