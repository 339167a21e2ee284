"""The controls: fuzzing finds each way in which a reader can be unsafe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from installation.errors import LabelSetError, Mistake
from installation.settings.paths import PROJECT
from tests.support.fuzzing import FuzzTarget, WatchedFolder, try_drawn, try_seeded

pytestmark = pytest.mark.slow


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    """Return a watched folder with an empty models/."""
    return WatchedFolder(tmp_path)


def try_(watched: WatchedFolder, read: Callable[[], object]) -> int:
    """Try `read` three times, and return how many files it accepted."""
    target = FuzzTarget(watched, Random.random, lambda case: None, read, max_case_s=0.2)
    return try_seeded(target, 3).accepted


def refuse(where: str = "file", problem: str = "it is wrong", remedy: str = "Correct it.") -> None:
    """Raise an error like the kiosk's."""
    raise LabelSetError(Mistake(where, problem, remedy))


def test_a_reader_that_accepts_or_refuses_is_safe(watched: WatchedFolder) -> None:
    """A reader that returns a result, or refuses the file with a message, is safe."""
    assert try_(watched, lambda: None) == 3
    assert try_(watched, refuse) == 0


def test_a_traceback_is_found(watched: WatchedFolder) -> None:
    """An error of another class than the kiosk's is found."""
    with pytest.raises(AssertionError, match=r"case 0: ZeroDivisionError.*\n0\.84"):
        try_(watched, lambda: 1 // 0)


def test_a_traceback_is_found_by_hypothesis(watched: WatchedFolder) -> None:
    """Hypothesis draws the requested number of cases, and reports the smallest bad one."""
    cases = list[int]()
    target = FuzzTarget(watched, lambda random: random.randrange(1000), cases.append, lambda: None)
    assert try_drawn(target, 50).accepted == len(cases) == 50
    target.read = lambda: 1 // (cases[-1] < 10)
    with pytest.raises(AssertionError, match=r"case of Hypothesis's: ZeroDivisionError.*\n10\n"):
        try_drawn(target, 50)


@pytest.mark.parametrize(
    "mistake",
    [
        ("", "it is wrong", "Correct it."),
        ("file", " ", "Correct it."),
        ("file", "it is wrong", ""),
        ("file", "it is \x1b[2J", "Correct it."),
        ("file", "it is\nwrong", "Correct it."),
        ("file", "it is \u202egnorw", "Correct it."),
        ("file", "it is \ud800", "Correct it."),
        ("file", "it is " + "very " * 1000 + "wrong", "Correct it."),
    ],
)
def test_an_error_that_is_not_one_line_is_found(
    watched: WatchedFolder, mistake: tuple[str, str, str]
) -> None:
    """A message has a place, a mistake and a remedy, on one line without control characters."""
    with pytest.raises(AssertionError, match="case 0"):
        try_(watched, lambda: refuse(*mistake))


def test_a_write_outside_models_is_stopped(watched: WatchedFolder, tmp_path: Path) -> None:
    """A file outside models/ is not created, in whatever way."""
    out, own = watched.folder / "out", watched.models / "own"
    own.mkdir()
    for write in (
        lambda: out.write_text("out"),
        lambda: (own / ".." / ".." / "out").write_text("out"),
        lambda: out.mkdir(),
        lambda: os.symlink("diary.txt", out),
        lambda: own.rename(out),
        lambda: os.system("true"),  # noqa: S605
    ):
        with pytest.raises(AssertionError, match=r"outside models/|was called"):
            try_(watched, write)
    assert not out.exists()


def test_only_a_trial_watches_the_process() -> None:
    """Tests that merely share this process with fuzzing run without its audit hook."""
    program = "import sys; sys.addaudithook = None; import tests.support.fuzzing"
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)


def test_a_change_of_a_file_is_found(watched: WatchedFolder) -> None:
    """A reader that leaves a file in models/ after an error, or deletes one beside it, is found."""

    def leave_and_refuse() -> None:
        (watched.models / "left").write_text("left")
        refuse()

    with pytest.raises(AssertionError, match="a file was changed"):
        try_(watched, leave_and_refuse)
    with pytest.raises(AssertionError, match="a file was changed"):
        try_(watched, (watched.folder / "neighbour" / "diary.txt").unlink)


def test_too_much_memory_is_found(watched: WatchedFolder) -> None:
    """A reader that allocates what a file claims is found."""
    with pytest.raises(AssertionError, match="MemoryError"):
        try_(watched, lambda: bytearray(2**31))


def test_a_slow_reader_is_found(watched: WatchedFolder) -> None:
    """A reader that takes too much processor time is found."""

    def be_slow() -> None:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    with pytest.raises(AssertionError, match="too long"):
        try_(watched, be_slow)
