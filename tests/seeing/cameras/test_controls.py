"""Tests of the camera's controls: mains frequency, exposure, focus, white balance."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from installation.errors import CameraError
from installation.seeing.cameras import controls
from installation.seeing.cameras.controls import list_controls, set_controls

INTEGER, BOOLEAN, MENU, BUTTON, CLASS = 1, 2, 3, 4, 6

OFFERED = (
    # Number, type, name, minimum, maximum, default, flags: as uvcvideo has them.
    (0x00980001, CLASS, "User Controls", 0, 0, 0, 0x4),
    (0x00980918, MENU, "Power Line Frequency", 0, 2, 2, 0),
    (0x009A0901, MENU, "Auto Exposure", 0, 3, 3, 0),
    (0x009A0902, INTEGER, "Exposure Time, Absolute", 3, 2047, 250, 0x10),
    (0x009A0903, BOOLEAN, "Exposure, Dynamic Framerate", 0, 1, 1, 0),
    (0x009A090B, INTEGER, "Focus, Absolute", 0, 250, 0, 0),
    (0x009A0910, BUTTON, "Reset", 0, 0, 0, 0),
    (0x009A0911, INTEGER, "Temperature", 0, 9, 1, 0x4),
)


class Kernel:
    """Answers as a UVC camera: the exposure can be set only while it is not automatic."""

    def __init__(self) -> None:
        self.values = {offered[0]: offered[5] for offered in OFFERED}

    def ioctl(self, file: int, call: int, buffer: bytearray) -> None:
        number = struct.unpack_from("=I", buffer)[0]
        if call == controls.QUERYCTRL:
            assert len(buffer) == 68
            later = [each for each in OFFERED if each[0] > number & ~0x80000000]
            if not later:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            number, kind, name, low, high, default, flags = later[0]
            packed = (number, kind, name.encode(), low, high, 1, default, flags)
            struct.pack_into("=II32siiiiI", buffer, 0, *packed)
        elif call == controls.GET_CONTROL:
            struct.pack_into("=i", buffer, 4, self.values[number])
        else:
            assert call == controls.SET_CONTROL
            if number == 0x009A0902 and self.values[0x009A0901] == 3:
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            self.values[number] = struct.unpack_from("=i", buffer, 4)[0]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a file that replaces a camera's node."""
    path = tmp_path / "video0"
    path.touch()
    return path


def test_the_controls_have_the_names_of_v4l2_ctl(node: Path) -> None:
    """`kiosk cameras` lists controls that can be set.

    It lists no classes, buttons or read-only controls.
    """
    listed = [str(control) for control in list_controls(node, Kernel().ioctl)]
    assert listed == [
        "power_line_frequency 0–2, now 2 (default 2)",
        "auto_exposure 0–3, now 3 (default 3)",
        "exposure_time_absolute 3–2047, now 250 (default 250)",
        "exposure_dynamic_framerate 0–1, now 1 (default 1)",
        "focus_absolute 0–250, now 0 (default 0)",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"power_line_frequency": 1},
        {"exposure_dynamic_framerate": 0},
        {"auto_exposure": 1, "exposure_time_absolute": 300},
        {"focus_absolute": 120, "power_line_frequency": 1},
    ],
)
def test_controls_are_set_in_their_order(node: Path, values: dict[str, int]) -> None:
    """An exposure can be set after the line that makes it manual."""
    kernel = Kernel()
    set_controls(node, values, "camera 0", kernel.ioctl)
    now = {control.name: control.value for control in list_controls(node, kernel.ioctl)}
    assert now | values == now


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "power_line_freq",
            1,
            "no control 'power_line_freq' .*Did you mean 'power_line_freq",
        ),
        ("zoom", 1, r"no control 'zoom' \(it has power_line_frequency, .*kiosk cameras"),
        (
            "power_line_frequency",
            50,
            r"power_line_frequency is 50 \(expected 0 to 2\)\. Write 1, which means 50 Hz",
        ),
        ("power_line_frequency", 60, "Write 2, which means 60 Hz"),
        ("focus_absolute", 251, r"focus_absolute is 251 \(expected 0 to 250\)\. Change it"),
        (
            "exposure_time_absolute",
            300,
            "rejects exposure_time_absolute: 300 .*turn that off in a line above",
        ),
    ],
)
def test_a_control_that_cannot_be_set_is_named(
    node: Path, name: str, value: int, words: str
) -> None:
    """All mistakes are reported at once, and the valid lines before them are still set."""
    with pytest.raises(CameraError, match=words):
        set_controls(node, {"focus_absolute": 5, name: value}, "camera 0", Kernel().ioctl)
