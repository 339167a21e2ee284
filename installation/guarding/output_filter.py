"""Output filters: small processes outside the sandbox that write what the show outputs.

They pass on text and numbers only.

The show may not write files. If its standard output is a file, or `--report` names one, the
launcher starts an output filter before it enters the sandbox. The filter holds that file and the
reading end of a pipe, and writes only what is short and readable. So no process that has frames in
its memory ever holds a writable file. Standard error always has a filter, because libraries write
to it directly and not through the log.

The alternative was to let the show keep its files open: then a frame could be written to them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from installation.guarding.rate_limit import RateLimit, RepeatLimit

LARGEST_REPORT = 2000
"""The largest report, bytes; a summary has some 500."""
DEEPEST_REPORT = 4
"""The most levels of nested objects in a report."""


@dataclass(frozen=True)
class LineLimits:
    """The limits of the lines that an output filter passes on.

    A line has at most `longest_line` characters; words longer than `longest_word` are cut (None: no
    words are cut). The other two limit the rate, as in `RateLimit`.
    """

    longest_line: int
    lines_per_s: float
    burst: int
    longest_word: int | None = None
    omits_repeats: bool = False


STDOUT = LineLimits(4000, 50, 500)
"""The limits of standard output; the longest verdict of the shipped label sets has 1,400
characters.
"""
STDERR = LineLimits(300, 10, 600, longest_word=120, omits_repeats=True)
"""The limits of standard error: lines as long as those of the log, and twice as many. A picture
encoded as text is one long word; ordinary words and most paths are shorter than 120 characters.
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
    """Start a process that removes `folder` when this process has ended.

    The show itself may not remove the folder. The new process learns nothing from this process
    except that it has ended. Raises OSError.
    """
    own_end = os.pidfd_open(os.getpid())
    if not os.fork():
        _work(lambda end: _remove_after(end, folder), own_end, None)
    os.close(own_end)


def wait_at_most(pids: Iterable[int], timeout_s: float) -> None:
    """Wait until the output filters have written everything, at most for `timeout_s`.

    The filters' pipes must be closed. The time is limited because a program that reads their output
    may hang.
    """
    ends_at = time.monotonic() + timeout_s
    for pid in pids:
        while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < ends_at:
            time.sleep(0.005)


def wait(pid: int) -> None:
    """Wait until an output filter has written everything; the filter's pipe must be closed.

    Raises OSError if the filter could not write everything.
    """
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise OSError(code, os.strerror(code) if code > 0 else "the output filter was killed")


def _start(work: Callable[[int], None], keep: int | None = None) -> OutputFilter:
    """Start an output filter by a fork; call this only in a process with one thread."""
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
            signal.signal(number, signal.SIG_IGN)  # It ends when the show closes the pipe.
        for file in [int(name) for name in os.listdir("/proc/self/fd")]:
            if file not in (pipe, keep):
                with contextlib.suppress(OSError):  # The descriptor of the listing itself.
                    os.close(file)
        work(pipe)
        code = 0
    except OSError as failure:
        code = failure.errno or code
    finally:
        os._exit(code)


def _copy_lines(pipe: int, file: int, limits: LineLimits) -> None:
    rate = RateLimit(limits.lines_per_s, limits.burst)
    repeats = RepeatLimit()
    rest = b""
    while data := os.read(pipe, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[: 4 * limits.longest_line + 1]  # A longer line is left out in any case.
        for line in lines:
            text = text_only(line, limits)
            for candidate in repeats.admit(text) if limits.omits_repeats else [text]:
                for admitted in rate.admit(candidate):
                    _write_all(file, admitted.encode() + b"\n")
    for count in (*rate.skipped(), *repeats.skipped()):
        _write_all(file, count.encode() + b"\n")
    if rest:
        _write_all(file, text_only(rest, limits).encode())


def text_only(line: bytes, limits: LineLimits) -> str:
    """Return `line` as printable text; if it is too long or not text, a remark in its place."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "(omitted: a line that is not text)"
    if len(text) > limits.longest_line:
        return "(omitted: a line that is too long)"
    return printable(text, limits.longest_word)


def printable(text: str, longest_word: int | None) -> str:
    """Return `text` with unprintable characters replaced by spaces, and with long words cut.

    Only words of ASCII characters are cut, because other scripts write without spaces.
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if longest_word is None:
        return text
    return re.sub(rf"([!-~]{{{longest_word}}})[!-~]+", r"\1…", text)


def _write_summary(pipe: int, path: Path) -> None:
    data = b""
    while len(data) <= LARGEST_REPORT and (more := os.read(pipe, LARGEST_REPORT + 1)):
        data += more
    if not data:
        return  # The show ended without a summary.
    if not is_summary(data):
        raise OSError(errno.EINVAL, "not a summary")
    path.write_bytes(data)


def is_summary(data: bytes) -> bool:
    """Return whether `data` is a small JSON object of numbers with the event name `summary`."""
    try:
        report = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        return False
    if len(data) > LARGEST_REPORT or not isinstance(report, dict):
        return False
    return report.pop("event", None) == "summary" and _numbers_only(report, DEEPEST_REPORT)


def _numbers_only(value: object, depth: int) -> bool:
    if isinstance(value, dict) and depth:
        return all(_numbers_only(inner, depth - 1) for inner in value.values())
    return value is None or isinstance(value, int | float)


def _remove_after(process: int, folder: Path) -> None:
    """Remove `folder` when the process with the pidfd `process` has ended."""
    import shutil  # Not at the top: the launcher would start later.

    end = select.poll()
    end.register(process, select.POLLIN)
    end.poll()
    shutil.rmtree(folder)


def _write_all(file: int, data: bytes) -> None:
    """Write as much of `data` as possible: a full disk must not end the show."""
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(file, data) :]
