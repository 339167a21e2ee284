"""The processor that networks run on."""

from __future__ import annotations

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
        why = "" if chosen != "cpu" else ", as no GPU was found"
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
