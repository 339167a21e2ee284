"""Tests of the refusal of a unit whose user could not start the show.

Closed homes, a Python in a closed home or on a disk without programs, folders that the unit hides,
files and films that only their owner can read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation.guarding.unit_access import Account, existing_groups, find_obstacles
from tests.support.children import NOBODY, ROOT

NOT_A_USER = "no-such-user"


@pytest.fixture
def base() -> Iterator[Path]:
    """Return a new folder that every user can reach, outside the folders that the unit hides."""
    public = next(each for each in ("/opt", "/run", ROOT) if os.access(each, os.W_OK))
    with tempfile.TemporaryDirectory(dir=public) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def kiosk(base: Path) -> Path:
    """Return a small project with a Python that everybody may execute."""
    root = base / "kiosk"
    for name in ("installation", "models/persons"):
        (root / name).mkdir(parents=True)
    for name in ("kiosk.yaml", "installation/launch.py", "models/persons/labels.csv"):
        (root / name).write_text("")
        (root / name).chmod(0o644)
    for folder in (base, root, root / "installation", root / "models", root / "models/persons"):
        folder.chmod(0o755)
    (root / "python").write_text("#!/bin/sh\n")
    (root / "python").chmod(0o755)
    return root


def words(root: Path, python: Path | None = None) -> list[str]:
    """Return the obstacles of a user that does not exist yet."""
    found = find_obstacles(root, NOT_A_USER, python or root / "python", ())
    return [str(mistake) for mistake in found]


def test_a_kiosk_that_everybody_can_read_has_no_obstacle(kiosk: Path) -> None:
    """The unit is printed for a kiosk as `git clone` makes it in /opt."""
    assert words(kiosk) == []


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_film_that_the_user_cannot_read_is_refused(
    kiosk: Path, base: Path, is_folder: bool
) -> None:
    """A unit is not printed if its user cannot read the film or the pictures that it plays."""
    home = base / "curator"
    home.mkdir(mode=0o700)
    played = home / "pictures"
    if is_folder:
        played.mkdir(mode=0o755)
    else:
        played.write_bytes(b"")
    python = kiosk / "python"

    def found() -> list[str]:
        return [str(each) for each in find_obstacles(kiosk, NOT_A_USER, python, (), played)]

    [text] = found()
    assert (
        f"camera.source: user '{NOT_A_USER}' cannot enter {home}. Copy the file into the ki" in text
    )
    home.chmod(0o755)
    assert found() == []
    private = played / "a.jpg" if is_folder else played
    private.write_bytes(b"")
    private.chmod(0o600)
    [text] = found()
    assert f"camera.source: user '{NOT_A_USER}' cannot read {private}" in text


@pytest.mark.parametrize("mode", [0o700, 0o750])
def test_a_private_home_is_refused_with_the_reason(kiosk: Path, mode: int) -> None:
    """A kiosk in a private home folder is refused, because the unit's user cannot reach it."""
    kiosk.parent.chmod(mode)
    [text] = words(kiosk)
    assert text.startswith(f"kiosk service: user '{NOT_A_USER}' cannot enter {kiosk.parent}. ")
    assert "Put the kiosk into /opt/kiosk" in text


def test_a_python_in_a_private_home_is_refused(kiosk: Path, base: Path) -> None:
    """The virtual environment is a link to a Python in another folder."""
    private = base / "pyenv"
    private.mkdir(mode=0o700)
    (private / "python3").write_text("#!/bin/sh\n")
    (private / "python3").chmod(0o755)
    link = kiosk / "python-link"
    link.symlink_to(private / "python3")
    [text] = words(kiosk, link)
    assert f"cannot enter {private}. Install a Python that every user can execute" in text


def test_a_file_that_only_its_owner_can_read_is_named(kiosk: Path) -> None:
    """A file that only its owner can read, such as one copied from a stick, is named."""
    (kiosk / "models/persons/labels.csv").chmod(0o600)
    [text] = words(kiosk)
    assert f"cannot read {kiosk}/models/persons/labels.csv" in text


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm"])
def test_a_folder_that_the_unit_hides_is_refused(folder: str) -> None:
    """A folder that the unit hides from the show, such as /tmp, is refused."""
    texts = words(Path(folder, "kiosk"), Path(sys.executable))
    text = f"the unit hides everything below {folder} from the show"
    assert any(text in each for each in texts)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_python_on_a_disk_without_programs_is_refused(kiosk: Path) -> None:
    """A Python on a disk that is mounted with noexec is refused; sticks often are."""
    program = (
        "import sys; from pathlib import Path\n"
        "from installation.guarding.unit_access import find_obstacles\n"
        "root = Path(sys.argv[1]); python = root / 'models/python'; python.write_text('')\n"
        "python.chmod(0o755)\n"
        "print(*find_obstacles(root, 'root', python, ()))\n"
    )
    mount = 'mount -t tmpfs -o noexec none "$1/models" && exec "$2" -c "$3" "$1"'
    words = ["unshare", "--mount", "sh", "-c", mount, "sh", str(kiosk), sys.executable, program]
    tried = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{kiosk}/models/python is on a disk that is mounted with noexec" in tried.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711, 0o705, 0o700])
def test_the_mode_decides_as_the_kernel_does(kiosk: Path, mode: int) -> None:
    """For each mode, the check agrees with whether another user can really read in the folder."""
    kiosk.chmod(mode)
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    reading = subprocess.run([*user, "cat", str(kiosk / "kiosk.yaml")], check=False)
    account = Account(NOBODY, frozenset({NOBODY}))
    assert account.may(1, kiosk.stat()) == (reading.returncode == 0)


def test_only_groups_that_exist_are_named() -> None:
    """Not every system has the group render, and systemd starts no unit with a missing group."""
    assert existing_groups(["root", "no-such-group"]) == ["root"]
