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
    """The output filter writes the report that the show makes."""
    assert is_summary(json.dumps(SUMMARY).encode())


@given(st.binary(min_size=1))
def test_other_bytes_are_not_a_report(data: bytes) -> None:
    """What is not an object of numbers with the event name `summary` is not written."""
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
def test_text_and_lists_are_not_numbers(report: dict[str, object]) -> None:
    """A picture encoded as text, as a list or as a long report is refused."""
    assert not is_summary(json.dumps(report).encode())


@given(st.text(max_size=200))
def test_a_line_is_printable(text: str) -> None:
    """The output filter writes only printable characters, whatever it reads."""
    assert text_only(text.encode("utf-8", "ignore"), STDERR).isprintable()


def test_pictures_are_left_out() -> None:
    """Raw bytes and lines longer than any verdict are omitted, with a remark."""
    noise = random.Random(0).randbytes(500)
    assert text_only(noise, STDOUT) == "(omitted: a line that is not text)"
    assert (
        text_only(b"x" * (STDOUT.longest_line + 1), STDOUT) == "(omitted: a line that is too long)"
    )


def written(data: bytes, limits: str, folder: Path) -> bytes:
    """Return what an output filter with `limits` has written of `data` to a file."""
    program = (
        "import os\nfrom installation.guarding import output_filter\n"
        "file = os.open('out', os.O_WRONLY | os.O_CREAT)\n"
        f"started = output_filter.start_line_filter(file, output_filter.{limits})\n"
        f"os.write(started.pipe, {data!r})\n"
        "os.close(started.pipe)\n"
        "output_filter.wait(started.pid)\n"
    )
    outcome = run("-c", program, user="root", folder=folder)
    assert outcome.returncode == 0, outcome.stderr
    return (folder / "home" / "out").read_bytes()


def test_lines_are_written_to_a_file(tmp_path: Path) -> None:
    """If standard output is a file, it is written outside the sandbox, line by line."""
    text = written(b"one\n\xff\xfe\nthree\n", "STDOUT", tmp_path)
    assert text == b"one\n(omitted: a line that is not text)\nthree\n"


def test_a_flood_of_lines_is_limited(tmp_path: Path) -> None:
    """Lines above the rate limit are omitted and counted."""
    text = written(b"again\n" * 20, "LineLimits(300, 0, 5)", tmp_path)
    assert text == b"again\n" * 5 + b"(15 lines were omitted)\n"


def test_a_librarys_line_for_each_frame_is_counted(tmp_path: Path) -> None:
    """A camera whose frames are damaged does not drown the log in libjpeg's warnings."""
    line = b"Corrupt JPEG data: 3 extraneous bytes before marker 0xd9\n"
    text = written(line * 300 + b"mirror: 30 frames/s\n", "STDERR", tmp_path)
    assert text == line * 5 + b"mirror: 30 frames/s\n" + (
        b"(295 lines like 'Corrupt JPEG data: 0 extraneous bytes before marker 0' were omitted)\n"
    )


def test_a_full_disk_does_not_stop_the_show(tmp_path: Path) -> None:
    """An output filter that cannot write goes on reading, so that the show does not end."""
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


@pytest.mark.parametrize(
    ("report", "is_written"), [(json.dumps(SUMMARY), True), ("a picture", False)]
)
def test_only_a_summary_is_written_as_the_report(
    report: str, is_written: bool, tmp_path: Path
) -> None:
    """`--report` gets its file when the show ends; anything but a summary is an error."""
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from installation.guarding import output_filter\n"
        "started = output_filter.start_report_filter(Path('report.json'))\n"
        "os.write(started.pipe, sys.argv[1].encode())\n"
        "os.close(started.pipe)\n"
        "output_filter.wait(started.pid)\n"
    )
    outcome = run("-c", program, report, user="root", folder=tmp_path)
    assert (outcome.returncode == 0) is is_written
    assert (tmp_path / "home" / "report.json").exists() is is_written


def test_the_longest_verdict_is_written() -> None:
    """The longest verdict of the shipped label sets is shorter than the limit of a line."""
    longest = 0
    for labels in Path(__file__).parents[2].glob("models/*/labels.csv"):
        longest = max(longest, *(len(line) for line in labels.read_text().splitlines()))
    assert 2 * longest < output_filter.STDOUT.longest_line
