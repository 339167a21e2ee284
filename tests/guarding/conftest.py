from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.tools import tool


@pytest.fixture
def display() -> Iterator[str]:
    """The name of an X server that runs only for this test."""
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
