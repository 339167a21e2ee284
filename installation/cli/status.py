"""The command `kiosk status`, which prints the health of the running shows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from installation.cli.arguments import Commands, add_command
from installation.cli.output import DONE, FAILED, say
from installation.errors import KioskError, Mistake
from installation.running.health import as_prometheus, as_text
from installation.running.status_socket import ask, find_sockets

NOT_RUNNING = Mistake(
    "kiosk status",
    "no show runs on this machine, or its runtime directory is closed to you",
    "Start a show with `kiosk run`, or run `systemctl status kiosk`.",
)


def add_commands(commands: Commands) -> None:
    """Add the command to those of `kiosk`."""
    command = add_command(
        commands,
        "status",
        status,
        "print the health of the running show: rates, state, last faults",
    )
    command.add_argument(
        "--socket", metavar="PATH", type=Path, help="ask only the show that listens at PATH"
    )
    formats = command.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print one JSON object for each show")
    formats.add_argument(
        "--prometheus", action="store_true", help="print the figures for Prometheus"
    )


def status(args: argparse.Namespace) -> int:
    """Print the health of each running show; the status is 1 unless every mirror is running."""
    answers = _answers([args.socket] if args.socket else find_sockets())
    if not answers:
        raise KioskError(NOT_RUNNING)
    for answer in answers:
        if args.json:
            print(json.dumps(answer))
        elif args.prometheus:
            print(as_prometheus(answer), end="")
        else:
            say(as_text(answer))
    return DONE if all(answer["state"] == "running" for answer in answers) else FAILED


def _answers(paths: Iterable[Path]) -> list[Mapping[str, object]]:
    answers: list[Mapping[str, object]] = []
    for path in paths:
        try:
            answers.append(ask(path))
        except (OSError, ValueError):
            continue  # A show that was killed has left its socket.
    return answers
