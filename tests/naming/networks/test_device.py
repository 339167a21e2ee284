from __future__ import annotations

import pytest
import torch

from installation.errors import SettingsError
from installation.naming.networks.device import choose_device


def test_the_cpu_always_works() -> None:
    """`device: cpu` works on every machine, and the description names it."""
    device, description = choose_device("cpu")
    assert device == torch.device("cpu")
    assert description == "the CPU"


def test_auto_takes_the_fastest_device() -> None:
    """`device: auto` prefers CUDA, then MPS, and gives a reason for the CPU."""
    device, description = choose_device("auto")
    if torch.cuda.is_available():
        assert device.type == "cuda"
    elif torch.backends.mps.is_available():
        assert device.type == "mps"
    else:
        assert device.type == "cpu"
        assert description.endswith(", as no GPU was found")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_an_error() -> None:
    """`device: cuda` without CUDA is an error with a remedy; the CPU is not taken silently."""
    with pytest.raises(SettingsError) as caught:
        choose_device("cuda")
    assert "device is 'cuda', which does not work on this machine" in str(caught.value)
    assert "Write `device: auto`" in str(caught.value)
