"""Recognises video outputs: video devices to which programs write pictures.

A video output shows these pictures on another screen, or passes them to another program. Outputs
are made by v4l2loopback, by video cards with an output, and by a computer that acts as a webcam at
its USB port. The show may open video devices for writing, because cameras need it, and in a test on
Linux 6.1 a show in stage two could stream pictures into an output. So outputs are not among the
devices that the show may open.

The kernel reports a device's abilities only to a program that has opened the device, so the
launcher opens each device for a moment and reads no picture. Rejected: relying on the notes of
udev. A computer may lack udev, and the notes describe the device at the moment when it appeared.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

UDEV = Path("/run/udev/data")

Ioctl = Callable[[int, int, bytearray], object]
"""A function that makes an ioctl call on an open file and fills the buffer; it raises OSError."""

QUERYCAP = 0x80685600
"""The ioctl VIDIOC_QUERYCAP, which asks a device what it is."""

CAPABILITY = struct.Struct("=16s32s32sIII12x")
"""The kernel's answer to VIDIOC_QUERYCAP: driver, name, port, version, the capabilities of the
whole device, and the capabilities of the opened node in /dev.
"""

PER_NODE = 0x80000000
"""V4L2_CAP_DEVICE_CAPS, a bit in the capabilities of the whole device. If it is set, the kernel's
answer also states the capabilities of the opened node.
"""

_OUTPUTS = {
    "VIDEO_OUTPUT": 0x2,
    "VBI_OUTPUT": 0x20,
    "SLICED_VBI_OUTPUT": 0x80,
    "VIDEO_OUTPUT_OVERLAY": 0x200,
    "RDS_OUTPUT": 0x800,
    "VIDEO_OUTPUT_MPLANE": 0x2000,
    "MODULATOR": 0x80000,
    "SDR_OUTPUT": 0x400000,
    "META_OUTPUT": 0x8000000,
}
"""The capabilities of devices that take data from a program; from include/uapi/linux/videodev2.h.

A device with the capability VIDEO_M2M has none of these. It converts pictures for one program, and
passes them to no other.
"""

_LOOPBACK = b"loopback"
"""If a driver's name contains this, its devices always count as video outputs. Such a device passes
pictures from one program to another, and its capabilities change with its use.
"""


def ioctl_of_kernel(file: int, call: int, buffer: bytearray) -> object:
    """Make the ioctl `call`, fill the buffer, and return the result. Raises OSError."""
    import fcntl  # other systems do not have it

    return fcntl.ioctl(file, call, buffer, True)


def takes_pictures(file: int, ioctl: Ioctl = ioctl_of_kernel) -> bool | None:
    """Return whether the kernel reports that data can be written to the open video device `file`.

    True for every loopback device. None if the device does not answer.
    """
    buffer = bytearray(CAPABILITY.size)
    try:
        ioctl(file, QUERYCAP, buffer)
    except OSError:
        return None
    driver, _, _, _, of_all_nodes, of_this_node = CAPABILITY.unpack(buffer)
    capabilities = of_this_node if of_all_nodes & PER_NODE else of_all_nodes
    return _LOOPBACK in driver or any(capabilities & output for output in _OUTPUTS.values())


def is_video_output(node: Path, udev: Path = UDEV, ioctl: Ioctl = ioctl_of_kernel) -> bool | None:
    """Return whether pictures can be written to the video device `node`, which is opened for this.

    It is an output if the kernel or udev says so. None if neither knows.
    """
    noted, reported = is_noted_as_output(node, udev), None
    with contextlib.suppress(OSError):
        file = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            reported = takes_pictures(file, ioctl)
        finally:
            os.close(file)
    return noted if reported is None else reported or bool(noted)


def is_noted_as_output(node: Path, udev: Path = UDEV) -> bool | None:
    """Return whether udev's entry for `node` says that pictures can be written to the device.

    None if udev has no entry, or an entry without capabilities. The device is not opened.
    """
    try:
        number = os.stat(node).st_rdev
        notes = (udev / f"c{os.major(number)}:{os.minor(number)}").read_text(errors="replace")
    except OSError:
        return None
    abilities = re.search(r"^E:ID_V4L_CAPABILITIES=(.*)$", notes, re.MULTILINE)
    return None if abilities is None else "video_output" in abilities[1].split(":")
