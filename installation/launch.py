"""Starts every command. A show is put under the guard before anything else is loaded.

This module and its imports use the standard library and PyYAML only, and start no thread.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import NoReturn

from installation import STARTED_AT
from installation.cli.arguments import run_parser
from installation.guarding.stage_one import start_show
from installation.guarding.status import Privacy
from installation.settings.paths import DEFAULT_FILE, MAX_TEXT_BYTES, PROJECT, label_set_names

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
    # import. What needs to clean up after Ctrl-C installs a handler when it is ready.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not (DEFAULT_FILE.exists() or label_set_names()):
        sys.exit(NOT_A_PROJECT)
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        args = run_parser().parse_args(arguments[1:])
        start_show(arguments, read_privacy(args.file), args.report, STARTED_AT)
    if arguments[:1] == ["audit"] and not {"-h", "--help"} & set(arguments):
        start_show(arguments, "enforce", None, STARTED_AT)
    from installation.cli.main import start as start_command

    start_command()


def read_privacy(file: Path) -> Privacy:
    """Return the setting `privacy` in `file`: "degraded" if exactly set so, otherwise "enforce".

    Mistakes in the file are not reported here; the show reads it again.
    """
    import yaml

    try:
        with file.open("rb") as opened:
            settings = yaml.safe_load(opened.read(MAX_TEXT_BYTES))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return "enforce"
    degraded = isinstance(settings, dict) and settings.get("privacy") == "degraded"
    return "degraded" if degraded else "enforce"
