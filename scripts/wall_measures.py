"""Prints how high the capitals of each scene are, in mm, for screens of several sizes.

The figures come from the layout itself: each scene is composed as a show composes it, with the
settings and the label set of kiosk.yaml, and each font size in it is one row. Exits with status 1
if anything that visitors read is lower than `LEAST_MM` on a screen of 55 inches.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from installation.naming.label_set.label_set import Label, LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.reading.values import (
    Candidate,
    RunnerUp,
    Sighting,
    Sightings,
    Stage,
    Verdict,
)
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track
from installation.settings.kiosk import load_settings
from installation.settings.paths import DEFAULT_FILE
from installation.show.context import open_context
from installation.showing.scene import Line, Scene, Size
from installation.showing.scenes.cards import title_card, trouble_card, unguarded_card
from installation.showing.scenes.compose import compose
from installation.showing.scenes.idle import idle
from installation.showing.type.fonts import CAP_HEIGHT
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import OffScreen

INCHES = (43, 55, 75)
"""The diagonals of common screens, inches."""

MM_PER_INCH = 25.4

LEAST_MM = 15.0
"""The least height of capitals that are read from a distance of three metres, mm."""

JUDGED_INCHES = 55
"""The diagonal of the screen on which capitals must have LEAST_MM, inches."""

FACES = (0.12, 0.25, 0.45)
"""The heights of a visitor's face as shares of the picture's height: near the largest distance from
which people are named, at two metres, and very near.
"""

BEGINNING = 34
"""The number of characters of a text that the table prints."""


@dataclass(frozen=True)
class Row:
    """One font size in one scene.

    `text` is the scene's first line of this size that no earlier scene has shown in this size.
    `px` is the height of its capitals.
    """

    scene: str
    text: str
    px: float


def rows(context: ScreenContext, label_set: LabelSet) -> Iterator[Row]:
    """Yield a row for each font size in each scene.

    A line that is the same in several scenes, such as the notice, has a row in the first one only.
    """
    known: set[tuple[str, int]] = set()
    for name, scene in scenes(context, label_set):
        sizes: set[int] = set()
        for line in lines(scene):
            if line.size in sizes or (line.text, line.size) in known:
                continue
            sizes.add(line.size)
            known.add((line.text, line.size))
            yield Row(name, line.text, CAP_HEIGHT * line.size)


def lines(scene: Scene) -> Iterator[Line]:
    """Yield all lines of text in `scene`: from the last panel to the first, then at the visitors.

    So the notice and the foot, which are the last panels of a scene, come first.
    """
    for panel in reversed(scene.panels):
        yield from panel.lines
    for visitor in scene.visitors:
        if visitor.tag:
            yield from visitor.tag.panel.lines
        if visitor.caption:
            yield from visitor.caption.panel.lines


def scenes(context: ScreenContext, label_set: LabelSet) -> Iterator[tuple[str, Scene]]:
    """Yield each scene that visitors see, with its name."""
    width, height = context.size
    shape = (720, 1280, 3) if width > height else (1280, 720, 3)
    frame = Frame.from_rgb(np.zeros(shape, np.uint8), 0.0)
    yield "nobody is there", idle(frame, context, 0.0, 0.0)
    longest = max(label_set.labels, key=lambda label: len(label.definition))
    shortest = min(label_set.labels, key=lambda label: len(label.definition))
    staged: Sequence[tuple[str, Stage, Label]] = (
        ("empty square", "announced", shortest),
        ("a name is chosen", "reading", shortest),
        ("name", "named", shortest),
        ("name, long definition", "named", longest),
        ("taken back", "withdrawn", shortest),
        ("person", "person", label_set.root),
        ("no name", "unsure", label_set.root),
    )
    for name, stage, label in staged:
        for face in FACES:
            sightings = sighted(frame, label_set, stage, label, face)
            where = f"{name}, face {face:.0%} high"
            yield where, compose(frame, sightings, context, 0.0)
    yield "loading", title_card(context)
    yield "something is wrong", trouble_card(context)
    yield "no promise, no camera", unguarded_card(context, ["Landlock"])


def sighted(
    frame: Frame, label_set: LabelSet, stage: Stage, label: Label, face: float
) -> Sightings:
    """Return a visitor in the middle of `frame`, in `stage`, whose face has the height `face`.

    `label`, of `label_set`, is the visitor's name.
    """
    box = Box.from_centre(frame.width / 2, frame.height / 2, *2 * (face * frame.height,))
    track = Track(1, box, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 5, 0)
    others = [other for other in label_set.labels if other != label][:2]
    runners_up = tuple(RunnerUp(other, 0.1) for other in others)
    verdict = Verdict(label, 0.31, 0.0, runners_up, len(label_set.labels) - 3, 0.49)
    candidates = (Candidate(label, 0.31),) if stage == "reading" else ()
    known = None if stage in ("announced", "reading") else verdict
    visitor = Sighting(track, candidates, 0.5, known, stage, 3.0)
    return Sightings(0.0, (visitor,), 0, label_set, 0)


def height_mm(px: float, size: Size, inches: float) -> float:
    """Return the length of `px` in mm on a screen of `size` px with a diagonal of `inches`."""
    return px * inches * MM_PER_INCH / math.hypot(*size)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/wall-measures", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE, metavar="kiosk.yaml")
    parser.add_argument(
        "--screen", default="1920x1080", metavar="WxH", help="size of the screen, px"
    )
    args = parser.parse_args(arguments)
    width, height = map(int, args.screen.split("x"))
    size = (width, height)
    loaded = load_settings(args.file)
    settings = loaded.settings
    language = settings.language
    label_set = load_label_set(
        settings.labels,
        settings.content,
        language=language.labels,
        second=language.second_labels,
    )
    context = open_context(OffScreen(size), loaded, label_set)
    print(f"The height of capitals on a screen of {width}×{height} px, mm\n")
    print(
        f"{'scene':<38}{'text':<{BEGINNING + 2}}"
        + "".join(f"{f'{inches} in':>8}" for inches in INCHES)
    )
    too_low = 0
    for row in rows(context, label_set):
        text = row.text if len(row.text) <= BEGINNING else f"{row.text[: BEGINNING - 1]}…"
        figures = "".join(f"{height_mm(row.px, size, inches):>8.1f}" for inches in INCHES)
        print(f"{row.scene:<38}{text:<{BEGINNING + 2}}{figures}")
        too_low += height_mm(row.px, size, JUDGED_INCHES) < LEAST_MM
    if too_low:
        print(
            f"\nRows with capitals lower than {LEAST_MM:g} mm on a screen of {JUDGED_INCHES} "
            f"inches: {too_low}."
        )
    return 1 if too_low else 0


if __name__ == "__main__":
    sys.exit(main())
