"""Where every command begins: what sees visitors is put under the guard before anything is loaded.

This module and all that it imports is the standard library and PyYAML, and starts no thread.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from installation import STARTED_AT
from installation.cli import arguments
from installation.guarding.stage_one import start_show
from installation.guarding.status import Privacy
from installation.settings.paths import DEFAULT_FILE, MAX_TEXT_BYTES


def start() -> NoReturn:
    """Run the command of the process's arguments and end the process."""
    said = sys.argv[1:]
    if said[:1] == ["run"]:
        parser = argparse.ArgumentParser(prog="kiosk run", allow_abbrev=False)
        arguments.add_run(parser, DEFAULT_FILE)
        asked = parser.parse_args(said[1:])
        start_show(said, privacy_of(asked.file), asked.report, STARTED_AT)
    if said[:1] == ["audit"] and not {"-h", "--help"} & set(said):
        start_show(said, "enforce", None, STARTED_AT)
    from installation.cli.main import start as start_command

    start_command()


def privacy_of(file: Path) -> Privacy:
    """Return what `file` says about privacy: degraded only where it plainly says so.

    What is wrong with the file is said later, by the show.
    """
    import yaml

    try:
        with file.open("rb") as opened:
            settings = yaml.safe_load(opened.read(MAX_TEXT_BYTES))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return "enforce"
    degraded = isinstance(settings, dict) and settings.get("privacy") == "degraded"
    return "degraded" if degraded else "enforce"
