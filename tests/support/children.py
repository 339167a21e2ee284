"""Child processes for the tests of the sandbox, which cannot be lifted in the test process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from installation.guarding.layers import landlock
from tests.support.tools import tool

ROOT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534

needs_guard = pytest.mark.skipif(
    landlock.abi() < landlock.NEEDED_ABI,
    reason=f"the sandbox needs Landlock {landlock.NEEDED_ABI} (Linux 5.13), "
    f"and this kernel has {landlock.abi() or 'none'}",
)
"""Marks tests that need a complete sandbox. Tests of an incomplete one run everywhere."""


def show_of(supervisor: int) -> int:
    """Return the process of the show that `supervisor` has started; there is no card."""
    path = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    [show] = path.read_text().split()
    return int(show)


PLAYED_S = 2
"""How long a show with a window plays after its camera is named: about 60 frames."""

USERS = ("root", "ordinary user") if os.geteuid() == 0 else ("ordinary user",)


def as_user(user: str, *capabilities: str) -> list[str]:
    """Return the words that precede a command so that `user` runs it.

    An ordinary user that root starts keeps the capability to read everything, because the
    interpreter may be in root's home. `capabilities` are additional ones.
    """
    if user == "root" or os.geteuid() != 0:
        return []
    kept = ",".join(f"+{name}" for name in ("dac_read_search", *capabilities))
    user_id = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return [tool("setpriv"), *user_id, f"--inh-caps={kept}", f"--ambient-caps={kept}"]


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a child process whose home is `home`."""
    return {
        **os.environ,
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def home_of(user: str, folder: Path) -> Path:
    """Return a new home for `user` in `folder`."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    if user != "root" and os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        for parent in (folder, *folder.parents):
            if parent.owner() == "root" and parent.name.startswith(("pytest-", "test_")):
                parent.chmod(0o755)
    return home


def run(
    *arguments: str, user: str, folder: Path, timeout: float = 120, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with `arguments` as `user`, whose home and current folder are in `folder`.

    `variables` replace those of the environment.
    """
    home = home_of(user, folder)
    return subprocess.run(
        [*as_user(user), sys.executable, *arguments],
        cwd=home,
        env=environment(home) | variables,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


MAX_SHOW_S = 240.0
"""The longest time of a show that `run_until` runs, s."""


def run_until(
    line: str, *arguments: str, user: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a show by Python with `arguments` until its log has a line that begins with `line`.

    The show then gets SIGTERM, so that no test depends on how long a busy machine takes. A show
    that ends first is returned; a show that does neither within `MAX_SHOW_S` is killed.
    """
    home = home_of(user, folder)
    running = subprocess.Popen(
        [*as_user(user), sys.executable, *arguments],
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    limit = threading.Timer(MAX_SHOW_S, running.kill)
    limit.daemon = True
    limit.start()
    log: list[str] = []
    with running:
        for each in iter(running.stderr.readline, ""):
            log.append(each)
            if each.startswith(line):
                break
        running.send_signal(signal.SIGTERM)
        # Not `communicate`, which loses the lines that were read ahead.
        log.append(running.stderr.read())
        events = running.stdout.read()
    limit.cancel()
    return subprocess.CompletedProcess(arguments, running.returncode, events, "".join(log))


STAGE_ONE_PROGRAM = """
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.status import SandboxStatus
status = enter_stage_one(SandboxStatus("enforce"), None)
assert not status.missing, status.missing
"""
"""The beginning of a program that then runs under stage one."""


def run_under_stage_one(program: str, user: str, folder: Path) -> str:
    """Return what `program`, run by `user` under stage one, prints; fails if its status is not 0.

    The program can use the variable `status`, which is the sandbox status.
    """
    program = STAGE_ONE_PROGRAM + textwrap.dedent(program)
    outcome = run("-c", program, user=user, folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout
