"""The command `kiosk status`, which prints the health of the running shows.

Each show has a heading with its process, its user and its socket. The formats for programs
(`--json`, `--prometheus`) have no headings. If several shows run, a program can choose one of them
with `--socket`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from installation.cli.arguments import Commands, add_command
from installation.cli.output import DONE, FAILED, say
from installation.errors import KioskError, Mistake
from installation.running.health import as_prometheus, as_text
from installation.running.status_socket import UNIT_SOCKET, ask, find_sockets, pid_of

NOT_RUNNING = Mistake(
    "kiosk status",
    "no show runs on this machine, or you have no permission for the show's directory",
    "Start a show with `kiosk run`, or run `systemctl status kiosk`.",
)


def add_commands(commands: Commands) -> None:
    """Add the command `status` to `commands`."""
    command = add_command(
        commands,
        "status",
        status,
        "print the health of the running show: rates, state, last faults",
    )
    command.add_argument(
        "--socket", metavar="PATH", type=Path, help="ask only the show whose status socket is PATH"
    )
    formats = command.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print one JSON object for each show")
    formats.add_argument(
        "--prometheus", action="store_true", help="print the figures in the format of Prometheus"
    )


def status(args: argparse.Namespace) -> int:
    """Print the health of each show; return 0 if the state of every show is "running", else 1.

    Raises KioskError if no show answers.
    """
    answers = _answers([args.socket] if args.socket else find_sockets())
    if not answers:
        raise KioskError(NOT_RUNNING)
    for i, (path, answer) in enumerate(answers):
        if args.json:
            print(json.dumps(answer))
        elif args.prometheus:
            print(as_prometheus(answer), end="")
        else:
            if i:
                say()
            say(_heading(path))
            say(as_text(answer))
    return DONE if all(answer["state"] == "running" for _, answer in answers) else FAILED


def _heading(path: Path) -> str:
    """Return a description of the show at `path`: its process, if known, and its user."""
    pid = pid_of(path)
    try:
        user = path.owner()
    except KeyError:  # the user's number has no name
        user = str(path.stat().st_uid)
    except (OSError, NotImplementedError):
        user = "unknown"
    show = f"process {pid}" if pid else "the service" if path == UNIT_SOCKET else "a show"
    return f"{show} of user {user}, socket {path}"


def _answers(paths: Iterable[Path]) -> list[tuple[Path, Mapping[str, object]]]:
    answers: list[tuple[Path, Mapping[str, object]]] = []
    for path in paths:
        try:
            answers.append((path, ask(path)))
        except (OSError, ValueError):
            continue  # The socket was left behind by a show that was killed.
    return answers
