from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import Mistake
from installation.guarding.status import ENVIRONMENT_VARIABLE, SandboxStatus
from tests.support.children import USERS, run

MISSING = Mistake("Landlock", "not available on this machine", "Use a newer Linux.")


def test_the_show_reads_what_stage_one_left() -> None:
    """A status written to the environment variable is the same when the show reads it."""
    status = SandboxStatus(
        "enforce",
        (MISSING,),
        "/scratch",
        ("/dev/null",),
        5,
        6,
        (7, 8),
        (7,),
        1.5,
        {"openat2": 38},
        9,
        10,
    )
    assert status.pipes == (5, 9, 10)
    assert SandboxStatus.from_environment({ENVIRONMENT_VARIABLE: status.to_json()}) == status
    assert SandboxStatus.from_environment({}) is None


@pytest.mark.parametrize("user", USERS)
def test_the_user_may_write_the_scratch_folder(user: str, tmp_path: Path) -> None:
    """File permissions do not refuse the probes, whatever the user's umask is."""
    program = (
        "import os, sys; os.umask(0o777)\n"
        "from installation.guarding.status import make_scratch_dir\n"
        "scratch_dir = make_scratch_dir({'RUNTIME_DIRECTORY': os.getcwd()})\n"
        "for name in ('file', 'folder', 'pipe'):\n"
        "    print(oct((scratch_dir / name).stat().st_mode & 0o777),"
        " scratch_dir.parent.samefile('.'))\n"
    )
    outcome = run("-c", program, user=user, folder=tmp_path)
    assert outcome.stdout == "0o600 True\n0o700 True\n0o600 True\n", outcome.stderr


def test_the_scratch_folder_is_removed(tmp_path: Path) -> None:
    """The scratch folder is removed when the show has ended, even if the show was killed."""
    program = (
        "import os, signal, subprocess, sys\n"
        "from installation.guarding.layers import limits\n"
        "limits.become_subreaper()\n"
        "ended = subprocess.run([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE)\n"
        "assert ended.returncode == -signal.SIGKILL and ended.stdout == b'there\\n'\n"
        "try:\n"
        "    while True:\n"
        "        os.wait()\n"
        "except ChildProcessError:\n"
        "    print(os.listdir('.'))\n"
    )
    killed = (
        "import os, pathlib, signal\n"
        "from installation.guarding.stage_one import enter_stage_one\n"
        "from installation.guarding.status import SandboxStatus\n"
        "status = enter_stage_one(SandboxStatus('degraded'), None)\n"
        "if pathlib.Path(status.scratch_dir, 'file').exists():\n"
        "    print('there', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    home = tmp_path / "home"
    outcome = run(
        "-c", program, killed, user=USERS[-1], folder=tmp_path, RUNTIME_DIRECTORY=str(home)
    )
    assert outcome.stdout == "[]\n", outcome.stderr


def test_a_start_removes_the_scratch_folders_of_killed_shows(tmp_path: Path) -> None:
    """The folder of a show that has ended is removed, and that of a running show is kept."""
    program = (
        "import os\n"
        "from installation.guarding.status import make_scratch_dir\n"
        "environment = {'RUNTIME_DIRECTORY': os.getcwd()}\n"
        "if not (killed := os.fork()):\n"
        "    make_scratch_dir(environment)\n"
        "    os._exit(0)\n"
        "os.waitpid(killed, 0)\n"
        "left = set(os.listdir('.'))\n"
        "os.mkdir(f'kiosk-scratch-{killed}-other')\n"
        "own = make_scratch_dir(environment).name\n"
        "make_scratch_dir(environment)\n"
        "now = set(os.listdir('.'))\n"
        "print(len(left), len(left & now), own in now, len(now))\n"
    )
    outcome = run("-c", program, user=USERS[-1], folder=tmp_path)
    assert outcome.stdout == "1 0 True 3\n", outcome.stderr
