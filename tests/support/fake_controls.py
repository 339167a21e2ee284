"""The controls of a camera that follows the rules of uvcvideo, without a device."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass, replace
from typing import Any

from installation.guarding.layers.device_calls import CAMERA_IOCTLS

INTEGER, BOOLEAN, MENU, BUTTON, CLASS = 1, 2, 3, 4, 6
INACTIVE, READ_ONLY = 0x10, 0x4

MAINS, WHITE_AUTO, WHITE = 0x00980918, 0x0098090C, 0x0098091A
EXPOSURE_AUTO, EXPOSURE, PRIORITY = 0x009A0901, 0x009A0902, 0x009A0903
FOCUS, FOCUS_AUTO, ZOOM = 0x009A090A, 0x009A090C, 0x009A090D

MASTERS = {WHITE: (WHITE_AUTO, (0,)), EXPOSURE: (EXPOSURE_AUTO, (1, 2)), FOCUS: (FOCUS_AUTO, (0,))}
"""For each value, the control that must have one of these values before the value can be set."""

ALL_CONTROLS: dict[str, Any] = {
    "mains": 50,
    "focus": 120,
    "exposure": "1/50",
    "white_balance": 4000,
    "keep_rate": True,
    "controls": {"zoom_absolute": 150},
}
"""A value for each control that the section `camera` of kiosk.yaml can set."""


@dataclass(frozen=True)
class Offered:
    """A control as a driver describes it; `items` are the values that a menu has."""

    number: int
    kind: int
    name: str
    minimum: int
    maximum: int
    default: int
    step: int = 1
    flags: int = 0
    items: tuple[int, ...] = ()


OFFERED = (
    Offered(0x00980001, CLASS, "User Controls", 0, 0, 0, flags=READ_ONLY),
    Offered(WHITE_AUTO, BOOLEAN, "White Balance, Automatic", 0, 1, 1),
    Offered(MAINS, MENU, "Power Line Frequency", 0, 2, 2, items=(0, 1, 2)),
    Offered(WHITE, INTEGER, "White Balance Temperature", 2800, 6500, 4600),
    Offered(EXPOSURE_AUTO, MENU, "Auto Exposure", 0, 3, 3, items=(1, 3)),
    Offered(EXPOSURE, INTEGER, "Exposure Time, Absolute", 3, 2047, 250),
    Offered(PRIORITY, BOOLEAN, "Exposure, Dynamic Framerate", 0, 1, 1),
    Offered(FOCUS, INTEGER, "Focus, Absolute", 0, 250, 0, step=5),
    Offered(FOCUS_AUTO, BOOLEAN, "Focus, Automatic Continuous", 0, 1, 1),
    Offered(ZOOM, INTEGER, "Zoom, Absolute", 100, 500, 100),
    Offered(0x009A0910, BUTTON, "Reset", 0, 0, 0),
    Offered(0x009A0911, INTEGER, "Temperature", 0, 9, 1, flags=READ_ONLY),
)
"""The controls of a good webcam, with the names since Linux 5.15."""

OLDER_NAMES = {
    WHITE_AUTO: "White Balance Temperature, Auto",
    EXPOSURE_AUTO: "Exposure, Auto",
    EXPOSURE: "Exposure (Absolute)",
    PRIORITY: "Exposure, Auto Priority",
    FOCUS: "Focus (absolute)",
    FOCUS_AUTO: "Focus, Auto",
}
"""The names before Linux 5.15."""


class FakeControls:
    """The driver of a camera with the controls `offered`."""

    def __init__(self, offered: tuple[Offered, ...] = OFFERED) -> None:
        self.offered = {each.number: each for each in offered}
        self.values = {each.number: each.default for each in offered}
        self.calls: list[tuple[int, int]] = []
        """The numbers and values that were set, also those that were rejected."""
        self.failing: OSError | None = None
        """The error of each call, as after the camera was unplugged."""
        self.broken: set[int] = set()
        """The numbers of controls for which the camera answers with an error."""
        self.taken: dict[int, int] = {}
        """The values that controls take instead of those that are set."""

    @classmethod
    def with_older_names(cls) -> FakeControls:
        return cls(
            tuple(replace(each, name=OLDER_NAMES.get(each.number, each.name)) for each in OFFERED)
        )

    @classmethod
    def without(cls, *numbers: int) -> FakeControls:
        return cls(tuple(each for each in OFFERED if each.number not in numbers))

    def with_changed(self, number: int, **changes: object) -> FakeControls:
        offered = {**self.offered, number: replace(self.offered[number], **changes)}  # type: ignore[arg-type]
        return FakeControls(tuple(offered.values()))

    def plug_in_again(self) -> None:
        """Forget all values, as a camera does without power."""
        self.values = {each.number: each.default for each in self.offered.values()}

    def ioctl(self, file: int, call: int, buffer: bytearray) -> None:
        os.fstat(file)
        assert call in CAMERA_IOCTLS.values(), "the sandbox does not allow this call"
        if self.failing is not None:
            raise self.failing
        (number,) = struct.unpack_from("=I", buffer)
        if call == CAMERA_IOCTLS["VIDIOC_QUERYCTRL"]:
            self._describe(number, buffer)
            return
        if number not in self.offered:
            raise _error(errno.EINVAL)
        if call == CAMERA_IOCTLS["VIDIOC_G_CTRL"]:
            struct.pack_into("=i", buffer, 4, self.values[number])
        elif call == CAMERA_IOCTLS["VIDIOC_QUERYMENU"]:
            assert len(buffer) == 44
            if struct.unpack_from("=I", buffer, 4)[0] not in self.offered[number].items:
                raise _error(errno.EINVAL)
        else:
            assert call == CAMERA_IOCTLS["VIDIOC_S_CTRL"]
            self._set(number, struct.unpack_from("=i", buffer, 4)[0], buffer)

    def _describe(self, number: int, buffer: bytearray) -> None:
        assert len(buffer) == 68
        if number & 0x80000000:
            later = sorted(each for each in self.offered if each > number & ~0x80000000)
            number = later[0] if later else 0
        if number not in self.offered:
            raise _error(errno.EINVAL)
        if number in self.broken:
            raise _error(errno.EIO)
        each = self.offered[number]
        flags = each.flags | (0 if self._is_active(number) else INACTIVE)
        bounds = (each.minimum, each.maximum, each.step, each.default, flags)
        struct.pack_into("=II32siiiiI", buffer, 0, number, each.kind, each.name.encode(), *bounds)

    def _is_active(self, number: int) -> bool:
        master, manual = MASTERS.get(number, (0, ()))
        return master not in self.offered or self.values[master] in manual

    def _set(self, number: int, value: int, buffer: bytearray) -> None:
        self.calls.append((number, value))
        each = self.offered[number]
        if not self._is_active(number):
            raise _error(errno.EACCES)
        if each.kind == MENU and value not in each.items:
            raise _error(errno.EINVAL)
        # Drivers round what is between two steps or outside the range, and say what they took.
        value = min(max(value, each.minimum), each.maximum)
        value -= (value - each.minimum) % each.step
        self.values[number] = self.taken.get(number, value)
        struct.pack_into("=i", buffer, 4, self.values[number])


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
