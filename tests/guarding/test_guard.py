from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from installation.guarding.guard import Guard
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
from tests.support.children import USERS, home_of, needs_guard, run, run_under_stage_one


def test_making_a_guard_changes_nothing_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the guard's status does not change Python's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", "/before")
    Guard.from_environment()
    Guard.for_audit(short=True)
    assert tempfile.tempdir == "/before"


def test_temporary_files_go_to_the_scratch_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files go to a folder in which every write is refused."""
    status = SandboxStatus("enforce", scratch_dir="/dev/shm/scratch")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, status.to_json())
    monkeypatch.setattr(tempfile, "tempdir", "/before")
    Guard.from_environment().redirect_temporary_files()
    assert tempfile.gettempdir() == "/dev/shm/scratch"


RUN = "import sys; from installation.cli.main import main; sys.exit(main(sys.argv[1:]))"
ARGUMENTS = ("run", "--headless", "--source", "rehearsal", "--seconds", "90")


@pytest.mark.slow
def test_without_its_launcher_the_show_opens_no_camera(tmp_path: Path) -> None:
    """A show that was started without stage one ends with status 2 and names what is missing."""
    outcome = run("-c", RUN, *ARGUMENTS, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines()[-1].startswith("stage one: the show was started")
    assert "camera:" not in outcome.stderr


@pytest.mark.slow
def test_a_false_status_is_found_out(tmp_path: Path) -> None:
    """If the environment falsely claims a complete stage one, the probes reveal it."""
    home_of(USERS[0], tmp_path)
    false = SandboxStatus("enforce", scratch_dir=str(tmp_path / "home"))
    program = f"import os; os.environ[{ENVIRONMENT_VARIABLE!r}] = {false.to_json()!r}\n{RUN}"
    outcome = run("-c", program, *ARGUMENTS, user=USERS[0], folder=tmp_path)
    assert outcome.returncode == 2
    assert "truncate a file, " in outcome.stderr
    assert "camera:" not in outcome.stderr


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_leaks_are_searched_after_stage_two(user: str, tmp_path: Path) -> None:
    """The search for leaks begins when stage two is active, so nothing can be opened after it."""
    program = """
    import socket
    from dataclasses import replace
    from installation.guarding.guard import Guard
    class Devices(tuple):
        def __iter__(self):
            try:
                socket.socketpair()
                print("opened")
            except OSError:
                print("refused")
            return super().__iter__()
    Guard(replace(status, devices=Devices(status.devices)), []).seal()
    """
    assert run_under_stage_one(program, user, tmp_path) == "refused\n"
