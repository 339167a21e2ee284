from __future__ import annotations

import pytest
import torch

from installation.errors import SettingsError
from installation.naming.networks.device import choose_device


def test_the_cpu_is_always_there() -> None:
    """`device: cpu` is taken everywhere, and the sentence says so."""
    device, sentence = choose_device("cpu")
    assert device == torch.device("cpu")
    assert sentence == "device: the CPU."


def test_auto_takes_the_best_there_is() -> None:
    """`device: auto` prefers CUDA, then MPS, and says why where it is the CPU."""
    device, sentence = choose_device("auto")
    if torch.cuda.is_available():
        assert device.type == "cuda"
    elif torch.backends.mps.is_available():
        assert device.type == "mps"
    else:
        assert device.type == "cpu"
        assert sentence.endswith(", as no GPU was found.")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_gpu_that_is_not_there_is_an_error() -> None:
    """Asking for CUDA where there is none names the remedy; nothing falls back silently."""
    with pytest.raises(SettingsError) as caught:
        choose_device("cuda")
    assert "device is 'cuda', but this machine has none that works" in str(caught.value)
    assert "Write `device: auto`" in str(caught.value)
