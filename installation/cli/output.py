"""What the commands write: lines of the log, events, and the summary of a show."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from installation.errors import Mistake, SettingsError
from installation.guarding import output_filter
from installation.guarding.log import LineLog
from installation.guarding.status import SandboxStatus

DONE = 0
FAILED = 1
"""A part of the kiosk failed that should not."""
REFUSED = 2
"""A file, a device or an argument is wrong, and the message names it."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

FILTERS_TIMEOUT_S = 2.0
"""How long the end of the process waits for the output filters to write what they hold."""

LOG = LineLog()
"""The log of this process."""


def log(message: str) -> None:
    """Write `message` to the log."""
    LOG.say(message)


def print_event(event: Mapping[str, object]) -> None:
    """Print `event` as one line of JSON."""
    print(json.dumps(event, ensure_ascii=False), flush=True)


def print_progress(line: str) -> None:
    """Print `line` to standard error, which a command uses for what is not its result."""
    print(line, file=sys.stderr, flush=True)


def escape_unknown_letters() -> None:
    """Print a letter that the terminal cannot show as its number, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_utf_8() -> None:
    """Print in UTF-8 from now on, as JSON is, whatever the terminal expects."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def discard_stdout() -> None:
    """Send the rest of standard output nowhere; its reader has gone.

    Otherwise Python would complain when it flushes the stream at the end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_report(path: Path, summary: Mapping[str, object], status: SandboxStatus) -> None:
    """Write the `summary` of a show to `path`, through the output filter if there is a sandbox.

    Raises SettingsError.
    """
    text = json.dumps(summary) + "\n"
    try:
        if status.report_pipe is None or status.report_filter_pid is None:
            path.write_text(text, encoding="utf-8")
        else:
            os.write(status.report_pipe, text.encode())
            os.close(status.report_pipe)
            output_filter.wait(status.report_filter_pid)
    except OSError as failure:
        problem = f"{path} cannot be written ({failure.strerror})"
        raise SettingsError(Mistake("--report", problem, "Name another file.")) from None


def flush_output() -> None:
    """Flush both streams, and wait until the output filters have written everything."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    status = SandboxStatus.from_environment()
    if status is None or not status.output_filter_pids:
        return
    # A filter ends when nobody holds the other end of its pipe any more.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    output_filter.wait_at_most(status.output_filter_pids, FILTERS_TIMEOUT_S)
