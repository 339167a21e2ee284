from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding.output.line_filter import STDOUT
from installation.guarding.output.output_filter import FIGURES, read_summary
from installation.running.telemetry import Summary
from tests.support.children import run

SUMMARY = Summary(seconds=1.5, rss_mb=300.25).as_event()


def test_the_summary_passes() -> None:
    """The output filter writes the report that the show makes, with all of its names."""
    assert read_summary(json.dumps(SUMMARY).encode()) == SUMMARY
    assert SUMMARY.keys() == {"event", *FIGURES}


@given(st.binary(min_size=1))
def test_other_bytes_are_not_a_report(data: bytes) -> None:
    """Anything but an object of numbers with the event name `summary` is not written."""
    assert read_summary(data) is None


@pytest.mark.parametrize(
    "report",
    [
        SUMMARY | {"picture": "iVBORw0KGgo"},
        SUMMARY | {"pixels": [1, 2, 3]},
        SUMMARY | {"another": 1},
        SUMMARY | {"dropped": "1"},
        SUMMARY | {"dropped": True},
        SUMMARY | {"dropped": -1},
        SUMMARY | {"dropped": 10**9},
        SUMMARY | {"seconds": float("inf")},
        SUMMARY | {"frame_age_ms": {"p50": 1, "p51": 2}},
        SUMMARY | {"frame_age_ms": 1},
        SUMMARY | {"event": "verdict"},
    ],
)
def test_only_known_names_and_numbers_pass(report: dict[str, object]) -> None:
    """A picture as text, as a list, as names or as one long number is refused."""
    assert read_summary(json.dumps(report).encode()) is None


def test_a_report_is_written_anew() -> None:
    """The filter rounds a report's numbers, so the show cannot hide data in their last digits."""
    own = json.dumps(SUMMARY | {"seconds": 1.2345678901}).replace(", ", ",  ").encode()
    assert read_summary(own) == SUMMARY | {"seconds": 1.235}


def written(data: bytes, limits: str, folder: Path) -> bytes:
    """Return what an output filter with `limits` has written of `data` to a file."""
    program = (
        "import os\nfrom installation.guarding.output import line_filter, output_filter\n"
        "file = os.open('out', os.O_WRONLY | os.O_CREAT)\n"
        f"started = output_filter.start_line_filter(file, line_filter.{limits})\n"
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
    """Lines above the rate limit are omitted and counted, but the summary after them is written."""
    text = written(b"again\n" * 20 + b"summary\n", "LineLimits(300, 5, 1000, 0, 0)", tmp_path)
    assert text == b"again\n" * 5 + b"(15 lines were omitted)\nsummary\n"


def test_a_librarys_line_for_each_frame_is_counted(tmp_path: Path) -> None:
    """A camera whose frames are damaged does not fill the log with libjpeg's warnings."""
    line = b"Corrupt JPEG data: 3 extraneous bytes before marker 0xd9\n"
    text = written(line * 300 + b"mirror: 30 frames/s\n", "STDERR", tmp_path)
    assert text == line * 5 + b"mirror: 30 frames/s\n" + (
        b"(295 lines like 'Corrupt JPEG data: 0 extraneous bytes before marker 0' were omitted)\n"
    )


def test_a_full_disk_does_not_stop_the_show(tmp_path: Path) -> None:
    """If an output filter cannot write, it continues to read, so that the show does not end.

    Its own status says that the output is not whole.
    """
    program = (
        "import os\nfrom installation.guarding.output import line_filter, output_filter\n"
        "full = os.open('/dev/full', os.O_WRONLY)\n"
        "started = output_filter.start_line_filter(full, line_filter.STDOUT)\n"
        "for _ in range(100): os.write(started.pipe, b'a line\\n' * 1000)\n"
        "os.close(started.pipe)\n"
        "print(output_filter.wait_at_most([started.pid], 60))\n"
    )
    outcome = run("-c", program, user="root", folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == f"{errno.ENOSPC}\n"


@pytest.mark.parametrize(
    ("report", "is_written"), [(json.dumps(SUMMARY), True), ("a picture", False)]
)
def test_only_a_summary_is_written_as_the_report(
    report: str, is_written: bool, tmp_path: Path
) -> None:
    """The report is written only if it is a summary; other data is an error and leaves no file."""
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from installation.guarding.output import output_filter\n"
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
    for labels in Path(__file__).parents[3].glob("models/*/labels.csv"):
        longest = max(longest, *(len(line) for line in labels.read_text().splitlines()))
    assert 2 * longest < STDOUT.longest_line
