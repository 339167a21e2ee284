"""Tests of the graphics card: if it is not used, the reason is said.

Its driver is missing, another driver has it, a device of it is not made at boot, PyTorch has no
CUDA, or a card was passed to another machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from installation.errors import SettingsError
from installation.naming.networks import device as device_module
from installation.naming.networks.device import choose_device, why_no_cuda


def test_the_cpu_always_works() -> None:
    """`device: cpu` works on every machine, and the description names it."""
    device, description = choose_device("cpu")
    assert device == "cpu"
    assert description == "the CPU"


def test_auto_takes_the_fastest_device() -> None:
    """`device: auto` prefers CUDA, then MPS, and gives a reason for the CPU."""
    device, description = choose_device("auto")
    if torch.cuda.is_available():
        assert device == "cuda"
    elif torch.backends.mps.is_available():
        assert device == "mps"
    else:
        assert device == "cpu"
        assert description.endswith(", as no GPU was found") == (why_no_cuda() is None)


def test_the_description_says_why_the_card_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `device: auto` the CPU's description ends with the reason, in a whole sentence."""
    monkeypatch.setattr(device_module, "_find_devices", lambda: ["cpu"])
    monkeypatch.setattr(device_module, "why_no_cuda", lambda: "there is a card, but no driver")
    assert choose_device("auto") == ("cpu", "the CPU: there is a card, but no driver")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_an_error() -> None:
    """`device: cuda` without CUDA is an error with a remedy; the CPU is not used silently."""
    with pytest.raises(SettingsError) as caught:
        choose_device("cuda")
    assert "device is 'cuda', which does not work on this machine" in str(caught.value)
    assert "Write `device: auto`" in str(caught.value)


@pytest.mark.parametrize(
    ("class_", "devices", "cuda", "words"),
    [
        ("0x030000", ["nvidiactl", "nvidia0"], "12.8", "/dev/nvidia-uvm, which"),
        ("0x030200", [], "12.8", "driver of the NVIDIA card is not loaded"),
        ("0x030000", ["nvidiactl", "nvidia-uvm"], "12.8", "does not start CUDA"),
        ("0x030000", ["nvidiactl", "nvidia-uvm"], None, "built without CUDA"),
        ("0x040300", [], "12.8", None),  # the sound of a card that was passed to another machine
    ],
)
def test_a_card_that_is_not_used_has_a_reason(
    class_: str, devices: list[str], cuda: str | None, words: str | None, tmp_path: Path
) -> None:
    """If the venue's card is not used, the show gives a reason."""
    card = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "vendor").write_text("0x10de\n")
    (card / "class").write_text(f"{class_}\n")
    (tmp_path / "dev").mkdir()
    for name in devices:
        (tmp_path / "dev" / name).touch()
    reason = why_no_cuda(tmp_path, cuda)
    assert (words in reason) if words and reason else reason is words


@pytest.mark.parametrize("driver", ["nouveau", "nova_drm"])
def test_a_card_with_a_driver_without_cuda_is_named(driver: str, tmp_path: Path) -> None:
    """The reason names a driver that prevents CUDA, such as nouveau.

    No command can load NVIDIA's driver then.
    """
    card = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "vendor").write_text("0x10de\n")
    (card / "class").write_text("0x030000\n")
    (tmp_path / "sys/module" / driver).mkdir(parents=True)
    reason = why_no_cuda(tmp_path, "12.8")
    assert reason is not None
    assert f"uses the driver {driver}, which has no CUDA (install NVIDIA's own" in reason
