"""Writes the commands of the kiosk in a message as the reader of the message must type them."""

from __future__ import annotations

import functools
import os
import re
import sys
from pathlib import Path

from installation.errors import display_path
from installation.settings.paths import PROJECT

COMMANDS = ("run", "status", "audit", "service", "check", "doctor", "cameras", "labels", "fetch")
"""The commands of `kiosk` that messages may name; `as_called` finds them."""


@functools.cache
def command_name() -> str:
    """Return the command that a user types in the current folder to run this kiosk.

    It is `kiosk` if that command runs this kiosk, or if scripts/kiosk does not exist. Otherwise it
    is the path of scripts/kiosk.
    """
    script = PROJECT / "scripts" / "kiosk"
    own = [os.path.realpath(file) for file in (script, Path(sys.executable).parent / "kiosk")]
    found = (os.path.join(folder, "kiosk") for folder in os.get_exec_path())
    first = next((file for file in found if os.access(file, os.X_OK)), None)
    if not script.is_file() or (first and os.path.realpath(first) in own):
        return "kiosk"
    return _to_type(script)


def _to_type(script: Path, *, anywhere: bool = False) -> str:
    """Return what a user types in the current folder to run `script`.

    If `anywhere`, the path is absolute and works in any folder.
    """
    path = str(script) if anywhere else display_path(script)
    path = path if "/" in path else f"./{path}"
    return path if re.fullmatch(r"[\w./-]+", path) else "'" + path.replace("'", "'\\''") + "'"


def as_called(text: str, *, anywhere: bool = False) -> str:
    """Return `text` with each command of the kiosk as it must be typed in the current folder.

    If `anywhere`, the commands have absolute paths. This is for a text that is stored, and is later
    read by somebody whose current folder is another one.
    """

    def called(match: re.Match[str]) -> str:
        if match[1] is None and command_name() == "kiosk":
            return match[0]
        script = PROJECT / (match[1] or "scripts/kiosk")
        name = _to_type(script, anywhere=anywhere) if script.is_file() else match[1]
        return name if match[1] else f"{name} "

    commands = rf"kiosk (?=(?:{'|'.join(COMMANDS)})\b)"
    return re.sub(rf"(?<![\w./-])(?:{commands}|(scripts/[a-z]+)\b)", called, text)
