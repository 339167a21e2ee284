"""Writes the output of commands: lines of the log, events, and the summary of a show."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from installation.command_name import as_called
from installation.errors import Mistake, SettingsError
from installation.guarding.output import output_filter
from installation.guarding.output.log import LineLog
from installation.guarding.status import SandboxStatus

DONE = 0
FAILED = 1
"""The exit status if a part of the kiosk failed unexpectedly."""
REFUSED = 2
"""The exit status if a file, a device or an argument is wrong; the message names it."""
INTERRUPTED = 130
"""The exit status after SIGINT: 128 plus the signal's number, as shells define it."""

MIN_COLUMNS = 40
"""Lines are never broken to fewer characters than this. A terminal that is narrower breaks the
lines again.
"""

FILTERS_TIMEOUT_S = 2.0
"""When a process with a supervisor ends, it waits at most this many seconds for its output filters,
which write their remaining lines in this time.
"""

UNSUPERVISED_TIMEOUT_S = 30.0
"""When a process without a supervisor ends, for example an audit, it waits at most this many
seconds for its output filters. Nobody kills such a process early, and a program that reads its
output needs all of it.
"""

LOG = LineLog()
"""The log of this process."""


def _columns(stream: TextIO) -> int:
    """Return the width of the terminal `stream` in characters; 80 if the width is unknown."""
    if (columns := os.environ.get("COLUMNS", "")).isdecimal():
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def log(message: str) -> None:
    """Write `message` to the log."""
    LOG.say(as_called(message))


def end_log(message: str) -> None:
    """Log `message`, the reason why the command ends; break its lines for a terminal."""
    LOG.end(wrapped(as_called(message), sys.stderr))


def say(line: str = "") -> None:
    """Print `line` for a person: wrapped if standard output is a terminal, whole otherwise."""
    print(wrapped(as_called(line), sys.stdout), flush=True)


def wrapped(text: str, stream: TextIO | None) -> str:
    """Return `text` with its lines broken between words if `stream` is a terminal.

    Two or more spaces separate the columns of a table. If a line of a table is broken, its
    continuation is indented to the start of the third column. With fewer columns, it is indented to
    the start of the last one. The indentation is at most half the width of the terminal.
    """
    if stream is None or not stream.isatty():
        return text
    width = max(MIN_COLUMNS, _columns(stream))
    lines: list[str] = []
    for line in text.splitlines():
        columns = re.match(r"(?:\s*\S+(?: \S+)?\s{2,}){0,2}\s*", line)
        indent = " " * min(columns.end() if columns else 0, width // 2)
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent or "  ",
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)


def print_event(event: Mapping[str, object]) -> None:
    """Print `event` as one line of JSON."""
    print(json.dumps(event, ensure_ascii=False), flush=True)


def print_progress(line: str) -> None:
    """Print `line` to standard error, where a command writes everything except its result."""
    print(wrapped(as_called(line), sys.stderr), file=sys.stderr, flush=True)


def escape_unknown_letters() -> None:
    """From now on, print the code point of a letter that the terminal cannot show.

    Otherwise, printing such a letter would fail.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def open_closed_streams() -> None:
    """Redirect streams that were closed (`>&-`) to the null device.

    Python sets a closed stream to None. Its descriptor would otherwise be given to the next file
    that is opened.
    """
    if sys.stdout is None:
        sys.stdout = _open_null(1)
    if sys.stderr is None:
        sys.stderr = _open_null(2)


def _open_null(number: int) -> TextIO:
    """Return a stream with the descriptor `number` that leads to /dev/null."""
    file = os.open(os.devnull, os.O_WRONLY)
    if file != number:
        os.dup2(file, number)
    return open(number, "w", encoding="utf-8", closefd=False)


def print_utf_8() -> None:
    """Print in UTF-8 from now on, even to a terminal with another encoding; JSON requires it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def discard_stdout() -> None:
    """Redirect standard output to the null device from now on.

    Call this after a write to standard output has failed. Otherwise Python would complain when it
    flushes the stream at the end.
    """
    try:
        null = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        null = 0  # The guard forbids opening files; descriptor 0 is /dev/null.
    os.dup2(null, sys.stdout.fileno())


def write_report(path: Path, summary: Mapping[str, object], status: SandboxStatus) -> None:
    """Write the `summary` of a show to `path`, through the output filter if there is a sandbox.

    Raises SettingsError if the file cannot be written.
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


def flush_output() -> bool:
    """Flush both streams, and wait until the output filters have written everything.

    Returns whether all of standard output was written. For a supervised show the result is always
    True, so that a full disk does not make the supervisor start the show again.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    status = SandboxStatus.from_environment()
    if status is None or not status.output_filter_pids:
        return True
    # A filter ends when the other end of its pipe is closed everywhere. Standard input is
    # /dev/null, which the launcher has opened.
    os.dup2(0, 1)
    supervised = status.progress_pipe is not None
    timeout_s = FILTERS_TIMEOUT_S if supervised else UNSUPERVISED_TIMEOUT_S
    pids, failure = status.output_filter_pids, 0
    if len(pids) > 1 and not supervised:  # The first one writes standard output.
        failure = output_filter.wait_at_most(pids[:1], timeout_s)
        pids = pids[1:]
        if failure == errno.EPIPE:  # Its reader, such as `head`, has read enough.
            failure = 0
        if failure:
            problem = f"standard output: it cannot be written ({os.strerror(failure)})"
            end_log(f"{problem}. Make room on that disk.")
    os.dup2(0, 2)
    output_filter.wait_at_most(pids, timeout_s)
    return not failure
