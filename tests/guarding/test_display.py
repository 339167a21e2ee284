from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import PLAYED_S, environment, home_of, needs_guard


@needs_guard
def test_the_show_reaches_an_x_server_under_the_guard(display: str, tmp_path: Path) -> None:
    """A window that is opened before stage two is still painted after it."""
    home = home_of("root", tmp_path)
    variables = {k: v for k, v in environment(home).items() if k != "SDL_VIDEODRIVER"}
    arguments = ["--source", "rehearsal", "--windowed", "1280x720"]
    running = subprocess.Popen(
        [sys.executable, "-m", "installation", "run", *arguments],
        cwd=home,
        env=variables | {"DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    log = ""
    for line in running.stderr:
        log += line
        if line.startswith("camera:"):
            break
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(PLAYED_S)
    shared = segments_of(running.pid)
    running.send_signal(signal.SIGTERM)
    output, rest = running.communicate(timeout=60)
    assert running.returncode == 0, log + rest
    assert "screen: display 0 through x11, 1280×720" in log
    assert "privacy: enforced; " in log
    summary = json.loads(output.splitlines()[-1])
    assert summary["event"] == "summary"
    assert summary["mirror_fps"] > 0
    assert not shared


def segments_of(pid: int) -> list[str]:
    """Return the System V shared memory segments that the process `pid` has made."""
    listed = Path("/proc/sysvipc/shm").read_text().splitlines()
    made_by = listed[0].split().index("cpid")
    return [line for line in listed[1:] if line.split()[made_by] == str(pid)]


def test_shared_memory_would_be_found() -> None:
    """The control: shared memory that every account could attach is found."""
    library, private, remove = ctypes.CDLL(None), 0, 0
    segment = library.shmget(private, 4096, 0o1600)
    try:
        assert len(segments_of(os.getpid())) == 1
    finally:
        library.shmctl(segment, remove, None)
