"""Tensors that a network's input is computed in: each is allocated once and zeroed after use.

A module of its own, because it imports torch: that takes seconds, and the first scene is painted
before.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from installation.memory.buffers import Buffers


class DeviceBuffers:
    """Tensors by name on one device, and `host`, the memory that they are filled from.

    On the CPU the tensors live in `host` too, on its locked pages. For one thread.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.host = Buffers()
        self._tensors: dict[str, torch.Tensor] = {}

    def __repr__(self) -> str:
        return f"<DeviceBuffers on {self.device}, {', '.join(self._tensors) or 'none'}>"

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """Return the tensor `name`, float32 of `shape`, to be written to; its content is old.

        It is valid until the same name is taken again. Its memory grows to the largest shape that
        is taken.
        """
        if self.device.type == "cpu":
            return torch.from_numpy(self.host.take(name, shape, np.float32))
        size = math.prod(shape)
        tensor = self._tensors.get(name)
        if tensor is None or tensor.numel() < size:
            if tensor is not None:
                tensor.zero_()
            tensor = self._tensors[name] = torch.zeros(size, device=self.device)
        return tensor[:size].view(shape)

    def forget(self) -> None:
        """Zero everything, on the host and on the device."""
        self.host.forget()
        for tensor in self._tensors.values():
            tensor.zero_()
