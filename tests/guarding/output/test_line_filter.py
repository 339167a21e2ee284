from __future__ import annotations

import base64
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding.output.line_filter import (
    STDERR,
    STDOUT,
    LineFilter,
    LineLimits,
    label_letters,
    text_only,
)
from tests.support.manual_clock import ManualClock

PRIVACY = Path(__file__).resolve().parents[3] / "docs" / "privacy.md"


@given(st.text(max_size=200))
def test_a_line_is_printable(text: str) -> None:
    """The filter writes only printable characters, for any input."""
    assert text_only(text.encode("utf-8", "ignore"), STDERR).isprintable()


@given(st.text(max_size=200))
def test_only_letters_of_messages_and_label_sets_pass(text: str) -> None:
    """Letters that occur in no message and no label set are replaced."""
    passed = text_only(text.encode("utf-8", "ignore"), STDERR)
    assert (
        not {letter for letter in passed if letter > "~"}
        - label_letters()
        - set("–—…×·’‘“”„«»°²³µ→←≤≥−äöüÄÖÜßéèêáíóúñçàùâîôûëïœ")
    )


def test_the_shipped_labels_pass_whole() -> None:
    """Each line of the shipped label sets passes the filter unchanged."""
    for file in PRIVACY.parents[1].glob("models/*/labels*.csv"):
        for line in file.read_text(encoding="utf-8-sig").splitlines():
            assert text_only(line.encode(), STDOUT) == line


def test_pictures_are_left_out() -> None:
    """Raw bytes and lines longer than any verdict are replaced by a remark."""
    noise = random.Random(0).randbytes(500)
    assert text_only(noise, STDOUT) == "(omitted: a line that is not text)"
    assert (
        text_only(b"x" * (STDOUT.longest_line + 1), STDOUT) == "(omitted: a line that is too long)"
    )


def flood(limits: LineLimits, seconds: float) -> list[tuple[float, int]]:
    """Return the number of bytes that pass a filter if a show writes all it can for `seconds`.

    The lines are random text, each different from all others, and as long as the filter allows.
    """
    clock, chance = ManualClock(), random.Random(1)
    lines = LineFilter(limits, clock.now)
    passed, began = [], clock.instant
    while clock.instant < began + seconds:
        for length in (200, 40, 5):
            text = base64.b64encode(chance.randbytes(length)).decode()[:length]
            words = re.sub(r"(.{100})", r"\1 ", text)[: limits.longest_line]
            count = sum(len(each.encode()) + 1 for each in lines.admit(words.encode()))
            passed.append((clock.instant - began, count))
        clock.instant += 0.5
    return passed


@pytest.mark.parametrize(("name", "limits"), [("output", STDOUT), ("error", STDERR)])
def test_the_privacy_page_says_how_much_can_leave_in_words(name: str, limits: LineLimits) -> None:
    """docs/privacy.md states how much text code in the show can write in a minute."""
    passed = flood(limits, 600)
    first = sum(count for at, count in passed if at < 60)
    later = sum(count for at, count in passed if at >= 60) / 9
    row = re.search(rf"\| standard {name} \| ([\d,]+) \| ([\d,]+) \|", PRIVACY.read_text())
    assert row is not None
    promised = [int(figure.replace(",", "")) for figure in row.groups()]
    assert first <= promised[0] <= 1.1 * first
    # What was not written in the first minute may be written later.
    assert first + 9 * later <= promised[0] + 9 * promised[1]
    assert promised[1] <= 1.1 * later


def test_an_ordinary_start_passes_whole() -> None:
    """Twenty different lines of a start, and a mistake of 50 lines, are written at once."""
    lines = LineFilter(STDERR, ManualClock().now)
    written = [each for n in range(70) for each in lines.admit(b"a line about part %d" % n)]
    assert len(written) == 70
