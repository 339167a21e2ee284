"""Output filters: small processes outside the sandbox that write what the show outputs.

They pass on only text and numbers: lines through `line_filter`, and a summary with fixed names.

The show may not write files. Before the launcher enters the sandbox it starts an output filter for
standard output, for standard error, and for the file that `--report` names. Each filter has only
two descriptors. One is the pipe from which the filter reads what the show outputs. The other is the
file, terminal, journal or pipe to which the filter writes. It writes only short, readable text. So
no process with frames in its memory has an output that accepts anything else.

Rejected: letting the show keep its files open, because a frame could then be written to them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from installation.guarding.output.line_filter import LineFilter, LineLimits

LARGEST_REPORT = 2000
"""The largest number of bytes in a report; a summary has about 500."""
LARGEST_FIGURE = 10**8
"""The largest number in a report: three years in seconds."""
DECIMALS = 3
"""The most decimals of a number in a show's summary; numbers with more are rounded."""

Figures = Mapping[str, "Figures | None"]

_PERCENTILES: Figures = {"p50": None, "p95": None, "p99": None}

FIGURES: Figures = {
    "seconds": None,
    "camera_fps": None,
    "mirror_fps": None,
    "readings_per_s": None,
    "frame_age_ms": _PERCENTILES,
    "interval_ms": _PERCENTILES,
    "jitter_ms": None,
    "dropped": None,
    "rss_mb": None,
    "first_paint_s": None,
    "first_frame_s": None,
    "first_verdict_s": None,
}
"""The names in a summary, as in `running.telemetry`. A name with the value None stands for one
number; any other value contains the names of several numbers.
"""


@dataclass(frozen=True)
class OutputFilter:
    """A running output filter: its process id, and the writing end of its pipe."""

    pid: int
    pipe: int


def start_line_filter(file: int, limits: LineLimits) -> OutputFilter:
    """Return an output filter that writes lines of text to the descriptor `file`."""
    return _start(lambda pipe: _copy_lines(pipe, file, limits), keep=file)


def start_report_filter(path: Path) -> OutputFilter:
    """Return an output filter that writes one summary to `path` after its pipe has been closed."""
    return _start(lambda pipe: _write_summary(pipe, path))


def remove_on_exit(folder: Path) -> None:
    """Start a child process that removes `folder` when the calling process has ended.

    The show itself may not remove the folder. The child gets no data from the calling process; it
    only waits for the end of that process. Raises OSError.
    """
    own_end = os.pidfd_open(os.getpid())
    if not os.fork():
        _work(lambda end: _remove_after(end, folder), own_end, None)
    os.close(own_end)


def wait_at_most(pids: Iterable[int], timeout_s: float) -> int:
    """Wait until the output filters have written everything, but no longer than `timeout_s`.

    Returns the error number with which the first of them failed; 0 if none failed.

    The filters' pipes must be closed. The time is limited because a program that reads their output
    may hang.
    """
    ends_at = time.monotonic() + timeout_s
    failure = 0
    for pid in pids:
        while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < ends_at:
            time.sleep(0.005)
        failure = failure or (os.waitstatus_to_exitcode(ended[1]) if ended[0] else 0)
    return failure


def wait(pid: int) -> None:
    """Wait until an output filter has written everything; the filter's pipe must be closed.

    Raises OSError if the filter could not write everything.
    """
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise OSError(code, os.strerror(code) if code > 0 else "the output filter was killed")


def _start(work: Callable[[int], None], keep: int | None = None) -> OutputFilter:
    """Return an output filter started by a fork; call this only in a process with one thread."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        _work(work, reading, keep)
    os.close(reading)
    return OutputFilter(pid, writing)


def _work(work: Callable[[int], None], pipe: int, keep: int | None) -> NoReturn:
    """Run `work` in a child process that has no descriptors except `pipe` and `keep`."""
    code = errno.EIO
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # The filter ends when the show closes the pipe.
        for file in [int(name) for name in os.listdir("/proc/self/fd")]:
            if file not in (pipe, keep):
                with contextlib.suppress(OSError):  # Closed: it was the listing's own.
                    os.close(file)
        work(pipe)
        code = 0
    except OSError as failure:
        code = failure.errno or code
    finally:
        os._exit(code)


def _copy_lines(pipe: int, file: int, limits: LineLimits) -> None:
    """Copy lines until `pipe` is closed; then raise OSError if a line could not be written.

    If there were several errors, the last one is raised.
    """
    lines_filter = LineFilter(limits)
    failure: OSError | None = None
    rest = b""
    while data := os.read(pipe, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[: 4 * limits.longest_line + 1]  # A longer line is left out in any case.
        for line in lines:
            for admitted in lines_filter.admit(line):
                failure = _write_line(file, admitted, limits) or failure
    for admitted in (*(lines_filter.admit(rest) if rest else ()), *lines_filter.end()):
        failure = _write_line(file, admitted, limits) or failure
    if failure is not None:
        raise failure


def _write_line(file: int, line: str, limits: LineLimits) -> OSError | None:
    return _write_all(file, (as_json(line) if limits.as_json else line).encode() + b"\n")


def as_json(line: str) -> str:
    """Return a `line` of the log as a JSON object on one line."""
    return json.dumps({"event": "log", "line": line}, ensure_ascii=False)


def _write_summary(pipe: int, path: Path) -> None:
    data = b""
    while len(data) <= LARGEST_REPORT and (more := os.read(pipe, LARGEST_REPORT + 1)):
        data += more
    if not data:
        return  # The show ended without a summary.
    summary = read_summary(data)
    if summary is None:
        raise OSError(errno.EINVAL, "not a summary")
    path.write_text(json.dumps(summary), encoding="ascii")


def read_summary(data: bytes) -> dict[str, object] | None:
    """Return the summary in `data`, with known names and rounded numbers; None if it is not valid.

    The bytes themselves are not passed on.
    """
    try:
        report = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    if len(data) > LARGEST_REPORT or not isinstance(report, dict):
        return None
    figures = _figures(report, FIGURES)
    if report.get("event") != "summary" or report.keys() - FIGURES.keys() != {"event"}:
        return None
    return None if figures is None else {"event": "summary", **figures}


def _figures(report: dict[str, object], names: Figures) -> dict[str, object] | None:
    """Return the numbers that `report` has under `names`.

    If one of them is not valid, return None instead. If the invalid number is in an inner group,
    only this group becomes None.
    """
    figures: dict[str, object] = {}
    for name, inner in names.items():
        value = report.get(name)
        if inner is not None:
            if not isinstance(value, dict) or value.keys() - inner.keys():
                return None
            value = _figures(value, inner)
        elif isinstance(value, bool) or not isinstance(value, int | float | None):
            return None
        elif value is not None:
            if not 0 <= value <= LARGEST_FIGURE:
                return None
            value = value if isinstance(value, int) else round(value, DECIMALS)
        figures[name] = value
    return figures


def _remove_after(process: int, folder: Path) -> None:
    """Remove `folder` when the process with the pidfd `process` has ended."""
    import shutil  # At the top, this import would delay the launcher.

    end = select.poll()
    end.register(process, select.POLLIN)
    end.poll()
    shutil.rmtree(folder)


def _write_all(file: int, data: bytes) -> OSError | None:
    """Write as much of `data` as possible; return the error that prevented the rest, or None.

    The error is not raised, so that the filter continues: a full disk must not end the show.
    """
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError as failure:
        return failure
    return None
