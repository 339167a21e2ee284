"""The command `kiosk`: it reads the arguments, runs one command, and ends the process.

Each command imports its heavy parts itself, so that `kiosk run` can paint its title card within a
second and `kiosk check` answers at once.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from installation import __version__
from installation.cli import check, doctor, fetch, labels, run
from installation.cli.output import (
    FAILED,
    INTERRUPTED,
    LOG,
    REFUSED,
    discard_stdout,
    escape_unknown_letters,
    flush_output,
)
from installation.errors import KioskError
from installation.guarding.log import LogHandler


def start() -> NoReturn:
    """Run the command of the process's arguments and end the process."""
    status = main()
    flush_output()
    # A normal end of the interpreter takes a second once torch is loaded, and aborts the process if
    # a thread is still inside a driver. Nothing is left to clean up.
    os._exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's) and return its exit status.

    0: done. 1: a part of the kiosk failed. 2: a file, a device or an argument is wrong.
    """
    escape_unknown_letters()
    logging.basicConfig(handlers=[LogHandler(LOG)], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    args = _parser().parse_args(argv)
    try:
        status: int = args.command(args)
        sys.stdout.flush()
    except KioskError as error:
        LOG.end(str(error))
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        return FAILED
    except Exception as error:
        logging.getLogger("kiosk").exception("the command %s ended", args.name)
        name = type(error).__name__
        LOG.end(f"kiosk: an unexpected error ended the command ({name}, logged above).")
        return FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kiosk",
        description="A mirror for galleries that names its visitors with the categories machines "
        "were taught.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"kiosk {__version__}",
        help="print the version and exit",
    )
    commands = parser.add_subparsers(
        title="commands", dest="name", required=True, metavar="COMMAND"
    )
    for module in (run, check, doctor, labels, fetch):
        module.add_commands(commands)
    return parser
