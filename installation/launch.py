"""Starts every command. `kiosk run` becomes the supervisor, which starts each show in the sandbox.

A show enters stage one of the sandbox before anything else is loaded. This module and its imports
use only the standard library and PyYAML, and start no thread. Before this module, Python may have
run other code, such as sitecustomize. So if a command uses the sandbox, Python replaces itself by
an isolated Python, which runs no such code (`isolated`), and the command starts again. If this
Python is isolated already, the command simply continues.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from installation import STARTED_AT, __version__
from installation.cli.arguments import CAMERA_TRIAL, run_parser
from installation.guarding.stage_one import start_show
from installation.guarding.status import Privacy, SandboxStatus, remove_scratch_dirs
from installation.guarding.witness import Witness
from installation.isolated import isolate
from installation.settings.paths import DEFAULT_FILE, MAX_TEXT_BYTES, PROJECT, label_set_names

if TYPE_CHECKING:
    from installation.running.started import Started

NOT_A_PROJECT = (
    f"kiosk: {PROJECT} contains neither kiosk.yaml nor a label set in models/, because the package "
    "was installed without them. Run scripts/run in the project's folder, or install that folder "
    "with `pip install --editable`."
)
"""The message for a copy of the package that was installed without the project's folder.

Label sets and kiosk.yaml are edited by people and written by commands, so they stay in the folder
of the project. As package data they would be hidden in site-packages and lost with an update.
"""


def start() -> NoReturn:
    """Run the command given on the command line, then end the process."""
    # Python's own handler raises KeyboardInterrupt between any two instructions, also within an
    # import. Code that must clean up after Ctrl-C installs its own handler when it is ready.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not (DEFAULT_FILE.exists() or label_set_names()):
        sys.exit(NOT_A_PROJECT)
    arguments = sys.argv[1:]
    if arguments[:1] in (["run"], ["audit"], [CAMERA_TRIAL]):
        isolate(arguments)
    if arguments[:1] == ["run"]:
        supervise(arguments, run_parser().parse_args(arguments[1:]))
    if arguments[:1] == ["audit"] and not {"-h", "--help"} & set(arguments):
        status = SandboxStatus("enforce", started_at=STARTED_AT, may_open_cameras=False)
        start_show(arguments, status, None)
    if arguments[:1] == [CAMERA_TRIAL]:
        # `kiosk doctor` acts as the supervisor of this process and sends it messages through
        # standard input.
        privacy, orders = read_privacy(Path(arguments[-1])), os.dup(0)
        start_show(
            arguments, SandboxStatus(privacy, started_at=STARTED_AT, orders_pipe=orders), None
        )
    from installation.cli.main import start as start_command

    start_command()


def supervise(arguments: Sequence[str], args: argparse.Namespace) -> NoReturn:
    """Run the supervisor of `kiosk run`, then end with the exit status or signal of the show."""
    if sys.platform == "linux":
        from installation.guarding.layers.limits import become_subreaper

        # Processes that outlive a show become children of the supervisor.
        become_subreaper()
    from installation.running.service import ServiceManager, started_by_systemd

    manager, is_service = ServiceManager.from_environment(), started_by_systemd()
    for name in SERVICE_VARIABLES:
        os.environ.pop(name, None)
    launcher = Launcher(arguments, args)
    # The first process starts while the rest of the supervisor is imported.
    launcher.start_early(waits_for_camera=is_service)
    from installation.running.clock import MonotonicClock
    from installation.running.health import Health
    from installation.running.status_socket import StatusSocket
    from installation.running.supervisor import Supervisor

    log = _log
    if args.log == "json":
        from installation.guarding.output.output_filter import as_json

        def log(line: str) -> None:
            _log(as_json(line))

        sys.excepthook = lambda *failure: [
            log(line) for line in "".join(traceback.format_exception(*failure)).splitlines()
        ]
    clock, status = MonotonicClock(), None
    try:
        status = StatusSocket.open()
    except OSError as error:
        log(
            "supervisor: `kiosk status` gets no answer, because the socket cannot be opened "
            f"({error})."
        )

    def log_health(health: Health, now: float) -> None:
        if args.log == "json":
            _log(json.dumps({"event": "health", **health.snapshot(now)}))
        else:
            log(health.line(now))

    code = Supervisor(
        launcher,
        clock=clock,
        log=log,
        log_health=log_health,
        health=Health(__version__, clock.now()),
        manager=manager,
        witness=launcher.look_at,
        status=status,
        is_service=is_service,
    ).run()
    if sys.platform == "linux":
        # The processes that remove the folders may have been ended with the last show.
        remove_scratch_dirs()
    if code < 0:
        # End by the signal that ended the show, so that the shell or systemd sees it.
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        signal.raise_signal(-code)
    os._exit(max(code, 0))


SERVICE_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "SYSTEMD_EXEC_PID")
"""The variables that systemd sets for the supervisor. They are not passed to the show, which could
otherwise answer systemd in the supervisor's place.
"""


class Launcher:
    """Starts shows and the card in the sandbox; the card's window is behind the show's window."""

    def __init__(self, arguments: Sequence[str], args: argparse.Namespace) -> None:
        """Store the `arguments` of `kiosk run`, and `args`, their parsed form."""
        self._arguments = arguments
        self._args = args
        self._logs_json = args.log == "json"
        self._is_first = True
        self._privacy: Privacy = "enforce"
        self._witness = Witness() if sys.platform == "linux" else None
        self._card: Started | None = None
        self._early_card: Started | None = None
        self._early_show: Started | None = None

    def start_early(self, *, waits_for_camera: bool) -> None:
        """Start the process that the supervisor needs first: the card or, without a card, the show.

        On Linux, when this process ends, the new process ends too. This holds even if a signal ends
        this process before the `Supervisor` is created.
        """
        self._early_card = self.start_card()
        if self._early_card is None:
            self._early_show = self.start_show(
                waits_for_camera=waits_for_camera, camera_id=0, ran_s=0.0
            )

    def start_show(self, *, waits_for_camera: bool, camera_id: int, ran_s: float) -> Started:
        """Start a show and return its process.

        `camera_id` is the number of the camera that the last show used, or 0. `ran_s` is the number
        of seconds since the supervisor's start; `--seconds` is shortened by this number.
        """
        if (early := self._early_show) is not None:
            self._early_show = None
            return early
        arguments = list(self._arguments)
        if self._args.seconds is not None and not self._is_first:
            arguments += ["--seconds", f"{max(self._args.seconds - ran_s, 0.1):.3f}"]
        self._privacy = read_privacy(self._args.file)
        status = SandboxStatus(
            self._privacy,
            started_at=STARTED_AT if self._is_first else time.monotonic(),
            waits_for_camera=waits_for_camera,
            camera_id=camera_id,
        )
        self._is_first = False
        return _fork(arguments, status, self._args.report, logs_json=self._logs_json)

    def start_card(self) -> Started | None:
        """Start the card and return its process; None if this show needs no card.

        A show without a window, or with only a test window, needs no card. If there is neither an X
        server nor a compositor, only one program can use the screen, so the show has no card.
        """
        if (early := self._early_card) is not None:
            self._early_card = None
            return early
        driver = os.environ.get("SDL_VIDEODRIVER", "")
        has_session = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
        args = self._args
        if args.headless or args.windowed or not has_session or driver in ("dummy", "offscreen"):
            return None
        status = SandboxStatus("enforce", started_at=time.monotonic(), may_open_cameras=False)
        self._card = _fork(["card", str(args.file)], status, None, logs_json=self._logs_json)
        return self._card

    def look_at(self, pid: int) -> list[str]:
        """Return the mistakes that the witness finds in the show `pid`, which is in stage two.

        The result is empty with `privacy: degraded` and on systems other than Linux: there the show
        is not checked.
        """
        if self._witness is None or self._privacy == "degraded":
            return []
        card = () if self._card is None else (self._card.pid,)
        try:
            return [str(problem) for problem in self._witness.find_problems(pid, card)]
        except OSError as error:  # for example no free descriptor
            return [f"the show cannot be checked from outside ({error})."]


def _fork(
    arguments: Sequence[str], status: SandboxStatus, report: Path | None, *, logs_json: bool
) -> Started:
    """Start `kiosk` with `arguments` in a new process under stage one, and return the process.

    `status`, `report` and `logs_json` are passed to stage one. One pipe leads from the new process
    to this one, and another pipe leads back. Raises OSError if no process can be started.
    """
    from installation.running.started import STOP_SIGNALS, Started

    progress, orders = os.pipe(), os.pipe()
    supervisor = os.getpid()
    # A signal that comes before the new process has its own handlers must not be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        for end in (*progress, *orders):
            os.close(end)
        raise
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        os.close(progress[1])
        os.close(orders[0])
        return Started(pid, reading=progress[0], writing=orders[1])
    try:
        signal.set_wakeup_fd(-1)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        # Ctrl-C in the terminal goes to the supervisor, which passes it on.
        os.setsid()
        if sys.platform == "linux":
            from installation.guarding.layers.limits import end_with_parent

            end_with_parent(supervisor)
        os.set_blocking(progress[1], False)
        status = replace(status, progress_pipe=progress[1], orders_pipe=orders[0])
        start_show(arguments, status, report, logs_json=logs_json)
    except BaseException:
        # This process must never return into the supervisor's code.
        traceback.print_exc()
        os._exit(1)


def _log(line: str) -> None:
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # The show continues without its log.
        return


def read_privacy(file: Path) -> Privacy:
    """Return the setting `privacy` in `file`: "degraded" if it is exactly that, else "enforce".

    Mistakes in the file are not reported here; the show reads it again. The file is parsed into
    YAML nodes, and no value is built from them: a few lines of merged aliases could make a value
    that takes all memory.
    """
    import yaml

    try:
        with file.open("rb") as opened:
            root = yaml.compose(opened.read(MAX_TEXT_BYTES), Loader=yaml.SafeLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return "enforce"
    pairs = root.value if isinstance(root, yaml.MappingNode) else ()
    values = [value.value for key, value in pairs if key.value == "privacy"]
    return "degraded" if values == ["degraded"] else "enforce"
