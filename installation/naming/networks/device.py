"""Chooses the processor that networks run on.

PyTorch, which takes seconds to import, is imported only on a machine that has a graphics card.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from installation.errors import Mistake, SettingsError
from installation.settings.packages import has_all_packages, require_all_packages

Device = Literal["cuda", "mps", "cpu"]
"""A processor that networks can run on."""

DeviceName = Literal["auto", "cuda", "mps", "cpu"]


def choose_device(name: DeviceName, *, where: str = "kiosk.yaml") -> tuple[Device, str]:
    """Return the device for `name` and the device's description.

    `auto` prefers CUDA, then Apple's MPS, then the CPU. If `auto` gives the CPU, the description
    also says why no GPU is used. Raises SettingsError if `name` is a device
    that this machine does not have; `where` names the file or option that contains the setting.
    """
    if name == "cpu":
        return "cpu", _describe("cpu")
    if name != "auto":
        require_all_packages(where, f"device: {name}")
    found = _find_devices()
    if name == "auto":
        chosen = found[0]
        why = "" if chosen != "cpu" else _why_no_gpu()
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
    return chosen, f"{_describe(chosen)}{why}"


def _why_no_gpu() -> str:
    """Return why no GPU is used, as words to append to the description of the CPU."""
    reason = why_no_cuda()
    return ", as no GPU was found" if reason is None else f": {reason}"


def has_nvidia_card(root: Path = Path("/")) -> bool:
    """Return whether the machine with the file system `root` has an NVIDIA graphics card on PCI.

    `scripts/setup` uses the same test.
    """
    return any(
        _content(device / "vendor") == "0x10de" and _content(device / "class")[:4] == "0x03"
        for device in (root / "sys/bus/pci/devices").glob("*")
    )


def why_no_cuda(root: Path = Path("/"), cuda: str | None = "") -> str | None:
    """Return why an NVIDIA card of the machine at `root` cannot be used; None if it has no card.

    `cuda` is the version of CUDA that PyTorch was built for; None if it was built without CUDA. By
    default, the installed PyTorch is asked.
    """
    if not has_nvidia_card(root):
        return None
    if cuda == "" and not has_all_packages():
        return "PyTorch, which the NVIDIA card needs, is not installed (run scripts/setup --all)"
    if cuda == "":
        import torch

        cuda = torch.version.cuda
    if cuda is None:
        return "this PyTorch was built without CUDA, which the NVIDIA card needs"
    if not (root / "dev/nvidiactl").exists():
        for free in ("nouveau", "nova_drm"):
            if (root / "sys/module" / free).exists():
                return (
                    f"the NVIDIA card uses the driver {free}, which has no CUDA (install NVIDIA's "
                    "own driver, and restart)"
                )
        return "the driver of the NVIDIA card is not loaded (run sudo nvidia-modprobe)"
    if not (root / "dev/nvidia-uvm").exists():
        return (
            "/dev/nvidia-uvm, which the NVIDIA card needs, is missing (run sudo nvidia-modprobe "
            "-u -c=0)"
        )
    return (
        "the driver of the NVIDIA card does not start CUDA (see nvidia-smi; after an update of the "
        "driver, restart)"
    )


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _find_devices() -> list[Device]:
    """Return the devices that work, the fastest first."""
    found: list[Device] = []
    if (has_nvidia_card() or sys.platform != "linux") and has_all_packages():
        import torch

        found += ["cuda"] if torch.cuda.is_available() else []
        found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, "cpu"]


def _describe(kind: Device) -> str:
    if kind == "cuda":
        import torch

        return f"the GPU {torch.cuda.get_device_name()}"
    if kind == "mps":
        return "Apple's GPU (MPS)"
    return "the CPU"
