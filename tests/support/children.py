"""Child processes for tests of the guard: what is given up cannot be taken back in this one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from installation.guarding.layers import landlock
from tests.support.tools import tool

ROOT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534

needs_guard = pytest.mark.skipif(
    landlock.abi() < landlock.NEEDED_ABI,
    reason=f"the guard needs Landlock {landlock.NEEDED_ABI} (Linux 6.12), "
    f"and this kernel has {landlock.abi() or 'none'}",
)
"""For what only happens where the guard holds. That it fails closed is tested everywhere."""

PLAYED_S = 2
"""How long a show with a window plays once its camera is named: some 60 frames."""

USERS = ("root", "ordinary user") if os.geteuid() == 0 else ("ordinary user",)


def as_user(user: str, *rights: str) -> list[str]:
    """Return what goes before a command so that `user` runs it.

    From root the ordinary user keeps one right, to read everything: the interpreter may be in
    root's home. It gives no right to write. `rights` are further ones.
    """
    if user == "root" or os.geteuid() != 0:
        return []
    kept = ",".join(f"+{right}" for right in ("dac_read_search", *rights))
    user_id = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return [tool("setpriv"), *user_id, f"--inh-caps={kept}", f"--ambient-caps={kept}"]


def environment(home: Path) -> dict[str, str]:
    """Return a child's environment; its home is `home`."""
    return {
        **os.environ,
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def home_of(user: str, folder: Path) -> Path:
    """Return a home for `user` in `folder`, which is made."""
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
    """Run Python with `arguments` as `user`, whose home and current folder lie in `folder`.

    `variables` are those of the environment that are otherwise than usual.
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


STAGE_ONE_PROGRAM = """
from installation.guarding.stage_one import enter_stage_one
from installation.guarding.status import SandboxStatus
status = enter_stage_one(SandboxStatus("enforce"), None)
assert not status.missing, status.missing
"""
"""The beginning of a program that then runs under stage one."""


def run_under_stage_one(program: str, user: str, folder: Path) -> str:
    """Return what `program`, run by `user` under stage one, prints; fails if it does.

    `status` is the sandbox status in it.
    """
    program = STAGE_ONE_PROGRAM + textwrap.dedent(program)
    outcome = run("-c", program, user=user, folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout
