"""What the launcher hands to the show that it becomes: what stands, and what is missing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from installation.errors import Mistake

VARIABLE = "KIOSK_STANDING"

Privacy = Literal["enforce", "degraded"]

LANDLOCK, NEW_PRIVILEGES, CORE_DUMPS = "Landlock", "new privileges", "core dumps"
SECCOMP, FILE_SIZE_LIMIT, CLOSED_MEMORY = "seccomp", "file size limit", "closed memory"
"""The layers, as whatever is missing calls them: those of the first stage, and of the second, which
has seccomp once more."""

FIRST_STAGE = "the first stage"
"""What is missing where there was no launcher."""


@dataclass(frozen=True)
class Standing:
    """How the first stage went.

    It comes through the environment and is taken on trust: `privacy` lets the show run without a
    guard, and `devices`, `report` and `kin` are passed over by the look through what is open. That
    the guard holds is not in it, for that is found out by trying: `ground` is the folder that the
    attempts try to change.
    """

    privacy: Privacy
    missing: tuple[Mistake, ...] = ()
    ground: str = "/nowhere"
    devices: tuple[str, ...] = ()
    report: int | None = None
    """The end of the pipe to the clerk who writes the report."""
    report_clerk: int | None = None
    clerks: tuple[int, ...] = ()
    """Those who write what comes on standard error, and on standard output to a file."""
    kin: tuple[int, ...] = ()
    """Processes that this one had started, or was given, before the first stage: the clerks."""
    started_at: float | None = None
    """When the launcher began, s on the monotonic clock."""

    def exported(self) -> str:
        """Return it as the value of the environment's `VARIABLE`."""
        return json.dumps(asdict(self))


def inherited(environment: Mapping[str, str] = os.environ) -> Standing | None:
    """Return what the launcher left, or None where the show was started without it."""
    said = environment.get(VARIABLE)
    if said is None:
        return None
    fields = json.loads(said)
    standing = Standing(**fields)
    return replace(
        standing,
        missing=tuple(Mistake(**mistake) for mistake in fields["missing"]),
        devices=tuple(standing.devices),
        clerks=tuple(standing.clerks),
        kin=tuple(standing.kin),
    )


def prepare_ground(environment: Mapping[str, str] = os.environ) -> Path:
    """Return a new folder of this user's own, in memory where there is one, to try to change.

    Without a place where this user may write, an attempt that fails would prove nothing. Raises
    OSError where there is no such place.
    """
    bases = [environment.get("RUNTIME_DIRECTORY"), "/dev/shm", "/tmp"]  # noqa: S108 - a new name
    failure = OSError("there is no place to write")
    # A unit may let nobody use what is made; then it is not the guard that keeps the attempts out.
    before = os.umask(0o077)
    try:
        for base in filter(None, bases):
            ground = Path(base, f"kiosk-proof-{os.getpid()}-{os.urandom(8).hex()}")
            try:
                _prepare(ground)
            except OSError as seen:
                failure = seen
            else:
                return ground
    finally:
        os.umask(before)
    raise failure


def _prepare(ground: Path) -> None:
    ground.mkdir()
    (ground / "folder").mkdir()
    (ground / "file").write_bytes(b"nothing\n")
    os.mkfifo(ground / "pipe")
