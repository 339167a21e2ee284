"""The processor that networks run on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from installation.errors import Mistake, SettingsError

DeviceName = Literal["auto", "cuda", "mps", "cpu"]


def choose_device(name: DeviceName, *, where: str = "kiosk.yaml") -> tuple[torch.device, str]:
    """Return the device for `name`, and a description of it, with the reason if it is a fallback.

    `auto` takes CUDA, then Apple's MPS, then the CPU. Raises SettingsError if another device is
    named and this machine does not have it; `where` is the place that names it.
    """
    found = [kind for kind in ("cuda", "mps", "cpu") if _available(kind)]
    if name == "auto":
        chosen = found[0]
        why = "" if chosen != "cpu" else f", {_why_no_gpu()}"
    elif name in found:
        chosen, why = name, ""
    else:
        raise SettingsError(
            Mistake(
                where,
                f"device is '{name}', which does not work on this machine "
                f"(expected auto, {', '.join(found)})",
                f"Write `device: auto`, or install the driver for {name}.",
            )
        )
    return torch.device(chosen), f"{_describe(chosen)}{why}"


def _why_no_gpu() -> str:
    reason = why_no_cuda()
    return "as no GPU was found" if reason is None else f"although {reason}"


def why_no_cuda(root: Path = Path("/"), cuda: str | None = torch.version.cuda) -> str | None:
    """Return why an NVIDIA card of the machine at `root` cannot be used; None if it has no card.

    `cuda` is the version of CUDA that PyTorch was built for.
    """
    cards = [
        device
        for device in (root / "sys/bus/pci/devices").glob("*")
        if _content(device / "vendor") == "0x10de" and _content(device / "class")[:4] == "0x03"
    ]
    if not cards:
        return None
    if cuda is None:
        return "there is an NVIDIA card: this PyTorch was built without CUDA"
    if not (root / "dev/nvidiactl").exists():
        return "there is an NVIDIA card: its driver is not loaded (sudo nvidia-modprobe)"
    if not (root / "dev/nvidia-uvm").exists():
        return "there is an NVIDIA card: /dev/nvidia-uvm is missing (sudo nvidia-modprobe -u -c=0)"
    return "there is an NVIDIA card: its driver does not start CUDA (nvidia-smi says more)"


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _available(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    return kind == "cpu" or torch.backends.mps.is_available()


def _describe(kind: str) -> str:
    if kind == "cuda":
        return f"the GPU {torch.cuda.get_device_name()}"
    if kind == "mps":
        return "Apple's GPU (MPS)"
    return "the CPU"
