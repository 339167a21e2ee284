from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guarding.children import environment, home_of, needs_guard


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of its own."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    running = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1280x720x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as said:
        number = said.readline().strip()
    yield f":{number}"
    running.terminate()
    running.wait()


@needs_guard
def test_the_show_reaches_an_x_server_under_the_guard(display: str, tmp_path: Path) -> None:
    """A window is opened before the second stage, and painted for as long as the show runs."""
    home = home_of("root", tmp_path)
    chosen = {k: v for k, v in environment(home).items() if k != "SDL_VIDEODRIVER"}
    arguments = ["--source", "rehearsal", "--windowed", "1280x720"]
    running = subprocess.Popen(
        [sys.executable, "-m", "installation", "run", *arguments],
        cwd=home,
        env=chosen | {"DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    said = ""
    for line in running.stderr:
        said += line
        if line.startswith("camera:"):
            break
    running.send_signal(signal.SIGTERM)
    told, rest = running.communicate(timeout=60)
    assert running.returncode == 0, said + rest
    assert "screen: display 0 through x11, 1280×720" in said
    assert "privacy: enforced; " in said
    assert json.loads(told.splitlines()[-1])["event"] == "summary"
