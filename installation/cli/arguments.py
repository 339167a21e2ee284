"""The arguments that several commands share, and the parser of `kiosk run` for the launcher.

Only the standard library is imported, because the launcher may load nothing else; therefore
argparse is used.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from installation.errors import did_you_mean, nearest
from installation.settings.paths import DEFAULT_FILE
from installation.settings.values.size import meant_size

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The type that `add_subparsers` returns; argparse has no public name for this type."""


class Parser(argparse.ArgumentParser):
    """A parser that suggests the command or option that was meant, as in Python 3.14."""

    def parse_args(  # type: ignore[override]  # argparse declares three overloads of it
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Return the parsed arguments.

        The command's own parser reports unknown arguments, so the message shows the usage of this
        command.
        """
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser: Parser = getattr(parsed, "parser", self)
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{parser._suggest(unknown)}")
        return parsed

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print `message` to `file`; end the process if standard output cannot be written."""
        if file is None or file is not sys.stdout:
            super()._print_message(message, file)
            return
        try:  # argparse itself ignores a failure
            file.write(message)
            file.flush()
        except BrokenPipeError:
            os._exit(0)  # At an ordinary end Python would try to write the rest once more.
        except OSError as error:
            problem = f"standard output: it cannot be written ({error.strerror})"
            super()._print_message(f"{problem}. Make room on that disk.\n", sys.stderr)
            os._exit(2)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Write `message` to standard error, and end the process with `status`."""
        if message:
            self._print_message(message, sys.stderr)
        try:
            sys.stderr.flush()
        except OSError:
            os._exit(status)  # At an ordinary end Python would try again, and end with status 120.
        sys.exit(status)

    def error(self, message: str) -> NoReturn:
        """End the process with `message`; for an unknown command, suggest a known one."""
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        known = re.findall(r"[\w-]+", choice[2]) if choice else []
        known += ["help", "version"] if " " not in self.prog else []
        if choice and (meant := nearest(choice[1], known)):
            message = f"the command '{choice[1]}' does not exist. {did_you_mean(meant)}"
        super().error(message)

    def _suggest(self, unknown: Sequence[str]) -> str:
        """Return the options probably meant by `unknown` arguments, as the end of a message."""
        known = re.findall(r"--[\w-]+", self.format_help())
        options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        meant = [name for option in options if (name := nearest(option, known))]
        return f". {did_you_mean(meant[0])}" if meant else ""


CAMERA_TRIAL = "camera-trial"
"""The internal command that `kiosk doctor` runs in a child process to try the camera
(cli/camera_trial.py).
"""

MIN_SIDE_PX = 160
MAX_SIDE_PX = 16384
"""The largest side, in pixels, of a texture that current GPUs draw."""

MAX_SIZE_DIGITS = 6
"""The largest number of digits in a width or height. A longer number is rejected without being
converted, because it is too large in any case.
"""


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    """Add the command `name` to `commands` and return its parser.

    `run` returns the command's exit status.
    """
    command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    command.set_defaults(command=run, parser=command)
    return command


def add_file_argument(command: argparse.ArgumentParser) -> None:
    """Add the argument for the path of kiosk.yaml."""
    command.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=DEFAULT_FILE,
        metavar="kiosk.yaml",
        help="the settings file (default: kiosk.yaml in the kiosk's folder)",
    )


def add_run_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `kiosk run`."""
    add_file_argument(command)
    command.add_argument(
        "--source",
        help="the source to use instead of `camera.source` in kiosk.yaml: auto, rehearsal, a "
        "camera's number or path, a film, or a folder of pictures",
    )
    command.add_argument(
        "--labels", metavar="NAME", help="the label set to use instead of `labels` in kiosk.yaml"
    )
    command.add_argument(
        "--headless",
        action="store_true",
        help="run without a screen and print what the screen would show, one JSON object per line",
    )
    command.add_argument(
        "--windowed", metavar="WxH", type=parse_size, help="run in a window of this size in pixels"
    )
    command.add_argument(
        "--seconds", metavar="N", type=_parse_seconds, help="end the show after N seconds"
    )
    command.add_argument(
        "--report",
        metavar="FILE",
        type=_parse_report,
        help="write the summary to FILE at the end of the show",
    )
    command.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="the format of the log: lines of text, or one JSON object per line",
    )


def run_parser(prog: str = "kiosk run") -> Parser:
    """Return the parser of `kiosk run`."""
    parser = Parser(prog=prog, description="run the show", allow_abbrev=False)
    add_run_arguments(parser)
    return parser


def check_run_arguments() -> None:
    """End the process if its arguments are not valid for `kiosk run`; scripts/run calls this.

    This needs no installed package, so a mistyped option, a file that does not exist, or a command
    other than `run` is reported before packages are fetched.
    """
    parser = run_parser()
    file: Path = parser.parse_args().file
    if file == DEFAULT_FILE or file.exists():
        return
    from installation.command_name import COMMANDS, command_name

    if str(file) in (*COMMANDS, "help", "version"):
        parser.error(f"'{file}' is a separate command. Run: {command_name()} {file}")
    parser.error(f"the file {file} does not exist.")


def parse_size(text: str) -> tuple[int, int]:
    """Return the width and height, in pixels, that a `text` such as `1280x720` states."""
    width, separator, height = text.lower().partition("x")
    if separator and width.isdecimal() and height.isdecimal():
        size = int(width[:MAX_SIZE_DIGITS]), int(height[:MAX_SIZE_DIGITS])
        if all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in size):
            return size
    expected = f"width and height from {MIN_SIDE_PX} to {MAX_SIDE_PX} px, such as 1280x720"
    remedy = ""
    if (meant := meant_size(text)) and min(meant) >= MIN_SIDE_PX and max(meant) <= MAX_SIDE_PX:
        remedy = f". Write {meant[0]}x{meant[1]}."
    raise argparse.ArgumentTypeError(f"'{text}' (expected {expected}){remedy}")


def _parse_seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    raise argparse.ArgumentTypeError(f"'{text}' (expected a number of seconds above 0, such as 60)")


def _parse_report(text: str) -> Path:
    path = Path(text)
    try:
        usable = path.parent.is_dir() and not path.is_dir()
    except (OSError, ValueError):
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"'{text}' (expected a file in a folder that exists)")
    return path
