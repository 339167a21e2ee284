"""The controls: each way in which a reader can be unsafe is found by the watch that fuzzes it."""

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
from tests.support.fuzzing import Trial, Yard, try_drawn, try_numbered


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    """A yard with nothing in its models/."""
    return Yard(tmp_path)


def try_(yard: Yard, read: Callable[[], object]) -> int:
    """Try `read` three times and return how many files it accepted."""
    trial = Trial(yard, Random.random, lambda case: None, read, longest_s=0.2)
    return try_numbered(trial, 3).accepted


def refuse(where: str = "file", what: str = "it is wrong", remedy: str = "Mend it.") -> None:
    """Raise an error as the kiosk does."""
    raise LabelSetError(Mistake(where, what, remedy))


def test_a_reader_that_accepts_or_says_a_sentence_is_safe(yard: Yard) -> None:
    """The watch lets through what is right."""
    assert try_(yard, lambda: None) == 3
    assert try_(yard, refuse) == 0


def test_a_traceback_is_found(yard: Yard) -> None:
    """An error of another type than the kiosk's is no sentence."""
    with pytest.raises(AssertionError, match=r"case 0: ZeroDivisionError.*\n0\.84"):
        try_(yard, lambda: 1 // 0)


def test_a_traceback_is_found_by_hypothesis(yard: Yard) -> None:
    """It draws as many as are asked for, and shows the smallest that is wrong."""
    cases = list[int]()
    trial = Trial(yard, lambda random: random.randrange(1000), cases.append, lambda: None)
    assert try_drawn(trial, 50).accepted == len(cases) == 50
    trial.read = lambda: 1 // (cases[-1] < 10)
    with pytest.raises(AssertionError, match=r"case of Hypothesis's: ZeroDivisionError.*\n10\n"):
        try_drawn(trial, 50)


@pytest.mark.parametrize(
    "mistake",
    [
        ("", "it is wrong", "Mend it."),
        ("file", " ", "Mend it."),
        ("file", "it is wrong", ""),
        ("file", "it is \x1b[2J", "Mend it."),
        ("file", "it is\nwrong", "Mend it."),
        ("file", "it is \u202egnorw", "Mend it."),
        ("file", "it is \ud800", "Mend it."),
        ("file", "it is " + "very " * 1000 + "wrong", "Mend it."),
    ],
)
def test_an_error_that_is_no_sentence_is_found(yard: Yard, mistake: tuple[str, str, str]) -> None:
    """A sentence says where, what and what helps, on one line that no terminal stumbles over."""
    with pytest.raises(AssertionError, match="case 0"):
        try_(yard, lambda: refuse(*mistake))


def test_a_write_outside_models_is_stopped(yard: Yard, tmp_path: Path) -> None:
    """Whatever would make a file outside models/ is stopped before it does."""
    out, own = yard.folder / "out", yard.models / "own"
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
            try_(yard, write)
    assert not out.exists()


def test_only_a_trial_watches_the_process() -> None:
    """Tests that merely share this process with fuzzing run without its audit hook."""
    program = "import sys; sys.addaudithook = None; import tests.support.fuzzing"
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)


def test_a_change_in_the_yard_is_found(yard: Yard) -> None:
    """What is left in models/ after an error, or taken away beside it, is seen in the listing."""

    def leave_and_refuse() -> None:
        (yard.models / "left").write_text("left")
        refuse()

    with pytest.raises(AssertionError, match="changed in the yard"):
        try_(yard, leave_and_refuse)
    with pytest.raises(AssertionError, match="changed in the yard"):
        try_(yard, (yard.folder / "neighbour" / "diary.txt").unlink)


def test_a_hoard_of_memory_is_found(yard: Yard) -> None:
    """What a file claims is not simply allocated."""
    with pytest.raises(AssertionError, match="MemoryError"):
        try_(yard, lambda: bytearray(2**31))


def test_a_slow_reader_is_found(yard: Yard) -> None:
    """A file that keeps the processor busy is found."""

    def dawdle() -> None:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    with pytest.raises(AssertionError, match="too long"):
        try_(yard, dawdle)
