"""Recognises video devices that take pictures instead of giving them.

Such a device shows what is written to it on another screen, or hands it to another program: those
of v4l2loopback, of cards with an output, of a computer that plays a webcam at its USB port. The
devices of cameras are the only ones for pictures that the show may open for writing, and on Linux
6.1 a sealed show streamed pictures into an output. So outputs are not among the devices that it may
open. The kernel says what a device can do only to those who open it, so udev's notes are read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

UDEV = Path("/run/udev/data")


def is_video_output(node: Path, udev: Path = UDEV) -> bool | None:
    """Return whether pictures can be written to the video device `node`.

    None if udev has no notes about it. A device that converts pictures for the program that has
    opened it, and gives them to nobody else, is not an output.
    """
    try:
        number = os.stat(node).st_rdev
        notes = (udev / f"c{os.major(number)}:{os.minor(number)}").read_text(errors="replace")
    except OSError:
        return None
    abilities = re.search(r"^E:ID_V4L_CAPABILITIES=(.*)$", notes, re.MULTILINE)
    return None if abilities is None else "video_output" in abilities[1].split(":")
