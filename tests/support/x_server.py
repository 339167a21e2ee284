"""An X server for one test."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from tests.support.tools import tool


def start_x_server() -> tuple[subprocess.Popen[bytes], str]:
    """Return a new X server of 1280×720 without a screen, and its name."""
    read, write = os.pipe()
    running = subprocess.Popen(
        [tool("Xvfb"), "-displayfd", str(write), "-screen", "0", "1280x720x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as answer:
        number = answer.readline().strip()
    return running, f":{number}"


@contextlib.contextmanager
def x_server() -> Iterator[str]:
    """Run an X server while the context lasts, and yield its name."""
    running, name = start_x_server()
    try:
        yield name
    finally:
        running.terminate()
        running.wait()
