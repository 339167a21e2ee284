"""Writes the table of recoveries in docs/venue.md from observations that were measured.

Each row of docs/recoveries.csv is one observation: a fault, where it was observed, and how long it
took until visitors saw what they should see, s (empty if nothing has to recover, for example after
a mere warning). `scripts/soak --record` and the person at the virtual machine append rows. The
table has the median, the worst and the number of the observations. A fault without an observation
has no row in the table. Rejected: figures in the page itself, which nobody can check.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from installation.settings.paths import PROJECT

PAGE = PROJECT / "docs" / "venue.md"
OBSERVATIONS = PROJECT / "docs" / "recoveries.csv"

BEGIN, END = "<!-- recoveries: begin -->\n", "<!-- recoveries: end -->\n"
"""The lines of the page between which the table is."""

SETUPS = {
    "systemd": "under systemd",
    "alone": "alone",
    "soak": "soak",
    "test": "test",
}
"""The headings of the table's columns, keyed by where an observation was made: in a virtual machine
under the systemd unit that `kiosk service` prints; without systemd; in `scripts/soak`; in a test.
"""

FAULTS: dict[str, tuple[str, str]] = {
    "plugged in": (
        "a camera is plugged in while the show waits for one",
        '"The mirror is waiting for its camera."',
    ),
    "unplugged": ("the camera is unplugged, and plugged in again", "the calm card"),
    "another camera": (
        "the camera is unplugged, and another camera is plugged in",
        "the calm card, because the show never uses another camera",
    ),
    "twin": (
        "the camera is unplugged, and a second camera of the same make stays plugged in",
        "the calm card, because the show never uses the second camera",
    ),
    "hangs": ("the camera hangs: it sends nothing", "the calm card"),
    "frozen": ("the camera sends the same picture again and again", "the calm card"),
    "black": (
        "the camera is covered: its pictures are black",
        "the camera's black picture, without names",
    ),
    "white": (
        "a lamp blinds the camera: its pictures are white",
        "the camera's white picture, without names",
    ),
    "torn": ("half of each picture from the camera is missing", "the calm card"),
    "damaged": ("the camera's pictures cannot be decoded", "the calm card"),
    "other size": ("the camera sends pictures of another size", "the mirror, cropped otherwise"),
    "slow": ("the camera sends less than half of its pictures", "a mirror that stutters"),
    "exception": ("the detector raises an exception", "the mirror, without names"),
    "not a number": (
        "the classifier returns values that are not numbers",
        "the mirror, without names",
    ),
    "out of memory": ("the classifier runs out of memory", "the mirror, without names"),
    "call hangs": ("a call of the classifier hangs", "the mirror, without names"),
    "device lost": (
        "the graphics card fails twice",
        "the mirror, without names until the classifier runs on the CPU",
    ),
    "three failures": (
        "three different failures of the analysis in ten minutes",
        "the calm card while a new process starts",
    ),
    "killed": ("the show is killed (SIGKILL)", "the calm card"),
    "crashed": ("the show crashes (SIGSEGV)", "the calm card"),
    "stopped": (
        "the whole show stands still (SIGSTOP)",
        "the last picture for at most 6 s, then the calm card",
    ),
    "X server": ("the X server dies", "no picture until the X server is back"),
    "supervisor": (
        "the supervisor stands still (SIGSTOP)",
        "the mirror for up to a minute, then the desktop until systemd starts the kiosk again",
    ),
    "window closed": ("another program closes the show's window", "the calm card"),
    "display server": (
        "the display's server ends, and starts again",
        "no picture until the display's server is back, then the calm card",
    ),
    "close key": ("somebody presses the keys that close a window", "the mirror, as before"),
    "covered": (
        "a window of the desktop covers the show",
        "that window for a minute, then the mirror",
    ),
    "resolution": (
        "the display gets another resolution, or is turned",
        "first a part of the old picture, then a picture of the right size",
    ),
    "display off": (
        "the display is switched off and on again",
        "nothing while the display is off, then the mirror",
    ),
    "late monitor": (
        "the display reports its true size late",
        "a small picture, then one of the right size",
    ),
    "clock": (
        "the clock is set back by a year, or forward by a day; summer time begins",
        "the mirror, as before",
    ),
    "settings wrong": (
        "kiosk.yaml has a mistake, is empty, is removed or cannot be read; later it is right",
        "the mirror, as before; the staff's card names the mistake",
    ),
    "settings changed": (
        "kiosk.yaml is changed",
        "the mirror, as before; the staff's card says that the next start uses it",
    ),
    "labels wrong": (
        "a file of the label set is mistyped, emptied, removed, or cannot be read, and is right "
        "again",
        "the mirror and names, as before; the staff's card names the mistake",
    ),
    "labels changed": (
        "the label set is changed",
        "the mirror; it shows names of the new set as soon as nobody stands in front of it, or "
        "after half a minute",
    ),
    "computer stops": (
        "the whole computer stands still for 40 s, as when it sleeps",
        "the mirror, as before",
    ),
    "sleeps": (
        "the computer sleeps, and its camera is plugged in again when it has woken",
        "the calm card",
    ),
    "sleeps with camera": (
        "the computer sleeps, and its camera keeps its power",
        "the last picture for a moment, or the calm card",
    ),
    "all killed": ("the whole kiosk is killed (SIGKILL)", "the desktop until systemd starts it"),
    "cores busy": ("other programs keep all cores busy", "the mirror, names later"),
    "memory": (
        "the show gets no more memory at all",
        "the mirror; if it cannot go on, the last picture for 5 s, then the calm card",
    ),
    "memory nearly gone": (
        "the show gets hardly any more memory, less than a network needs",
        "the mirror, names later",
    ),
    "32 faces": ("32 people stand in front of the camera", "the mirror, names later"),
    "poster": (
        "a poster of faces hangs in the picture",
        "one name for each face; the names are withdrawn, and no others appear",
    ),
}
"""The faults that an observation may have, in the table's order: what happens, and what visitors
see. The time is counted from the end of the fault, or from the fault itself if it has no duration.
"""


@dataclass(frozen=True)
class Observation:
    """One observation: the fault, where it was observed, and the time to recover, s."""

    fault: str
    setup: str
    recovery_s: float | None


def read(path: Path = OBSERVATIONS) -> list[Observation]:
    """Return the observations in the file `path`. Raises ValueError if one is not valid."""
    observations = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            where = f"{path.name}:{number}"
            if row["fault"] not in FAULTS:
                raise ValueError(f"{where}: the fault '{row['fault']}' is not in FAULTS.")
            if row["setup"] not in SETUPS:
                raise ValueError(f"{where}: the setup '{row['setup']}' is not in SETUPS.")
            seconds = float(row["recovery_s"]) if row["recovery_s"] else None
            if seconds is not None and not math.isfinite(seconds):
                raise ValueError(f"{where}: '{row['recovery_s']}' is not a time in seconds.")
            observations.append(Observation(row["fault"], row["setup"], seconds))
    return observations


def append(observations: Iterable[Observation], path: Path = OBSERVATIONS) -> None:
    """Append `observations` to the file `path`."""
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for each in observations:
            seconds = "" if each.recovery_s is None else f"{each.recovery_s:.1f}"
            writer.writerow([each.fault, each.setup, seconds])


def table(observations: Sequence[Observation]) -> str:
    """Return the table of `observations` in Markdown: a row for each fault that was observed."""
    lines = [
        "| what happens | visitors see | " + " | ".join(SETUPS.values()) + " |",
        "|---|---|" + "---|" * len(SETUPS),
    ]
    for fault, (happens, see) in FAULTS.items():
        cells = [
            _cell([each for each in observations if (each.fault, each.setup) == (fault, setup)])
            for setup in SETUPS
        ]
        if any(cells):
            lines.append(f"| {happens} | {see} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(observations: Sequence[Observation]) -> str:
    """Return the median, the worst and the number of `observations`; nothing if there are none."""
    if not observations:
        return ""
    count = len(observations)
    times = [each.recovery_s for each in observations if each.recovery_s is not None]
    if not times:
        return f"seen ({count})"
    return f"{statistics.median(times):.1f} s, {max(times):.1f} s ({count})"


def with_table(page: str, observations: Sequence[Observation]) -> str:
    """Return the text `page` with its table replaced by the table of `observations`.

    Raises ValueError if `page` has no place for the table.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no lines for the table (expected {BEGIN!r} and {END!r}).")
    return before + begin + "\n" + table(observations) + "\n" + end + after


def main() -> int:
    """Write the table; with --check, only return 1 if it does not match the observations."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check",
        action="store_true",
        help="do not write the table; return 1 if the table in the page is not up to date",
    )
    args = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    written = with_table(page, read())
    if args.check:
        return int(written != page)
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
