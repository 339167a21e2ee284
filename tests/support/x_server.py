"""An X server for one test."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from tests.support.tools import tool


@contextlib.contextmanager
def x_server() -> Iterator[str]:
    """Run an X server of 1280×720 without a screen, and yield its name."""
    read, write = os.pipe()
    running = subprocess.Popen(
        [tool("Xvfb"), "-displayfd", str(write), "-screen", "0", "1280x720x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    running.terminate()
    running.wait()
