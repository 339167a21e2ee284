"""A Wayland compositor without a screen, for one test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.tools import tool

NAME = "wayland-test"


@contextlib.contextmanager
def compositor() -> Iterator[dict[str, str]]:
    """Run weston, without a graphics card, while the context lasts.

    Yields the variables of a session on it. Weston starts a program once it accepts
    connections; here that program says so through a pipe.
    """
    read, write = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "ready").write_text(f"#!/bin/sh\necho ready >/proc/self/fd/{write}\n")
        Path(folder, "ready").chmod(0o700)
        Path(folder, "weston.ini").write_text(f"[autolaunch]\npath={folder}/ready\n")
        session = {"XDG_RUNTIME_DIR": folder, "WAYLAND_DISPLAY": NAME}
        running = subprocess.Popen(
            [
                *(tool("weston"), "--backend=headless-backend.so", "--use-pixman"),
                *(f"--socket={NAME}", "--width=640", "--height=360"),
                f"--config={folder}/weston.ini",
            ],
            env=os.environ | {"XDG_RUNTIME_DIR": folder},
            pass_fds=[write],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        try:
            with open(read) as ready:
                assert ready.readline() == "ready\n", "weston has ended"
            yield session
        finally:
            running.terminate()
            running.wait()
