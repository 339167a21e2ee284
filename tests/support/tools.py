"""Programs and files of this machine that tests need."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PACKAGES = {
    "setpriv": "util-linux",
    "strace": "strace",
    "systemd-analyze": "systemd",
    "Xvfb": "xvfb",
    "xauth": "xauth",
    "xdpyinfo": "x11-utils",
    "unshare": "util-linux",
    "weston": "weston",
}
"""The Debian package of each program; scripts/test installs them."""


def tool(name: str) -> str:
    """Return the path of the program `name`; fails the test if it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed. Run: apt-get install {PACKAGES[name]}")
    return path


def header(name: str) -> str:
    """Return the text of the kernel's header `name`; fails the test if it is not installed."""
    file = Path("/usr/include", name)
    if not file.exists():
        pytest.fail(f"{file} is not installed. Run: apt-get install linux-libc-dev")
    return file.read_text()
