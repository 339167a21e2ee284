"""The arguments of the commands that the launcher reads too: the standard library only."""

from __future__ import annotations

import argparse
import contextlib
import math
from pathlib import Path


def add_file(command: argparse.ArgumentParser, default: Path) -> None:
    """Let `command` take a kiosk.yaml."""
    command.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=default,
        metavar="kiosk.yaml",
        help="the curator's file (default: the one that came with the kiosk)",
    )


def add_run(command: argparse.ArgumentParser, default: Path) -> None:
    """Let `command` take what `kiosk run` does."""
    add_file(command, default)
    command.add_argument(
        "--source",
        metavar="WHAT",
        help="in place of camera.source: auto, rehearsal, a camera's number or path, a film, or a "
        "folder of pictures",
    )
    command.add_argument("--labels", metavar="NAME", help="in place of labels: a label set")
    command.add_argument(
        "--headless",
        action="store_true",
        help="run without a screen and print what it would show, a JSON object a line",
    )
    command.add_argument(
        "--windowed", metavar="WxH", type=size, help="run in a window of this size, px"
    )
    command.add_argument(
        "--seconds", metavar="N", type=_seconds, help="end the show after this time"
    )
    command.add_argument(
        "--report", metavar="FILE", type=_report, help="write the summary there at the end"
    )


def size(text: str) -> tuple[int, int]:
    """Return width and height of `1280x720`, px."""
    width, separator, height = text.lower().partition("x")
    if separator and width.isdecimal() and height.isdecimal():
        size = int(width[:6]), int(height[:6])
        if all(160 <= side <= 16384 for side in size):
            return size
    raise argparse.ArgumentTypeError(
        f"'{text}' (expected width and height from 160 to 16384, such as 1280x720)"
    )


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    raise argparse.ArgumentTypeError(f"'{text}' (expected a number above 0, such as 60)")


def _report(text: str) -> Path:
    path = Path(text)
    try:
        fits = path.parent.is_dir() and not path.is_dir()
    except (OSError, ValueError):
        fits = False
    if not fits:
        raise argparse.ArgumentTypeError(f"'{text}' (expected a file in a folder that exists)")
    return path
