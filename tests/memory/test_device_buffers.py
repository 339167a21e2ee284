from __future__ import annotations

import pytest
import torch

from installation.memory.device_buffers import DeviceBuffers

CPU = torch.device("cpu")
META = torch.device("meta")
"""A device whose tensors have shapes and no memory; every machine has it."""


def check_forgetting(device: torch.device) -> None:
    """Assert that a tensor that had to grow, one in use and the host are zeroed."""
    buffers = DeviceBuffers(device)
    outgrown = buffers.take("batch", 2, 3)
    outgrown.fill_(200)
    batch, canvas = buffers.take("batch", 20, 3), buffers.host.take("canvas", (4, 4, 3))
    assert not outgrown.any()
    batch.fill_(200)
    canvas.fill(200)
    buffers.take("batch", 1, 1)
    buffers.forget()
    assert not batch.any()
    assert not canvas.any()


def test_forgetting_reaches_host_and_tensors_whatever_their_size() -> None:
    """After a reading nothing of a crop is in any memory, nor in what had to grow."""
    check_forgetting(CPU)


@pytest.mark.gpu
def test_forgetting_reaches_the_graphics_card() -> None:
    """Crops on a graphics card are zeroed as those in main memory are."""
    if not torch.cuda.is_available():
        pytest.skip("there is no graphics card by NVIDIA")
    check_forgetting(torch.device("cuda"))


@pytest.mark.parametrize("device", [CPU, META], ids=str)
def test_a_tensor_is_float32_of_the_shape_that_is_taken(device: torch.device) -> None:
    """A tensor grows with the number of visitors, and a smaller batch is a part of it."""
    buffers = DeviceBuffers(device)
    for count in (1, 8, 2):
        batch = buffers.take("batch", count, 3, 4, 4)
        assert batch.shape == (count, 3, 4, 4)
        assert batch.dtype == torch.float32
        assert batch.device == device
        assert batch.is_contiguous()


def test_on_the_cpu_tensors_are_allocated_once() -> None:
    """A smaller batch lies where the larger one lay, and nothing new is allocated for it."""
    buffers = DeviceBuffers(CPU)
    assert buffers.take("batch", 8, 3).data_ptr() == buffers.take("batch", 2, 3).data_ptr()
