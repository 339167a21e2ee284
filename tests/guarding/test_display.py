from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guarding.children import PLAYED_S, environment, home_of, needs_guard


@needs_guard
def test_the_show_reaches_an_x_server_under_the_guard(display: str, tmp_path: Path) -> None:
    """A window is opened before the second stage, and still painted after it."""
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
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(PLAYED_S)
    running.send_signal(signal.SIGTERM)
    told, rest = running.communicate(timeout=60)
    assert running.returncode == 0, said + rest
    assert "screen: display 0 through x11, 1280×720" in said
    assert "privacy: enforced; " in said
    summary = json.loads(told.splitlines()[-1])
    assert summary["event"] == "summary"
    assert summary["mirror_fps"] > 0
