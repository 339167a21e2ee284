"""Stage one of the sandbox: the launcher gives up its rights and becomes the show.

The launcher is a process with one thread. It loads only the standard library and PyYAML, because
other libraries might start a thread. Landlock and seccomp would not restrict that thread: they
apply only to the calling thread, and to what this thread starts later. The program that this
process executes, its threads and its child processes inherit the restrictions. None of them can
undo the restrictions.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from installation.errors import Mistake
from installation.guarding.output import line_filter, output_filter
from installation.guarding.status import (
    CORE_DUMPS,
    ENVIRONMENT_VARIABLE,
    LANDLOCK,
    NO_NEW_PRIVILEGES,
    SECCOMP,
    SandboxStatus,
    make_scratch_dir,
    missing_layer,
)
from installation.guarding.video_outputs import is_video_output, takes_pictures
from installation.isolated import OPTIONS
from installation.settings.paths import PROJECT

NEWER_KERNEL = (
    "Use Linux 5.13 or newer with seccomp enabled. Or write `privacy: degraded` in kiosk.yaml: "
    "the show then runs, but does not promise visitors that pictures cannot be stored."
)
"""The remedy for most missing layers."""

DEVICE_PATTERNS = (
    r"null",
    r"video\d+",  # cameras
    r"dri/(card|renderD)\d+",  # the display and its GPU
    # the devices that CUDA opens
    r"nvidia(ctl|\d+|-uvm|-uvm-tools|-modeset)",
)
"""The patterns of the devices in /dev that the show may write to. Each matching device gets its own
Landlock rule.
"""

ENVIRONMENT = {
    # Keeps SDL from starting a D-Bus daemon.
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
    # Turn off caches on disk: shaders, compiled kernels, Python's bytecode.
    "MESA_SHADER_CACHE_DISABLE": "true",
    "MESA_GLSL_CACHE_DISABLE": "true",
    "__GL_SHADER_DISK_CACHE": "0",
    "CUDA_CACHE_DISABLE": "1",
    "USE_PYTORCH_KERNEL_CACHE": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    # torch.compile starts compilers and writes files.
    "TORCH_COMPILE_DISABLE": "1",
    # torch creates this folder during its import unless it exists.
    "TORCHINDUCTOR_CACHE_DIR": "/",
    # glibc does not overwrite small freed blocks while they are in this cache.
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    # Prevents downloads.
    "HF_HUB_OFFLINE": "1",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}
"""The environment variables that keep libraries from writing files, starting programs and
downloading.
"""

_KEPT = re.compile(
    # The session: language, time zone, and the address of the display.
    r"PATH|HOME|USER|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLUMNS|NO_COLOR"
    r"|DISPLAY|XAUTHORITY|WAYLAND_DISPLAY|XDG_(RUNTIME_DIR|SESSION_TYPE|CURRENT_DESKTOP)"
    # systemd.
    r"|RUNTIME_DIRECTORY|SYSTEMD_EXEC_PID|INVOCATION_ID|KIOSK_LABELS_WATCHED"
    # How the display, the processor and the graphics card are used.
    r"|SDL_(VIDEODRIVER|VIDEO_\w+|RENDER_\w+|HINT_\w+|FRAMEBUFFER_ACCELERATION)"
    r"|OMP_\w+|MKL_\w+|OPENBLAS_NUM_THREADS|CUDA_VISIBLE_DEVICES|CUDA_DEVICE_ORDER"
    r"|LIBGL_ALWAYS_SOFTWARE|__GLX_VENDOR_LIBRARY_NAME"
)
"""Matches the names of the environment variables that the show needs."""

_SHOW_PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "sys.path.insert(0, sys.argv.pop(1)); "
    "from installation.guarding.first_act import close_to_others; close_to_others(); "
    "from installation.cli.main import start; start()"
)


def start_show(
    arguments: Sequence[str],
    status: SandboxStatus,
    report: Path | None,
    *,
    logs_json: bool = False,
) -> NoReturn:
    """Enter stage one, then execute `kiosk` with `arguments` and the status of the sandbox.

    `status` contains what the launcher knows before stage one. The numbers of the summary go to the
    file `report`. `logs_json` says whether each line on standard error is written as JSON.
    """
    if sys.platform == "linux":
        status = enter_stage_one(status, report, logs_json=logs_json)
    else:
        problem = f"{sys.platform} has neither Landlock nor seccomp"
        missing = Mistake("sandbox", problem, "Use a computer with Linux.")
        status = replace(status, missing=(missing,))
        for pipe in status.pipes:
            os.set_inheritable(pipe, True)
    environment = show_environment(os.environ) | {ENVIRONMENT_VARIABLE: status.to_json()}
    program = [sys.executable, *OPTIONS, "-c", _SHOW_PROGRAM, str(PROJECT), *arguments]
    os.execve(sys.executable, program, environment)  # noqa: S606 - without a shell on purpose


def show_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environment` that the show needs, and all of `ENVIRONMENT`.

    All unknown variables are left out. So are variables that make the loader, Python or a library
    load code that does not belong to the show (LD_PRELOAD, PYTHONPATH).
    """
    kept = {name: text for name, text in environment.items() if _KEPT.fullmatch(name)}
    return kept | ENVIRONMENT


def enter_stage_one(
    status: SandboxStatus, report: Path | None, *, logs_json: bool = False
) -> SandboxStatus:
    """Set up the layers of stage one; return `status` with the results.

    In the returned status, `missing` lists a `Mistake` for each layer that could not be set up.

    The order matters, because output filters and the scratch folder need rights that the layers
    remove.
    """
    streams = _open_closed_streams()
    missing: list[Mistake] = []

    def set_up(layer: str, remedy: str, step: Callable[[], object]) -> None:
        try:
            step()
        except (OSError, NotImplementedError, ImportError) as failure:
            missing.append(missing_layer(layer, failure, remedy))

    from installation.guarding import open_files
    from installation.guarding.layers import landlock, limits, seccomp

    if more := len(os.listdir("/proc/self/task")) - 1:
        problem = (
            f"the launcher has {more + 1} threads when it enters the sandbox (expected 1), and the "
            "sandbox covers only one of them"
        )
        missing.append(Mistake("threads", problem, "Start the show with `kiosk run`."))
    filters = _redirect_streams(
        streams, may_open_cameras=status.may_open_cameras, logs_json=logs_json
    )
    reporter = output_filter.start_report_filter(report) if report else None
    status = replace(status, report_pipe=reporter.pipe if reporter else None)
    _close_other_files(status.pipes)
    present = present_devices()
    status = replace(status, video_outputs=_find_outputs(status, present))
    devices = allowed_devices(status, present)

    def prepare_scratch_dir() -> None:
        nonlocal status
        scratch_dir = make_scratch_dir()
        status = replace(
            status, scratch_dir=str(scratch_dir), unavailable=_find_unavailable(scratch_dir)
        )
        output_filter.remove_on_exit(scratch_dir)

    set_up(
        "scratch folder",
        "Let the show's user write into /dev/shm. Or set RuntimeDirectory= in a systemd unit: "
        "systemd then makes a folder that the show may write to.",
        prepare_scratch_dir,
    )
    known_children = open_files.children()
    set_up("orphaned processes", NEWER_KERNEL, limits.become_subreaper)
    set_up(
        CORE_DUMPS,
        "Any user may do this. Check whether another sandbox, such as a container's, forbids the "
        "system call setrlimit.",
        limits.disable_core_dumps,
    )

    def restrict_files() -> None:
        nonlocal status
        nvidia = any(device.name == "nvidiactl" for device in devices)
        version = landlock.restrict(devices, thread_names=nvidia)
        status = replace(status, landlock_version=version)

    if landlock.abi():
        set_up(LANDLOCK, NEWER_KERNEL, restrict_files)
    else:
        status = replace(status, cameras=_open_cameras(status, devices))
    set_up(NO_NEW_PRIVILEGES, NEWER_KERNEL, landlock.set_no_new_privileges)
    if os.geteuid() == 0 or limits.capabilities() & ~limits.CAP_DAC_READ_SEARCH:
        set_up("capabilities", "Start the show as an ordinary user.", limits.drop_capabilities)
    set_up(SECCOMP, NEWER_KERNEL, lambda: seccomp.install(seccomp.STAGE_ONE, all_threads=False))
    return replace(
        status,
        missing=tuple(missing),
        devices=tuple(map(str, devices)),
        report_filter_pid=reporter.pid if reporter else None,
        output_filter_pids=tuple(filters),
        known_children=tuple(known_children),
    )


def _find_unavailable(scratch_dir: Path) -> dict[str, int]:
    """Return the error numbers of the probes that fail even without the sandbox, keyed by name.

    Only probes that change nothing but `scratch_dir` are tried.
    """
    from installation.guarding.probes.files import IN_SCRATCH_DIR
    from installation.guarding.probes.probe import find_unavailable

    # A unit's UMask may deny all permissions, and the files that a probe makes again must stay
    # accessible.
    previous_umask = os.umask(0o077)
    try:
        return find_unavailable(IN_SCRATCH_DIR, scratch_dir)
    finally:
        os.umask(previous_umask)


def present_devices(dev: Path = Path("/dev")) -> list[Path]:
    """Return the character devices of this machine that match `DEVICE_PATTERNS`."""
    form = re.compile("|".join(f"(?:{pattern})" for pattern in DEVICE_PATTERNS))
    return [
        path
        for path in sorted((*dev.iterdir(), *(dev / "dri").glob("*")))
        if form.fullmatch(str(path.relative_to(dev))) and path.is_char_device()
    ]


def allowed_devices(status: SandboxStatus, present: Iterable[Path]) -> list[Path]:
    """Return the devices in `present` that the show may open for writing."""
    return [
        device
        for device in present
        if not device.name.startswith("video")
        or (status.may_open_cameras and str(device) not in status.video_outputs)
    ]


def _find_outputs(status: SandboxStatus, present: Iterable[Path]) -> tuple[str, ...]:
    """Return the paths of the devices in `present` to which pictures can be written.

    The result is empty if the show may open no camera. It is also empty if `privacy` is `degraded`,
    because a show with this setting may open every device.
    """
    if status.privacy == "degraded" or not status.may_open_cameras:
        return ()
    return tuple(
        str(device)
        for device in present
        if device.name.startswith("video") and is_video_output(device)
    )


def _open_cameras(status: SandboxStatus, devices: Iterable[Path]) -> dict[str, int]:
    """Return the descriptors of the cameras in `devices` that can be opened, keyed by path.

    With `privacy: enforce`, a device to which pictures can be written is closed again and left out.
    The open device is checked, because its path may meanwhile lead to another device.
    """
    cameras = {}
    for device in devices:
        if device.name.startswith("video"):
            with contextlib.suppress(OSError):
                file = os.open(device, os.O_RDWR | os.O_NONBLOCK)
                if status.privacy == "enforce" and takes_pictures(file):
                    os.close(file)
                    continue
                os.set_inheritable(file, True)
                cameras[str(device)] = file
    return cameras


def _redirect_streams(
    streams: Collection[int], *, may_open_cameras: bool, logs_json: bool
) -> list[int]:
    """Put output filters between the show and the open `streams`; return their process ids.

    A stream that leads to /dev/null needs no filter. Without `may_open_cameras`, as in an audit,
    standard output may carry much more text than in a show. `logs_json` says whether each line on
    standard error is written as JSON.
    """
    pids = []
    null = os.stat(os.devnull).st_rdev
    for stream in streams:
        status = os.fstat(stream)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == null:
            continue
        stdout = line_filter.STDOUT if may_open_cameras else line_filter.AUDIT
        stderr = replace(line_filter.STDERR, as_json=logs_json)
        limits = stderr if stream == 2 else stdout
        started = output_filter.start_line_filter(stream, limits)
        os.dup2(started.pipe, stream)
        os.close(started.pipe)
        pids.append(started.pid)
    return pids


def _open_closed_streams() -> list[int]:
    """Open /dev/null as standard input and as each closed output; return the open outputs.

    The outputs are the descriptors 1 and 2; the result has those that were open. If the number of a
    closed output stayed free, the next opened file would get it, and the output would go into this
    file. An import may open a file: with libffi 3.5, ctypes keeps one open.
    """
    _open_null_as(0)
    others = []
    for stream in (1, 2):
        try:
            os.fstat(stream)
            others.append(stream)
        except OSError:
            _open_null_as(stream)
    return others


def _open_null_as(stream: int) -> None:
    """Open /dev/null as the inheritable file descriptor `stream`."""
    null = os.open(os.devnull, os.O_RDWR)
    if null == stream:
        os.set_inheritable(stream, True)
    else:
        os.dup2(null, stream)
        os.close(null)


def _close_other_files(kept: Collection[int]) -> None:
    """Close every descriptor except the standard streams and the descriptors `kept`."""
    for file in [int(name) for name in os.listdir("/proc/self/fd")]:
        if file > 2 and file not in kept:
            try:
                os.close(file)
            except OSError:
                continue  # Closed: it was the descriptor of the listing.
    for file in kept:
        os.set_inheritable(file, True)
