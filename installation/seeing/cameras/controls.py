"""Lists and sets the controls of a camera by their numbers, through Video4Linux.

A control has a number (V4L2_CID_…), which is the same for every driver, and a name, which is not.
`named_controls` knows which numbers belong to the settings of kiosk.yaml; here all controls are
alike, and their names are those that `v4l2-ctl --list-ctrls` prints. OpenCV is not used for this:
it knows only a few controls, by numbers of its own, and does not report which of them a camera has.
The kernel's `linux/videodev2.h` defines the layouts.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from installation.guarding.video_outputs import Ioctl, ioctl_of_kernel
from installation.seeing.cameras.v4l import open_node

QUERYCTRL, GET_CONTROL, SET_CONTROL = 0xC0445624, 0xC008561B, 0xC008561C
QUERYMENU = 0xC02C5625

_DESCRIPTION = struct.Struct("=II32siiiiI8x")
_Description = tuple[int, int, bytes, int, int, int, int, int]
"""A control's number, type, name, minimum, maximum, step, default and flags."""
_VALUE = struct.Struct("=Ii")
_MENU_ITEM = struct.Struct("=II36x")
_NEXT = 0x80000000
_DISABLED, _READ_ONLY = 0x1, 0x4
_INTEGER, _BOOLEAN, _MENU, _INTEGER_MENU = 1, 2, 3, 9
_NUMBERS = (_INTEGER, _BOOLEAN, _MENU, _INTEGER_MENU)
"""The control types whose value is a number."""

_ABSENT = (errno.EINVAL, errno.ENOTTY)
"""The errors for a control that does not exist, and for a driver that has no controls."""

MAX_CONTROLS = 256

MAX_ITEMS = 32
"""The largest number of menu items that are examined; the menus that are used here have four."""


@dataclass(frozen=True)
class Control:
    """One control: its name, number, range, and current value."""

    name: str
    id: int
    minimum: int
    maximum: int
    default: int
    value: int
    step: int = 1
    items: tuple[int, ...] | None = None
    """The values that a menu offers; None if the control is not a menu."""

    def __str__(self) -> str:
        return (
            f"{self.name} {self.minimum}–{self.maximum}, now {self.value} (default {self.default})"
        )

    @property
    def allowed(self) -> str:
        """The values that the control allows, such as '0 to 250 in steps of 5'."""
        if self.items is not None:
            return ", ".join(map(str, self.items))
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        return f"{self.minimum} to {self.maximum}{steps}"

    def nearest(self, value: int) -> int:
        """Return the value nearest to `value` that the control allows."""
        if self.items is not None:
            return min(self.items, key=lambda item: (abs(item - value), item))
        last = self.minimum + (self.maximum - self.minimum) // self.step * self.step
        steps = (2 * (value - self.minimum) + self.step) // (2 * self.step)
        return min(max(self.minimum, self.minimum + steps * self.step), last)


class CameraControls:
    """The controls of an open camera."""

    def __init__(self, file: int, ioctl: Ioctl = ioctl_of_kernel) -> None:
        """Use the open camera `file`, which must stay open; `ioctl` reaches the driver."""
        self._file = file
        self._ioctl = ioctl

    @classmethod
    @contextlib.contextmanager
    def open(cls, node: Path, ioctl: Ioctl = ioctl_of_kernel) -> Iterator[CameraControls]:
        """Open the camera at `node` for the time of a `with` block. Raises OSError."""
        file = open_node(node)
        try:
            yield cls(file, ioctl)
        finally:
            os.close(file)

    def all(self) -> list[Control]:
        """Return the controls that can be set. Raises OSError if the camera does not answer.

        If it answers for some controls only, those before the first error are returned, because
        the driver does not say which control comes after an error.
        """
        found: list[Control] = []
        number = 0
        for _ in range(MAX_CONTROLS):
            try:
                description = self._query(number | _NEXT)
            except OSError:
                if found:
                    break
                raise
            if description is None:
                break
            number = description[0]
            if control := self._control(description):
                found.append(control)
        return found

    def find(self, number: int) -> Control | None:
        """Return the control with this `number`; None if the camera has none that can be set.

        Raises OSError if the camera does not answer.
        """
        description = self._query(number)
        return None if description is None else self._control(description)

    def set(self, control: Control, value: int) -> int:
        """Set `control`; return the value in the driver's answer, which may differ from `value`.

        Raises OSError.
        """
        buffer = bytearray(_VALUE.pack(control.id, value))
        self._ioctl(self._file, SET_CONTROL, buffer)
        taken: int = _VALUE.unpack(buffer)[1]
        return taken

    def _query(self, number: int) -> _Description | None:
        """Return the driver's description of a control; None if there is none."""
        buffer = bytearray(_DESCRIPTION.size)
        struct.pack_into("=I", buffer, 0, number)
        try:
            self._ioctl(self._file, QUERYCTRL, buffer)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise
        description: _Description = _DESCRIPTION.unpack(buffer)
        return description

    def _control(self, description: _Description) -> Control | None:
        """Return the control that the driver describes; None if it cannot be set or read."""
        number, kind, name, minimum, maximum, step, default, flags = description
        if kind not in _NUMBERS or flags & (_DISABLED | _READ_ONLY):
            return None
        value = bytearray(_VALUE.pack(number, default))
        try:
            self._ioctl(self._file, GET_CONTROL, value)
        except OSError:
            return None
        text = name.split(b"\0", 1)[0].decode("utf-8", "replace")
        plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
        items = None
        if kind in (_MENU, _INTEGER_MENU):
            items = self._items(number, minimum, maximum) or None
        now = _VALUE.unpack(value)[1]
        return Control(plain, number, minimum, maximum, default, now, max(1, step), items)

    def _items(self, number: int, minimum: int, maximum: int) -> tuple[int, ...]:
        """Return the values that a menu offers; a menu may have gaps."""
        items = []
        for index in range(minimum, min(maximum, minimum + MAX_ITEMS - 1) + 1):
            with contextlib.suppress(OSError):
                self._ioctl(self._file, QUERYMENU, bytearray(_MENU_ITEM.pack(number, index)))
                items.append(index)
        return tuple(items)
