"""Checks whether the systemd unit's user can read and execute all files that the unit needs.

systemd does not explain a missing permission: if the user cannot reach a program, systemd logs
"203/EXEC" once a second, and the screen stays empty. Debian makes home folders with mode 0700, so
other users cannot enter them. Access control lists and SELinux are not checked.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from installation.errors import Mistake, limit_mistakes

HIDDEN = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue")  # noqa: S108 - only compared
"""The folders that the unit hides from the show, because every user can write there."""

INSTALL_ELSEWHERE = (
    "Put the kiosk into /opt/kiosk, run /opt/kiosk/scripts/run, and print the unit again with "
    "/opt/kiosk/scripts/kiosk service."
)
MOVE_SOURCE = "Copy the file into the kiosk's folder, and write its new path under camera.source."
INSTALL_PYTHON = (
    "Install a Python that every user can execute (sudo apt-get install python3 python3-venv), "
    "remove .venv, make it again with that Python (PATH=/usr/bin:/bin scripts/run), and print the "
    "unit again."
)


@dataclass(frozen=True)
class Account:
    """A user and their groups. A user whose `uid` is None owns nothing and has no groups."""

    uid: int | None
    groups: frozenset[int] = frozenset()

    @classmethod
    def from_name(cls, name: str) -> Account:
        """Return the account `name`; if it does not exist yet, an account that owns nothing."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return cls(None)
        return cls(entry.pw_uid, frozenset(os.getgrouplist(name, entry.pw_gid)))

    def may(self, permission: int, status: os.stat_result) -> bool:
        """Return whether the mode bits in `status` grant the account `permission`.

        4 is the permission to read, 1 to execute a file or enter a folder.
        """
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            permission <<= 6
        elif status.st_gid in self.groups:
            permission <<= 3
        return bool(status.st_mode & permission)


def find_obstacles(
    root: Path,
    user: str,
    python: Path,
    libraries: Iterable[Path] | None = None,
    source: Path | None = None,
) -> list[Mistake]:
    """Return a `Mistake` for each file that prevents `user` from running the kiosk in `root`.

    `python` is the interpreter that runs the kiosk. `libraries` are the folders from which it
    imports modules, by default the folders from which this process imports. `source` is the film or
    the folder of pictures that is played instead of a camera.
    """
    account = Account.from_name(user)
    read = (*_files(root), *(_import_folders() if libraries is None else libraries))
    mistakes = []
    for path, executed in [*((path, False) for path in read), (python, True)]:
        for base in dict.fromkeys((path, Path(os.path.realpath(path)))):
            if problem := _obstacle(base, user, account, executed=executed):
                remedy = INSTALL_ELSEWHERE if base.is_relative_to(root) else INSTALL_PYTHON
                mistakes.append(Mistake("kiosk service", problem, remedy))
    mistakes += [
        Mistake("kiosk service", f"camera.source: {problem}", MOVE_SOURCE)
        for path in (() if source is None else _played_files(source))
        if (problem := _obstacle(path, user, account, executed=False))
    ]
    return limit_mistakes(list(dict.fromkeys(mistakes))) if mistakes else []


def _import_folders() -> list[Path]:
    return [Path(name) for name in sys.path if name and os.path.isdir(name)]


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of the project that a show reads."""
    yield from filter(Path.exists, [root / "kiosk.yaml"])
    for name in ("installation", "models"):
        yield root / name
        for folder, _, files in os.walk(root / name):
            yield from (Path(folder, file) for file in files)


def _played_files(source: Path) -> list[Path]:
    """Return the film, or the folder of pictures and its files; none if `source` does not exist."""
    if not source.is_dir():
        return [source] if source.exists() else []
    return [source, *(file for file in source.iterdir() if file.is_file())]


def _obstacle(path: Path, user: str, account: Account, *, executed: bool) -> str | None:
    """Return the reason why `account` cannot read or execute `path`; None if it can.

    `executed` says whether `path` must be executable; `user` is the account's name in the reason.
    """
    for hidden in HIDDEN:
        if path.is_relative_to(hidden):
            return f"the unit hides everything below {hidden} from the show"
    for folder in (*reversed(path.parents), path):
        try:
            status = os.stat(folder)
        except OSError as error:
            return f"this command cannot access {folder} ({error.strerror})"
        enters = stat.S_ISDIR(status.st_mode)
        if enters and not account.may(stat.S_IXOTH, status):
            return f"user '{user}' cannot enter {folder}"
    if not account.may(stat.S_IROTH, status):
        return f"user '{user}' cannot read {path}"
    if executed and not account.may(stat.S_IXOTH, status):
        return f"user '{user}' cannot execute {path}"
    if executed and os.statvfs(path).f_flag & os.ST_NOEXEC:
        return f"{path} is on a disk that is mounted with noexec"
    return None


def existing_groups(names: Iterable[str]) -> list[str]:
    """Return the groups in `names` that exist; systemd rejects a unit with a missing group."""
    known = {entry.gr_name for entry in grp.getgrall()}
    return [name for name in names if name in known]
