"""Recognises video outputs: video devices to which programs write pictures.

A video output shows these pictures on another screen, or passes them to another program. Outputs
are made by v4l2loopback, by cards with a video output, and by a computer that acts as a webcam at
its USB port. The show may open video devices for writing, because cameras need it, and on Linux 6.1
a sealed show streamed pictures into an output. So outputs are not among the devices that the
show may open. The kernel reports a device's abilities only to a program that has opened the device,
so udev's database is read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

UDEV = Path("/run/udev/data")


def is_video_output(node: Path, udev: Path = UDEV) -> bool | None:
    """Return whether pictures can be written to the video device `node`.

    None if udev has no entry for it. A device that converts pictures for the program that has
    opened it, and passes them to no other program, is not an output.
    """
    try:
        number = os.stat(node).st_rdev
        notes = (udev / f"c{os.major(number)}:{os.minor(number)}").read_text(errors="replace")
    except OSError:
        return None
    abilities = re.search(r"^E:ID_V4L_CAPABILITIES=(.*)$", notes, re.MULTILINE)
    return None if abilities is None else "video_output" in abilities[1].split(":")
