"""The command `kiosk`: reads the arguments, runs one command, and ends the process.

Each command imports its slow parts itself, and `kiosk run` does not import the other commands, so
that the title card is on the screen within half a second and `kiosk check` is fast.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from installation import __version__
from installation.cli import run
from installation.cli.arguments import CAMERA_TRIAL, Parser, run_parser
from installation.cli.output import (
    FAILED,
    INTERRUPTED,
    LOG,
    REFUSED,
    discard_stdout,
    end_log,
    escape_unknown_letters,
    flush_output,
    open_closed_streams,
)
from installation.errors import KioskError, RestartNeededError
from installation.guarding.output.log import LogHandler, hide_texts_of_exceptions
from installation.running.restarts import RESTART
from installation.settings.packages import ALL_PACKAGES, has_all_packages

DISK_ERRORS = {
    errno.ENOSPC: "Make room on that disk.",
    errno.EDQUOT: "Your quota on that disk is used up. Make room there.",
    errno.EROFS: "That disk is read-only. Write to another disk.",
    errno.EIO: "Check whether that disk is failing.",
}
"""The disk errors that any command may meet when it writes, each with its remedy."""


def start() -> NoReturn:
    """Run the command given on the command line, then end the process."""
    code = main()
    if not flush_output():
        code = code or REFUSED
    # A normal end of the interpreter takes a second once torch is loaded, and aborts the process if
    # a thread is still inside a driver. Nothing is left to clean up.
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's arguments) and return its exit status.

    The status is 0 after success, 1 if a part of the kiosk failed, 2 if a file, a device or an
    argument is wrong, `INTERRUPTED` after SIGINT, and `RESTART` if a new process is needed.
    """
    open_closed_streams()
    escape_unknown_letters()
    args = _parse(list(sys.argv[1:] if argv is None else argv))
    is_show = args.name in ("run", "audit", "card", CAMERA_TRIAL)
    handler = LogHandler(LOG, quotes_exceptions=not is_show)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    if is_show:
        hide_texts_of_exceptions(LOG)
    else:
        # A show installs its own handler once it is open; before that nothing needs cleaning up.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code: int = args.command(args)
        sys.stdout.flush()
    except RestartNeededError as error:
        end_log(str(error))
        return RESTART
    except KioskError as error:
        end_log(str(error))
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        if args.name == "run":
            end_log("events: the output filter has ended, so the show is restarted.")
        elif is_show:
            end_log(f"kiosk {args.name}: the output filter has ended. Start the command again.")
        return FAILED
    except ModuleNotFoundError as error:
        if has_all_packages():
            return _report_unexpected(error, args.name)
        problem = f"{' '.join(sys.argv[1:3])} needs the package {error.name}"
        end_log(f"kiosk: {problem}, which is not installed. {ALL_PACKAGES}.")
        return REFUSED
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            return _report_unexpected(error, args.name)
        discard_stdout()
        file = f"{error.filename}: " if error.filename else "standard output: "
        end_log(f"{file}it cannot be written ({error.strerror}). {DISK_ERRORS[error.errno]}")
        return REFUSED
    except Exception as error:
        return _report_unexpected(error, args.name)
    return code


def _report_unexpected(error: Exception, command: str) -> int:
    """Log `error`, which is being handled, with its traceback; return the exit status."""
    logging.getLogger("kiosk").exception("the command %s failed", command)
    name = type(error).__name__
    LOG.end(f"kiosk: an unexpected error ended the command ({name}, logged above).")
    return FAILED


def _parse(argv: list[str]) -> argparse.Namespace:
    """Return the command and its arguments.

    `help` and `version` are accepted as commands too, not only as `--help` and `--version`. Without
    a command, the help is printed; `kiosk labels` alone prints the help of its own commands. After
    the help or the version, the process ends.
    """
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    if argv == ["version"]:
        argv = ["--version"]
    if argv == ["labels"]:
        argv = ["labels", "--help"]
    if argv[:1] == ["run"]:
        show: argparse.Namespace = run_parser().parse_args(argv[1:])
        show.name, show.command = "run", run.run
        return show
    if argv[:1] == ["card"]:
        card: argparse.Namespace = run.card_parser().parse_args(argv[1:])
        return card
    if argv[:1] == [CAMERA_TRIAL]:
        from installation.cli import camera_trial

        trial: argparse.Namespace = camera_trial.parser().parse_args(argv[1:])
        return trial
    parsed: argparse.Namespace = _parser().parse_args(argv or ["--help"])
    return parsed


def _parser() -> argparse.ArgumentParser:
    from installation.cli import check, doctor, fetch, labels, status

    parser = Parser(
        prog="kiosk",
        description=(
            "A mirror for galleries; it labels visitors with an image classifier's categories."
        ),
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
    for module in (run, status, check, doctor, labels, fetch):
        module.add_commands(commands)
    return parser
