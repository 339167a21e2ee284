"""The first stage: one thread gives up what it may do, and becomes the show.

Nothing but the standard library is loaded here, for a library that starts a thread would leave that
thread free. What is taken away is inherited by the program that this process becomes, by every
thread of it and by every process that it starts, and nothing gives it back.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from installation.errors import Mistake
from installation.guarding.output_filter import OUTPUT, SAID, Allowance, Clerk
from installation.guarding.status import (
    CORE_DUMPS,
    LANDLOCK,
    NEW_PRIVILEGES,
    SECCOMP,
    VARIABLE,
    Privacy,
    Standing,
    prepare_ground,
)
from installation.settings.paths import PROJECT

DEVICES = (
    r"null",
    r"video\d+",  # cameras
    r"dri/(card|renderD)\d+",  # the display and its GPU
    # What CUDA opens.
    r"nvidia(ctl|\d+|-uvm|-uvm-tools|-modeset)",
)
"""Under /dev: what the show may write to. Each that is there is allowed by its own name."""

SURROUNDINGS = {
    # No daemon is started for a bus that nobody needs.
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
    # Caches on disk: of shaders, of compiled kernels, of Python.
    "MESA_SHADER_CACHE_DISABLE": "true",
    "MESA_GLSL_CACHE_DISABLE": "true",
    "__GL_SHADER_DISK_CACHE": "0",
    "CUDA_CACHE_DISABLE": "1",
    "USE_PYTORCH_KERNEL_CACHE": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    # Nothing is compiled at run time: it forks compilers and writes files.
    "TORCH_COMPILE_DISABLE": "1",
    # torch makes this folder when it is imported, and is content where it is there.
    "TORCHINDUCTOR_CACHE_DIR": "/",
    # glibc keeps small pieces of freed memory as they were in this cache, and overwrites others.
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    # Nothing is fetched.
    "HF_HUB_OFFLINE": "1",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}

_BECOME = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from installation.cli.main import start; start()"
)


def become_the_show(
    arguments: Sequence[str], privacy: Privacy, report: Path | None, started_at: float
) -> NoReturn:
    """Enter the first stage and execute `kiosk` with `arguments`; what is missing goes with it."""
    standing = Standing(privacy, started_at=started_at)
    standing = first_stage(standing, report) if sys.platform == "linux" else _foreign(standing)
    environment = surroundings(os.environ) | {VARIABLE: standing.exported()}
    program = [sys.executable, "-B", "-P", "-c", _BECOME, str(PROJECT), *arguments]
    os.execve(sys.executable, program, environment)  # noqa: S606 - a shell is what it must not be


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with everything turned off that would write files or start programs."""
    chosen = dict(environment) | SURROUNDINGS
    if "SDL_VIDEODRIVER" not in chosen:
        # Named, for SDL would otherwise take a driver that shows nothing where this one fails.
        for variable, driver in (("DISPLAY", "x11"), ("WAYLAND_DISPLAY", "wayland")):
            if chosen.get(variable):
                chosen["SDL_VIDEODRIVER"] = driver
                break
    return chosen


def _foreign(standing: Standing) -> Standing:
    missing = Mistake(
        "the guard", f"{sys.platform} has neither Landlock nor seccomp", "Take a Linux computer."
    )
    return replace(standing, missing=(missing,))


def first_stage(standing: Standing, report: Path | None) -> Standing:
    """Take away what can be taken away, in the order that holds; name what cannot be."""
    missing: list[Mistake] = []

    def lay(layer: str, remedy: str, step: Callable[[], object]) -> None:
        try:
            step()
        except (OSError, NotImplementedError, ImportError) as failure:
            what = getattr(failure, "strerror", None) or str(failure)
            missing.append(Mistake(layer, f"it cannot be had here ({what})", remedy))

    from installation.guarding import open_files, output_filter
    from installation.guarding.layers import landlock, limits, seccomp

    newer = "Take Linux 6.12 or newer with Landlock and seccomp switched on."
    if threads := len(os.listdir("/proc/self/task")) - 1:
        missing.append(Mistake("one thread", f"{threads} more run already", "Start it plainly."))
    clerks: list[int] = []
    clerks += _hand_over(output_filter.write_lines)
    reporter = output_filter.write_report(report) if report else None
    _close_others(reporter.pipe if reporter else None)
    devices = present_devices()
    ground: list[Path] = []

    def take_ground() -> None:
        ground.append(prepare_ground())
        output_filter.clear_away(ground[0])

    lay("the proof", "Give the show's user a RuntimeDirectory.", take_ground)
    kin = open_files.children()
    lay("orphans", newer, limits.take_in_orphans)
    lay(CORE_DUMPS, "Start it as an ordinary user.", limits.forbid_dumps)

    def take_files() -> None:
        nvidia = any(device.name == "nvidiactl" for device in devices)
        version = landlock.restrict(devices, thread_names=nvidia)
        if version < landlock.NEEDED_ABI:
            raise NotImplementedError(f"version {version}, expected {landlock.NEEDED_ABI} or later")

    lay(LANDLOCK, newer, take_files)
    lay(NEW_PRIVILEGES, newer, landlock.forbid_new_privileges)
    if os.geteuid() == 0 or limits.rights() & ~limits.READ_ALL:
        lay("rights of root", "Start it as an ordinary user.", limits.drop_rights)
    lay(SECCOMP, newer, lambda: seccomp.enter(seccomp.FIRST, all_threads=False))
    return replace(
        standing,
        missing=tuple(missing),
        ground=str(ground[0]) if ground else standing.ground,
        devices=tuple(map(str, devices)),
        report=reporter.pipe if reporter else None,
        report_clerk=reporter.pid if reporter else None,
        clerks=tuple(clerks),
        kin=tuple(kin),
    )


def present_devices(dev: Path = Path("/dev")) -> list[Path]:
    """Return the character devices among `DEVICES` that this machine has."""
    form = re.compile("|".join(f"(?:{pattern})" for pattern in DEVICES))
    return [
        path
        for path in sorted((*dev.iterdir(), *(dev / "dri").glob("*")))
        if form.fullmatch(str(path.relative_to(dev))) and path.is_char_device()
    ]


def _hand_over(hire: Callable[[int, Allowance], Clerk]) -> list[int]:
    """Put pipes to clerks in the place of standard error, and of output to a file; return pids.

    Standard input, which nobody reads, becomes nothing, and so does what is closed: the next file
    would take its number.
    """
    pids = []
    _put_nothing(0)
    for stream, allowed in ((1, OUTPUT), (2, SAID)):
        try:
            regular = stat.S_ISREG(os.fstat(stream).st_mode)
        except OSError:
            _put_nothing(stream)
            continue
        if regular or stream == 2:
            hired = hire(stream, allowed)
            os.dup2(hired.pipe, stream)
            os.close(hired.pipe)
            pids.append(hired.pid)
    return pids


def _put_nothing(stream: int) -> None:
    """Put /dev/null in the place of `stream`, for the show, too."""
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing == stream:
        os.set_inheritable(stream, True)
    else:
        os.dup2(nothing, stream)
        os.close(nothing)


def _close_others(report: int | None) -> None:
    """Close every file but the standard streams and the pipe to the report's clerk."""
    for file in [int(name) for name in os.listdir("/proc/self/fd")]:
        if file > 2 and file != report:
            try:
                os.close(file)
            except OSError:
                continue  # The listing's own.
    if report is not None:
        os.set_inheritable(report, True)
