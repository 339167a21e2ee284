from __future__ import annotations

import base64
import errno
import logging
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from installation.errors import CameraError, Mistake
from installation.guarding.output.line_filter import STDERR
from installation.guarding.output.log import BURST, LINES_PER_S, LineLog, LogHandler, places
from tests.support.children import run
from tests.support.manual_clock import ManualClock


@given(st.text())
def test_lines_are_short_and_printable(text: str) -> None:
    """No line of the log is longer than 300 printable characters."""
    lines: list[str] = []
    LineLog(lines.append).say(text)
    assert all(len(line) <= STDERR.longest_line and line.isprintable() for line in lines)


def test_a_long_message_takes_several_lines() -> None:
    """A message that is longer than a line is continued, so no word of the remedy is lost."""
    lines: list[str] = []
    words = " ".join(f"word-{i}" for i in range(200))
    LineLog(lines.append).say(f"  {words} end")
    assert len(lines) > 4
    assert " ".join(lines) == f"  {words} end"


def test_what_is_not_text_is_left_out() -> None:
    """A picture encoded as text is one long word, which is cut; an array is left out."""
    lines: list[str] = []
    log = LineLog(lines.append)
    log.say(base64.b64encode(bytes(range(256)) * 100).decode())
    pixels: Any = np.full((4, 4, 3), 77, np.uint8)
    log.say(pixels)
    log.say("猫" * 200)
    assert [len(line) for line in lines] == [161, len(lines[1]), 200]
    assert lines[1] == "(omitted: a value of type ndarray, which is not text)"


def test_the_reason_of_the_end_is_written_after_a_flood() -> None:
    """The reason why a command ends is written even if the rate limit is exhausted."""
    clock = ManualClock()
    lines: list[str] = []
    log = LineLog(lines.append, clock.now)
    for _ in range(BURST + 7):
        log.say("again")
    log.end("kiosk.yaml:1: it is wrong. Correct it.")
    assert lines[BURST:] == ["(7 lines were omitted)", "kiosk.yaml:1: it is wrong. Correct it."]


def test_an_end_of_many_lines_is_limited() -> None:
    """A file with a thousand mistakes does not flood the log, and the rest is counted."""
    lines: list[str] = []
    LineLog(lines.append, ManualClock().now).end("again\n" * 1000)
    assert len(lines) == BURST + 1
    assert lines[-1] == f"({1000 - BURST} lines were omitted)"


def test_a_flood_is_limited() -> None:
    """A fault that repeats at every frame does not fill the log, and the rest is counted."""
    clock = ManualClock()
    lines: list[str] = []
    log = LineLog(lines.append, clock.now)
    for _ in range(10 * BURST):
        log.say("again")
    assert len(lines) == BURST
    clock.instant += 1
    for _ in range(100):
        log.say("and again")
    assert lines[BURST] == f"({9 * BURST} lines were omitted)"
    assert len(lines) == BURST + LINES_PER_S + 1


def test_tracebacks_become_short_lines() -> None:
    """Tracebacks in Python's log are cut into lines with the same limits."""
    lines: list[str] = []
    handler = LogHandler(LineLog(lines.append))
    try:
        raise ValueError("x " * 500)
    except ValueError as failure:
        info = (ValueError, failure, failure.__traceback__)
        handler.emit(logging.LogRecord("kiosk", logging.ERROR, "", 0, "it ended", None, info))
    assert lines[1] == "Traceback (most recent call last):"
    assert STDERR.longest_line - 2 <= max(map(len, lines)) <= STDERR.longest_line


def test_a_show_writes_no_text_of_others_exceptions() -> None:
    """Exceptions from elsewhere are logged by type and line of code.

    Their texts may contain an array's numbers.
    """
    pixels = np.full((6, 6), 137, np.uint8)
    lines: list[str] = []
    handler = LogHandler(LineLog(lines.append), quotes_exceptions=False)
    try:
        try:
            raise OSError(errno.ENODEV, f"{pixels}")
        except OSError as failure:
            raise ValueError(pixels) from failure
    except ValueError as failure:
        info = (ValueError, failure, failure.__traceback__)
        handler.emit(logging.LogRecord("kiosk", logging.ERROR, "", 0, "it ended", None, info))
    text = "\n".join(lines)
    assert "137" not in text
    assert "ValueError\n" in text
    assert "OSError (No such device)\n" in text
    assert f"  {__file__}:" in text
    assert str(pixels).splitlines()[0].strip("[]") in str(ValueError(pixels)), "the control"


def test_a_show_quotes_its_own_exceptions() -> None:
    """The texts of the kiosk's own exceptions are logged."""
    mistake = Mistake("camera", "it was unplugged", "Plug it in again.")
    assert places(CameraError(mistake)) == f"CameraError: {mistake}"


def test_threads_that_end_unseen_write_no_text_of_others(tmp_path: Path) -> None:
    """Exceptions that Python itself reports, such as a thread's, are logged without texts."""
    program = """
    import threading
    from installation.guarding.output.log import LineLog, hide_texts_of_exceptions
    hide_texts_of_exceptions(LineLog())
    def fail():
        raise ValueError("pixels 137")
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    class Failing:
        def __del__(self):
            fail()
    Failing()
    fail()
    """
    outcome = run("-c", textwrap.dedent(program), user="root", folder=tmp_path)
    assert outcome.stderr.count("ValueError\n") == 3
    assert "137" not in outcome.stderr
