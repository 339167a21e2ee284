"""Small processes outside the sandbox: they write down what the show says, and let only words pass.

The show may not write to files. Where its standard output is one, or a report was asked for, the
launcher starts a clerk before it enters the sandbox. The clerk holds the file and the end of a
pipe, knows nothing else, and writes only what is short and readable. So a file is never held by a
process that sees visitors. Standard error has a clerk wherever it leads, for libraries write there
past the log. One more removes the folder that the self-test tried to change.
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

LARGEST_REPORT = 2000
"""Bytes; the summary has 500."""
DEEPEST = 4


@dataclass(frozen=True)
class Allowance:
    """What a clerk lets through: characters to a line, and lines, of which many may come at once.

    Of lines beyond it only the number is written. A word longer than `longest_word` is cut; None:
    none is.
    """

    longest: int
    lines_per_s: float
    burst: int
    longest_word: int | None = None


OUTPUT = Allowance(4000, 50, 500)
"""Of standard output: the longest verdict of the shipped label sets has 1,400 characters."""
SAID = Allowance(300, 10, 600, longest_word=120)
"""Of standard error: as long as a line of the log, and twice as many as the log may write. No word
is so long, few paths are, and a picture that somebody wrote in letters is one word."""


@dataclass(frozen=True)
class Clerk:
    """A clerk's process, and the end of the pipe that it listens to."""

    pid: int
    pipe: int


def write_lines(file: int, allowed: Allowance) -> Clerk:
    """Return a clerk that writes lines of text to the open `file`, as many as are `allowed`."""
    return _hire(lambda pipe: _copy(pipe, file, allowed), keeping=file)


def write_report(path: Path) -> Clerk:
    """Return a clerk that writes one object of numbers to `path` once the pipe is closed."""
    return _hire(lambda pipe: _write_numbers(pipe, path))


def clear_away(ground: Path) -> None:
    """Have `ground` removed once this process has ended, which then may not do so itself.

    Whoever does it hears nothing of this process but its end. Raises OSError.
    """
    ending = os.pidfd_open(os.getpid())
    if not os.fork():
        _work(lambda end: _clear_away(end, ground), ending, None)
    os.close(ending)


def let_finish(pids: Iterable[int], seconds: float) -> None:
    """Return once the clerks have written all, or after `seconds` at most.

    Their pipes must be closed. Who reads what they write may be stuck.
    """
    until = time.monotonic() + seconds
    for pid in pids:
        while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < until:
            time.sleep(0.005)


def wait(pid: int) -> None:
    """Return once the clerk has written all; the pipe must be closed. Raises OSError."""
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise OSError(code, os.strerror(code) if code > 0 else "it was ended from outside")


def _hire(work: Callable[[int], None], keeping: int | None = None) -> Clerk:
    """Start a clerk. Only for a process with one thread."""
    listens, speaks = os.pipe()
    pid = os.fork()
    if not pid:
        _work(work, listens, keeping)
    os.close(listens)
    return Clerk(pid, speaks)


def _work(work: Callable[[int], None], pipe: int, keeping: int | None) -> NoReturn:
    code = errno.EIO
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # The end of the pipe is the end of the show.
        kept = {pipe, keeping}
        for file in [int(name) for name in os.listdir("/proc/self/fd")]:
            if file not in kept:
                _close(file)
        work(pipe)
        code = 0
    except OSError as failure:
        code = failure.errno or code
    finally:
        os._exit(code)


def _close(file: int) -> None:
    try:
        os.close(file)
    except OSError:
        return  # The listing's own.


def _copy(pipe: int, file: int, allowed: Allowance) -> None:
    rest, credit, at, left_out = b"", float(allowed.burst), time.monotonic(), 0
    while data := os.read(pipe, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[: 4 * allowed.longest + 1]  # what is longer is left out however it goes on
        now = time.monotonic()
        credit, at = min(allowed.burst, credit + (now - at) * allowed.lines_per_s), now
        for line in lines:
            if credit < 1:
                left_out += 1
                continue
            credit -= 1
            if left_out:
                _write_all(file, b"(%d lines were left out)\n" % left_out)
                left_out = 0
            _write_all(file, words_only(line, allowed) + b"\n")
    if left_out:
        _write_all(file, b"(%d lines were left out)\n" % left_out)
    if rest:
        _write_all(file, words_only(rest, allowed))


def words_only(line: bytes, allowed: Allowance) -> bytes:
    """Return `line` where it is short, readable text, and otherwise a line that says it is not."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return b"(left out: a line that is no text)"
    if len(text) > allowed.longest:
        return b"(left out: a line that is too long)"
    return printable(text, allowed.longest_word).encode()


def printable(text: str, longest_word: int | None) -> str:
    """Return `text` with blanks for what cannot be printed, and no longer word than that.

    Words are cut where they are of ASCII, for other scripts write without blanks.
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if longest_word is None:
        return text
    return re.sub(rf"([!-~]{{{longest_word}}})[!-~]+", r"\1…", text)


def _write_numbers(pipe: int, path: Path) -> None:
    data = b""
    while len(data) <= LARGEST_REPORT and (more := os.read(pipe, LARGEST_REPORT + 1)):
        data += more
    if not data:
        return  # The show ended without a summary.
    if not numbers_only(data):
        raise OSError(errno.EINVAL, "no report")
    path.write_bytes(data)


def numbers_only(data: bytes) -> bool:
    """Tell whether `data` is a small JSON object of names and numbers, marked as a summary."""
    try:
        report = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError):
        return False
    if len(data) > LARGEST_REPORT or not isinstance(report, dict):
        return False
    return report.pop("event", None) == "summary" and _numbers(report, DEEPEST)


def _numbers(value: object, depth: int) -> bool:
    if isinstance(value, dict) and depth:
        return all(_numbers(inner, depth - 1) for inner in value.values())
    return value is None or isinstance(value, int | float)


def _clear_away(ending: int, ground: Path) -> None:
    import shutil  # not in the launcher, which would start later for it

    end = select.poll()
    end.register(ending, select.POLLIN)
    end.poll()
    shutil.rmtree(ground)


def _write_all(file: int, data: bytes) -> None:
    """Write `data` as far as it can be: a disk that is full must not end the show."""
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(file, data) :]
