"""The result of stage one: missing layers, and objects that the search for leaks must allow.

The allowed objects are devices, the report's pipe and known child processes. Stage one ends by
executing the show in the same process, so the show receives the status as JSON in an environment
variable.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from installation.errors import Mistake

ENVIRONMENT_VARIABLE = "KIOSK_SANDBOX_STATUS"

Privacy = Literal["enforce", "degraded"]
"""The setting `privacy` of kiosk.yaml."""

LANDLOCK, NO_NEW_PRIVILEGES, CORE_DUMPS = "Landlock", "no new privileges", "core dumps"
SECCOMP, FILE_SIZE_LIMIT, MEMORY_PROTECTION = "seccomp", "file size limit", "memory protection"
"""The names of the sandbox's six layers, from `LANDLOCK` to `MEMORY_PROTECTION`. Stage one sets up
Landlock, forbids new privileges and core dumps, and installs a seccomp filter. The middle stage and
stage two each add a seccomp filter. The show protects its memory before it does anything else
(`first_act`), and stage two limits the size of files.

A missing layer is reported under its name.
"""

STAGE_ONE = "stage one"
"""The name of the missing layer that is reported if the show was started without `kiosk run`."""


@dataclass(frozen=True)
class SandboxStatus:
    """The result of stage one.

    `privacy` decides whether the show may run without a complete sandbox, and the search for leaks
    allows `devices`, `pipes` and `known_children`. The status does not state whether the sandbox
    works. The self-test finds this out with probes, some of which try to change `scratch_dir`.
    """

    privacy: Privacy
    missing: tuple[Mistake, ...] = ()
    scratch_dir: str = "/nowhere"
    devices: tuple[str, ...] = ()
    report_pipe: int | None = None
    """The descriptor of the pipe to the output filter that writes the report."""
    report_filter_pid: int | None = None
    output_filter_pids: tuple[int, ...] = ()
    """The process ids of the output filters of standard output and standard error. A stream that is
    closed or leads to /dev/null has none.
    """
    known_children: tuple[int, ...] = ()
    """The ids of the child processes that started before stage one, such as the output filters."""
    started_at: float | None = None
    """The time at which the launcher started, in seconds of the monotonic clock."""
    unavailable: Mapping[str, int] = field(default_factory=dict)
    """The error number of each probe that failed before any layer was set up, keyed by the probe's
    name.

    If a probe fails with the same number in the self-test, the machine refuses it even without the
    sandbox. The probe then counts as "absent": it does not show whether the sandbox works.
    """
    progress_pipe: int | None = None
    """The descriptor of the pipe through which this process sends numbers to the supervisor."""
    orders_pipe: int | None = None
    """The descriptor of the pipe from the supervisor. Through this pipe, the supervisor permits a
    show to open its camera. The supervisor also tells the card, a process that has no camera, the
    name of the picture to display.
    """
    landlock_version: int = 0
    """The version of Landlock that restricts this process; 0: this kernel has none."""
    cameras: Mapping[str, int] = field(default_factory=dict)
    """The descriptors of the cameras that the launcher has opened, keyed by path.

    The launcher opens them only if the kernel has no Landlock, because the show may then open
    nothing for writing in stage two.
    """
    may_open_cameras: bool = True
    video_outputs: tuple[str, ...] = ()
    """The video devices that this process may not open, because pictures can be written to them."""
    camera_id: int = 0
    """A number computed from the path of the camera that an earlier process of this show used; 0 if
    there is no such camera.
    """
    waits_for_camera: bool = False
    """Whether the show waits for a missing camera. If not, the show ends, with a message for the
    person who started it.
    """

    @property
    def pipes(self) -> tuple[int, ...]:
        """The descriptors of the pipes to processes outside the sandbox."""
        pipes = (self.report_pipe, self.progress_pipe, self.orders_pipe)
        return tuple(pipe for pipe in pipes if pipe is not None)

    def to_json(self) -> str:
        """Return this status as JSON, the text to store in `ENVIRONMENT_VARIABLE`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> SandboxStatus | None:
        """Return the status that stage one left; None if the show was started without stage one."""
        text = environment.get(ENVIRONMENT_VARIABLE)
        if text is None:
            return None
        fields = json.loads(text)
        status = cls(**fields)
        return replace(
            status,
            missing=tuple(Mistake(**mistake) for mistake in fields["missing"]),
            devices=tuple(status.devices),
            video_outputs=tuple(status.video_outputs),
            output_filter_pids=tuple(status.output_filter_pids),
            known_children=tuple(status.known_children),
        )


def missing_layer(layer: str, failure: Exception, remedy: str) -> Mistake:
    """Return a mistake which says that `layer` could not be set up because of `failure`."""
    reason = getattr(failure, "strerror", None) or str(failure)
    return Mistake(layer, f"not available on this machine ({reason})", remedy)


def make_scratch_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Create and return a folder that this user may write to; the probes try to change it.

    The folder must be writable without the sandbox: otherwise a refused probe would not show that
    the sandbox refused it. The folder is in memory if any folder in memory is writable. Folders
    that killed shows have left are removed first. Raises OSError if no folder is writable.
    """
    remove_scratch_dirs(environment)
    failure = OSError("no folder is writable")
    # A unit's UMask may deny all permissions; then file permissions would refuse the probes.
    previous_umask = os.umask(0o077)
    try:
        for base in _bases(environment):
            scratch_dir = Path(base, f"kiosk-scratch-{os.getpid()}-{os.urandom(8).hex()}")
            try:
                _fill(scratch_dir)
            except OSError as error:
                failure = error
            else:
                return scratch_dir
    finally:
        os.umask(previous_umask)
    raise failure


def remove_scratch_dirs(environment: Mapping[str, str] = os.environ) -> None:
    """Remove the scratch folders that this user's earlier shows left behind.

    Usually a separate process removes a show's folder when the show ends
    (`output_filter.remove_on_exit`). If that process is killed too, the folder is left behind.
    """
    for base in _bases(environment):
        for folder in _left_scratch_dirs(Path(base)):
            import shutil  # At the top, this import would delay the launcher.

            shutil.rmtree(folder, ignore_errors=True)


def _left_scratch_dirs(base: Path) -> Iterator[Path]:
    """Yield the scratch folders in `base` that belong to this user, and whose process has ended."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(base):
            form = re.fullmatch(r"kiosk-scratch-([0-9]+)-[0-9a-f]{16}", entry.name)
            with contextlib.suppress(OSError):  # Another process has removed it.
                is_own = form and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
                if form and is_own and not Path("/proc", form[1]).exists():
                    yield Path(entry.path)


def _bases(environment: Mapping[str, str]) -> list[str]:
    """Return the folders in which a scratch folder may be; the first writable one is used."""
    unit_folder = environment.get("RUNTIME_DIRECTORY")
    return [*filter(None, [unit_folder]), "/dev/shm", "/tmp"]  # noqa: S108 - a new name


def _fill(scratch_dir: Path) -> None:
    scratch_dir.mkdir()
    (scratch_dir / "folder").mkdir()
    (scratch_dir / "file").write_bytes(b"nothing\n")
    os.mkfifo(scratch_dir / "pipe")
