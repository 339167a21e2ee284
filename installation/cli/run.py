"""The commands that run a show, or prepare its automatic start: run, audit and service."""

from __future__ import annotations

import argparse
import datetime
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from installation import STARTED_AT, __version__
from installation.cli.arguments import (
    Commands,
    Parser,
    add_command,
    add_file_argument,
    add_run_arguments,
)
from installation.cli.output import (
    DONE,
    FAILED,
    REFUSED,
    end_log,
    log,
    print_event,
    print_utf_8,
    write_report,
)
from installation.command_name import as_called, command_name
from installation.errors import ScreenError, SettingsError
from installation.guarding.guard import Guard
from installation.guarding.self_test import Proof
from installation.memory.garbage import pause_collection
from installation.settings.paths import DEFAULT_FILE, PROJECT

AUDIT_TIMEOUT_S = 120.0
"""How many seconds the audit waits at most until the rehearsal's visitor gets a label."""


def add_commands(commands: Commands) -> None:
    """Add `run`, `audit` and `service` to `commands`."""
    add_run_arguments(add_command(commands, "run", run, "run the show"))
    audit_command = add_command(
        commands, "audit", audit, "try every way out of the sandbox and print the results"
    )
    add_file_argument(audit_command)
    audit_command.add_argument(
        "--json", action="store_true", help="print the results as JSON, for a program"
    )
    # --page describes a show, and --short does not run one, so only one of them is allowed.
    kinds = audit_command.add_mutually_exclusive_group()
    kinds.add_argument(
        "--page", action="store_true", help="print the results as a page to put up in the gallery"
    )
    kinds.add_argument(
        "--short",
        action="store_true",
        help="do not run a show, only the self-test that a show runs at its start",
    )
    service_command = add_command(
        commands, "service", service, "print a systemd unit that runs the show"
    )
    kinds = service_command.add_mutually_exclusive_group()
    own: dict[str, Any] = {"nargs": "?", "const": "x11", "choices": ["x11", "cage"]}
    kinds.add_argument(
        "--own-display",
        **own,
        help="print the systemd unit of a show that has a display of its own instead of a desktop: "
        "an X server (x11, the default) or the Wayland compositor cage",
    )
    kinds.add_argument(
        "--screen",
        **own,
        help="print the systemd unit that starts the X server or compositor for --own-display",
    )


def run(args: argparse.Namespace) -> int:
    """Run the show, and print its summary; return the exit status.

    The summary is also written to the file that `--report` names. Modules that the title card does
    not need are imported when the card is on the screen.
    """
    pause_collection()
    from installation.showing.title import open_title

    title = open_title(args.file, headless=args.headless, windowed=args.windowed)
    from installation.cli.valid_parts import load_valid_parts
    from installation.settings.kiosk import load_settings
    from installation.show.entry import run_show, show_trouble_card
    from installation.show.status import SettingsWatch

    load = partial(load_settings, args.file, source=args.source, labels=args.labels)
    settings = SettingsWatch(args.file, load, log)
    try:
        loaded = settings.load()
    except SettingsError as error:
        end_log(str(error))
        if title is not None:
            title.screen.close()
        show_trouble_card(
            load_valid_parts(args.file), error, headless=args.headless, windowed=args.windowed
        )
        return REFUSED
    print_utf_8()
    command_name()  # Called now to cache the result: under the guard, PATH is empty.
    log(f"kiosk {__version__}, {loaded.file}.")
    guard = Guard.from_environment()
    guard.redirect_temporary_files()
    summary = run_show(
        loaded,
        title=title,
        headless=args.headless,
        windowed=args.windowed,
        seconds=args.seconds,
        started_at=guard.status.started_at or STARTED_AT,
        log=log,
        emit=print_event,
        guard=guard,
        settings=settings,
    )
    print_event(summary.as_event())
    if args.report is not None:
        write_report(args.report, summary.as_event(), guard.status)
    return DONE


def card_parser() -> Parser:
    """Return the parser of `kiosk card`, which only the supervisor starts."""
    parser = Parser(prog="kiosk card", description="show a card on the screen", allow_abbrev=False)
    add_file_argument(parser)
    parser.set_defaults(name="card", command=card)
    return parser


def card(args: argparse.Namespace) -> int:
    """Keep the supervisor's card on the screen; return 0 if somebody held Escape.

    This command logs no mistakes in kiosk.yaml and no faults of the screen, because the show logs
    them. As soon as the title card is on the screen, the supervisor starts the show. Meanwhile this
    process imports the modules for the complete card.
    """
    from installation.running.progress import Progress, send
    from installation.showing.title import open_title

    guard = Guard.from_environment()
    guard.redirect_temporary_files()
    title = open_title(args.file, headless=False, windowed=None, is_card=True)
    if title is not None and title.fallback is None and guard.status.progress_pipe is not None:
        send(guard.status.progress_pipe, Progress())
    from installation.cli.valid_parts import load_valid_parts
    from installation.guarding.stage_two import enter_stage_two
    from installation.running.clock import MonotonicClock
    from installation.settings.kiosk import load_settings
    from installation.show.entry import open_for_card
    from installation.show.standing_card import show_standing_card

    command_name()  # as in `run`
    try:
        loaded = load_settings(args.file)
    except SettingsError:
        loaded = load_valid_parts(args.file)
    screen = open_for_card(loaded, title)
    if screen is None or guard.status.orders_pipe is None:
        return REFUSED
    try:
        show_standing_card(
            loaded,
            partial(_mistakes_in, args.file),
            screen,
            guard.status,
            MonotonicClock(),
            partial(enter_stage_two, guard.status.landlock_version),
        )
    except ScreenError:
        return REFUSED
    return DONE


def _mistakes_in(file: Path) -> list[str]:
    """Return a line for each mistake that is in the kiosk.yaml `file` now.

    The kiosk's commands in these lines are written as users type them in the current folder.
    """
    from installation.settings.kiosk import load_settings

    try:
        load_settings(file)
    except SettingsError as error:
        return as_called(str(error)).splitlines()
    return []


def audit(args: argparse.Namespace) -> int:
    """Run a show and every probe of the sandbox, print the results; return the exit status.

    A probe is an attempt to get data out of the show. The show runs under the guard, with the
    rehearsal (a simulated visitor) as its camera. With `--short` no show runs, only the self-test.
    The status is 0 only if every layer of the sandbox is active and every attempt was refused.
    """
    from installation.guarding.output import report

    # An argparse group excludes all pairs of its options, but --short may be used with --json.
    if args.json and args.page:
        args.parser.error("argument --json: not allowed with argument --page")
    command_name()  # as in `run`
    guard = Guard.for_audit(short=args.short)
    guard.redirect_temporary_files()
    if args.short:
        guard.seal()
    else:
        from installation.settings.kiosk import load_settings
        from installation.show.entry import run_show

        run_show(
            load_settings(args.file, source="rehearsal"),
            headless=True,
            seconds=AUDIT_TIMEOUT_S,
            started_at=guard.status.started_at or STARTED_AT,
            log=log,
            emit=_end_at_verdict,
            guard=guard,
        )
    proof = guard.check_again().by_this_clock()
    if args.json:
        print(report.as_lines(report.as_json(proof)))
    elif args.page:
        print(_page(proof, args.file))
    else:
        print(as_called(report.as_table(proof)))
    return DONE if proof.holds else FAILED


def _end_at_verdict(event: Mapping[str, object]) -> None:
    if event["event"] == "verdict":
        signal.raise_signal(signal.SIGTERM)


def _page(proof: Proof, file: Path) -> str:
    """Return an HTML page about `proof`, with the sentence for visitors as its headline.

    This is the sentence that a show with the settings in `file` displays.
    """
    from installation.guarding.output.report import as_page
    from installation.settings.kiosk import load_settings
    from installation.showing.words import privacy_line, words_of

    settings = load_settings(file, source="rehearsal").settings
    words, today = words_of(settings)[0], datetime.date.today()
    line = privacy_line(words, proof.prevents_storage, proof.tested_at, today)
    return as_page(proof, line, settings.language.words)


def service(args: argparse.Namespace) -> int:
    """Print a systemd unit that runs the show as an unprivileged user; return the exit status.

    Raises SettingsError if that user cannot run the show.
    """
    from installation.guarding.systemd_unit import USER, nvidia_modprobe, screen_unit, unit
    from installation.guarding.unit_access import find_obstacles

    text = unit(PROJECT, nvidia_modprobe=nvidia_modprobe(), display=args.own_display or "desktop")
    if args.screen:
        text = screen_unit(args.screen)
    elif obstacles := find_obstacles(
        PROJECT, USER, Path(sys.executable), source=_played_source(DEFAULT_FILE)
    ):
        raise SettingsError(*obstacles)
    # Only the comments name commands for people, who read them where the unit is installed.
    for line in text.splitlines():
        print(as_called(line, anywhere=True) if line.startswith("#") else line)
    return DONE


def _played_source(file: Path) -> Path | None:
    """Return the film or folder of pictures that `file` names; None if it names another source.

    The result is also None if the file has mistakes; the show reports them on its card.
    """
    from installation.settings.kiosk import load_settings
    from installation.settings.source import Film, Pictures

    try:
        source = load_settings(file).settings.camera.source
    except SettingsError:
        return None
    match source:
        case Film(path) | Pictures(path):
            return path
        case _:
            return None
