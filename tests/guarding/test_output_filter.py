from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding import output_filter
from installation.guarding.output_filter import STDERR, STDOUT, is_summary, text_only
from tests.support.children import run

SUMMARY = {"event": "summary", "seconds": 1.5, "frame_age_ms": {"p50": None, "p95": 3}}


def test_the_summary_passes() -> None:
    """The report that the show makes is one that the clerk writes down."""
    assert is_summary(json.dumps(SUMMARY).encode())


@given(st.binary(min_size=1))
def test_no_bytes_pass_as_a_report(data: bytes) -> None:
    """What is no object of numbers that calls itself a summary is not written."""
    assert not is_summary(data)


@pytest.mark.parametrize(
    "report",
    [
        SUMMARY | {"picture": "iVBORw0KGgo"},
        SUMMARY | {"pixels": [1, 2, 3]},
        SUMMARY | {"a": {"b": {"c": {"d": {"e": 1}}}}},
        {"event": "verdict"},
        SUMMARY | {f"n{i}": i for i in range(400)},
    ],
)
def test_words_and_lists_do_not_pass_as_numbers(report: dict[str, object]) -> None:
    """A picture spelled out in letters, in a list or in a long report is refused."""
    assert not is_summary(json.dumps(report).encode())


@given(st.text(max_size=200))
def test_text_stays_text_in_one_line(text: str) -> None:
    """What the clerk writes is printable, whatever came."""
    assert text_only(text.encode("utf-8", "ignore"), STDERR).isprintable()


def test_pictures_are_no_lines() -> None:
    """Raw bytes and lines longer than any verdict are left out, and it says so."""
    noise = random.Random(0).randbytes(500)
    assert text_only(noise, STDOUT) == "(left out: a line that is not text)"
    assert (
        text_only(b"x" * (STDOUT.longest_line + 1), STDOUT) == "(left out: a line that is too long)"
    )


def written(said: bytes, allowed: str, folder: Path) -> bytes:
    """Return what is in a file after a clerk was told `said`, with what is `allowed`."""
    program = (
        "import os\nfrom installation.guarding import output_filter\n"
        "file = os.open('out', os.O_WRONLY | os.O_CREAT)\n"
        f"started = output_filter.start_line_filter(file, output_filter.{allowed})\n"
        f"os.write(started.pipe, {said!r})\n"
        "os.close(started.pipe)\n"
        "output_filter.wait(started.pid)\n"
    )
    outcome = run("-c", program, user="root", folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return (folder / "home" / "out").read_bytes()


def test_a_clerk_writes_lines_to_a_file(tmp_path: Path) -> None:
    """Standard output that is a file is written outside the sandbox, line by line."""
    there = written(b"one\n\xff\xfe\nthree\n", "STDOUT", tmp_path)
    assert there == b"one\n(left out: a line that is not text)\nthree\n"


def test_a_flood_of_lines_is_cut_off_and_said_so(tmp_path: Path) -> None:
    """More lines than anybody could read are not written, but how many there were is."""
    there = written(b"again\n" * 20, "LineLimits(300, 0, 5)", tmp_path)
    assert there == b"again\n" * 5 + b"(15 lines were left out)\n"


def test_a_full_disk_does_not_stop_who_speaks(tmp_path: Path) -> None:
    """Where a clerk cannot write it goes on listening: the show must not end for its log."""
    program = (
        "import os\nfrom installation.guarding import output_filter\n"
        "full = os.open('/dev/full', os.O_WRONLY)\n"
        "started = output_filter.start_line_filter(full, output_filter.STDOUT)\n"
        "for _ in range(100): os.write(started.pipe, b'a line\\n' * 1000)\n"
        "os.close(started.pipe)\n"
        "output_filter.wait(started.pid)\n"
    )
    outcome = run("-c", program, user="root", folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(("said", "there"), [(json.dumps(SUMMARY), True), ("a picture", False)])
def test_a_clerk_writes_the_report_or_refuses(said: str, there: bool, tmp_path: Path) -> None:
    """`--report` gets its file when the show ends; anything else than a report is an error."""
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from installation.guarding import output_filter\n"
        "started = output_filter.start_report_filter(Path('report.json'))\n"
        "os.write(started.pipe, sys.argv[1].encode())\n"
        "os.close(started.pipe)\n"
        "output_filter.wait(started.pid)\n"
    )
    outcome = run("-c", program, said, user="root", folder=tmp_path)
    assert (outcome.returncode == 0) is there
    assert (tmp_path / "home" / "report.json").exists() is there


def test_the_limits_let_the_show_speak() -> None:
    """The longest verdict of the shipped label sets is a line that passes."""
    longest = 0
    for labels in Path(__file__).parents[2].glob("models/*/labels.csv"):
        longest = max(longest, *(len(line) for line in labels.read_text().splitlines()))
    assert 2 * longest < output_filter.STDOUT.longest_line
