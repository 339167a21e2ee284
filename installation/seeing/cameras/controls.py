"""Lists and sets the controls of a camera: mains frequency, focus, exposure, white balance.

This module uses the names that `v4l2-ctl --list-ctrls` prints. OpenCV is not used for this: it
knows only a few controls, by numbers of its own, and does not report which of them a camera has.
The kernel's `linux/videodev2.h` defines the layouts.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from installation.errors import CameraError, Mistake, did_you_mean, nearest
from installation.guarding.video_outputs import Ioctl, ioctl_of_kernel
from installation.seeing.cameras.v4l import open_node

QUERYCTRL, GET_CONTROL, SET_CONTROL = 0xC0445624, 0xC008561B, 0xC008561C

_DESCRIPTION = struct.Struct("=II32siiiiI8x")
_VALUE = struct.Struct("=Ii")
_NEXT = 0x80000000
_DISABLED, _READ_ONLY = 0x1, 0x4
_NUMBERS = (1, 2, 3, 9)
"""The control types whose value is a number: integer, boolean, and the two kinds of menu."""

MAX_CONTROLS = 256

MEANINGS = {
    ("power_line_frequency", 50): "Write 1, which means 50 Hz.",
    ("power_line_frequency", 60): "Write 2, which means 60 Hz.",
}
"""The remedies for wrong values: this control takes the number of a menu item, but people write the
frequency in Hz. The items are defined in `linux/v4l2-controls.h`.
"""


@dataclass(frozen=True)
class Control:
    """One control: its name, number, range, and current value."""

    name: str
    id: int
    minimum: int
    maximum: int
    default: int
    value: int

    def __str__(self) -> str:
        return (
            f"{self.name} {self.minimum}–{self.maximum}, now {self.value} (default {self.default})"
        )


def list_controls(node: Path, ioctl: Ioctl = ioctl_of_kernel) -> list[Control]:
    """Return the controls of the camera at `node` that can be set. Raises OSError."""
    file = open_node(node)
    try:
        return list(_controls(file, ioctl))
    finally:
        os.close(file)


def set_controls(
    node: Path, values: Mapping[str, int], where: str, ioctl: Ioctl = ioctl_of_kernel
) -> None:
    """Set the controls of the camera at `node` to `values`, in the order of `values`.

    Raises CameraError with every mistake: names that the camera does not have, values outside the
    range, and values that the camera rejects. If the camera sets a control automatically, such as
    the focus, `values` must turn the automatic mode off first. Messages name `where`, the location
    of the settings.
    """
    file = open_node(node)
    try:
        known = {control.name: control for control in _controls(file, ioctl)}
        mistakes = [
            mistake
            for name, value in values.items()
            if (mistake := _set(file, known, name, value, where, ioctl))
        ]
    finally:
        os.close(file)
    if mistakes:
        raise CameraError(*mistakes)


def _set(
    file: int, known: Mapping[str, Control], name: str, value: int, where: str, ioctl: Ioctl
) -> Mistake | None:
    """Set the control `name` to `value`; return a `Mistake` that says why if it cannot be set.

    `file` is the open camera, `known` are its controls, and `where` is the setting's location.
    """
    control = known.get(name)
    if control is None:
        names = ", ".join(known) or "none"
        guess = (
            did_you_mean(nearest(name, known))
            or "`kiosk cameras` lists a camera's controls, with their ranges."
        )
        return Mistake(where, f"this camera has no control '{name}' (it has {names})", guess)
    allowed = f"{control.minimum} to {control.maximum}"
    if not control.minimum <= value <= control.maximum:
        remedy = MEANINGS.get((name, value), "Change it.")
        return Mistake(where, f"{name} is {value} (expected {allowed})", remedy)
    try:
        ioctl(file, SET_CONTROL, bytearray(_VALUE.pack(control.id, value)))
    except OSError as error:
        return Mistake(
            where,
            f"the camera rejects {name}: {value} ({error.strerror})",
            f"If the camera sets {name} automatically, turn that off in a line above this one.",
        )
    return None


def _controls(file: int, ioctl: Ioctl) -> Iterator[Control]:
    number = 0
    for _ in range(MAX_CONTROLS):
        buffer = bytearray(_DESCRIPTION.size)
        struct.pack_into("=I", buffer, 0, number | _NEXT)
        try:
            ioctl(file, QUERYCTRL, buffer)
        except OSError:
            return
        number, kind, name, minimum, maximum, _, default, flags = _DESCRIPTION.unpack(buffer)
        if kind not in _NUMBERS or flags & (_DISABLED | _READ_ONLY):
            continue
        value = bytearray(_VALUE.pack(number, default))
        try:
            ioctl(file, GET_CONTROL, value)
        except OSError:
            continue
        text = name.split(b"\0", 1)[0].decode("utf-8", "replace")
        plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
        yield Control(plain, number, minimum, maximum, default, _VALUE.unpack(value)[1])
