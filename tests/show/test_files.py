"""Tests of files that change, break or cannot be written while the show runs."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support.children import needs_guard, show_of
from tests.support.project import Project, wait_for_line
from tests.support.tools import tool
from tests.support.visits import SETTINGS, write_visits

pytestmark = pytest.mark.slow

RUN = (sys.executable, "-m", "installation", "run", "--headless")

FISH = f"labels: fish\nprivacy: degraded\n{SETTINGS}"
"""The kiosk.yaml of a show of three fish, in which a visitor comes every ten seconds."""

READ_ONLY = """
awk '{print $5}' /proc/self/mountinfo | sort -ru | grep -v '^/dev/shm' | while read -r mount; do
    mount -o remount,bind,ro "$mount" 2>/dev/null
done
if touch "$PWD/written" 2>/dev/null; then echo "this disk can be written to" >&2; exit 9; fi
exec "$@"
"""
"""Makes every file system except memory's read-only, then runs a command."""


class RunningShow:
    """A show of three fish whose events can be waited for."""

    def __init__(self, project: Project, command: tuple[str, ...] = RUN) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=project.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._events: queue.Queue[dict[str, object]] = queue.Queue()
        self._reader = threading.Thread(target=self._read_events)
        self._reader.start()

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(json.loads(line))

    def wait_for_event(self, name: str) -> None:
        """Wait for the next event of that name; earlier ones are dropped first."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._events.get_nowait()
        while self._events.get(timeout=90)["event"] != name:
            continue

    def close(self) -> None:
        """End the show in any case."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def end(self) -> str:
        """End the show, and return the rest of its log."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr is not None
        log = self.process.stderr.read()
        assert self.process.wait(30) == 0, log
        return log


@pytest.fixture
def running(project: Project) -> Iterator[RunningShow]:
    """Return the show of three fish with its camera open."""
    write_visits(project.folder)
    project.write("kiosk.yaml", FISH)
    show = RunningShow(project)
    try:
        wait_for_line(show.process, "camera:")
        yield show
    finally:
        show.close()


def _replace_by_folder(project: Project, path: str) -> None:
    """Make the file unreadable for everybody, root too."""
    (project.folder / path).unlink()
    (project.folder / path).mkdir()


LABELS = "models/fish/labels.csv"
OTHERS = (
    *("kiosk.yaml", "models/fish/labelset.yaml"),
    "installation/naming/networks/efficientnet_lite0.onnx",
    "installation/seeing/faces/pnet.onnx",
)
WAYS: dict[str, Callable[[Project, str], object]] = {
    "emptied": lambda project, path: project.write(path, b""),
    "filled with anything": lambda project, path: project.write(path, os.urandom(5000)),
    "removed": lambda project, path: (project.folder / path).unlink(),
    "unreadable": _replace_by_folder,
}


def test_the_show_goes_on_whatever_happens_to_its_files(
    running: RunningShow, project: Project
) -> None:
    """The settings, the label set and the networks are lost in every way; visitors are still named.

    The log has the mistakes of the label set, and nothing else.
    """
    running.wait_for_event("verdict")
    for lose in WAYS.values():
        for path in (*OTHERS, LABELS):
            file = project.folder / path
            content = file.read_bytes()
            lose(project, path)
            if path == LABELS:
                wait_for_line(running.process, "labels: the changed set has mistakes, so the show")
            if file.is_dir():
                file.rmdir()
            file.write_bytes(content)
    running.wait_for_event("verdict")
    assert "Traceback" not in running.end()


@needs_guard
def test_a_show_without_its_settings_comes_back_with_them(
    running: RunningShow, project: Project
) -> None:
    """If kiosk.yaml is wrong when the show crashes, the show starts again once it is corrected.

    The running show, under its guard, says so before that.
    """
    running.wait_for_event("announced")
    project.write("kiosk.yaml", "labels: fisch\n")
    wait_for_line(running.process, "settings: kiosk.yaml has mistakes now.")
    assert "labels is 'fisch'" in wait_for_line(running.process, "settings: kiosk.yaml:1:")
    os.kill(show_of(running.process.pid), signal.SIGKILL)
    assert "Did you mean 'fish'?" in wait_for_line(running.process, "kiosk.yaml:1:")
    project.write("kiosk.yaml", FISH)
    wait_for_line(running.process, "camera:")
    running.wait_for_event("announced")
    running.end()


@needs_guard
def test_a_show_needs_no_disk_to_write_to(project: Project) -> None:
    """A show names visitors even if no file system except /dev/shm can be written to.

    Its sandbox is complete. /dev/shm stays writable because the self-test tries to make a file
    there.
    """
    unshare = (tool("unshare"), "--map-root-user", "--mount")
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make a mount namespace")
    write_visits(project.folder)
    project.write("kiosk.yaml", FISH.replace("privacy: degraded\n", ""))
    show = RunningShow(project, (*unshare, "bash", "-c", READ_ONLY, "bash", *RUN))
    try:
        assert "enforced" in wait_for_line(show.process, "privacy:")
        show.wait_for_event("verdict")
        assert "Traceback" not in show.end()
    finally:
        show.close()
