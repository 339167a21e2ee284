"""Programs of this machine that tests run."""

from __future__ import annotations

import shutil

import pytest

PACKAGES = {
    "setpriv": "util-linux",
    "strace": "strace",
    "systemd-analyze": "systemd",
    "Xvfb": "xvfb",
}
"""The Debian package of each program; scripts/test installs them."""


def tool(name: str) -> str:
    """Return the path of the program `name`; fails the test if it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not installed. Run: apt-get install {PACKAGES[name]}")
    return path
