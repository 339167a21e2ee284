"""Tensors in which a network's input is computed; each is allocated once and zeroed after use.

This is a separate module because it imports torch: the import takes seconds, and the first scene
must be painted earlier.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from installation.memory.buffers import Buffers


class DeviceBuffers:
    """Named tensors on one device, and the buffers in main memory that fill them, `host`.

    If the device is the CPU, the tensors too are stored in `host`, on locked pages. For one thread.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.host = Buffers()
        self._tensors: dict[str, torch.Tensor] = {}

    def __repr__(self) -> str:
        return f"<DeviceBuffers on {self.device}, {', '.join(self._tensors) or 'none'}>"

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """Return the float32 tensor `name` for the caller to overwrite; it may hold old data.

        The tensor is valid until `name` is taken again. Its memory grows to the largest shape
        taken.
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
        """Zero all buffers, in main memory and on the device."""
        self.host.forget()
        for tensor in self._tensors.values():
            tensor.zero_()
