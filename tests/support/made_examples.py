"""A set by the method `examples`, with pictures that are drawn for it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from installation.making.build import build
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.seeing.frame import Pixels
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, write_label_set

YAML = """\
title: Made
credit: Made for a test
root: {id: somebody, name: somebody, definition: a person}
method: """


def made_examples(models: Path) -> LabelSet:
    """Return a built set of pictures, with a row that is hidden and one that is background."""
    folder = write_label_set(
        models,
        f"{HEADER},is_background",
        *("red,red one,looks red,,,", "green,green one,looks green,,,"),
        *("blue,blue one,looks blue,,insult,", "grey,nobody,nothing to see,,,yes"),
        name="examples",
        yaml=YAML + "examples",
    )
    for name, colour in COLOURS.items():
        draw(folder / "examples" / name, colour)
    build.build("examples", models)
    return load_label_set("examples", ContentSettings(), models)


COLOURS = {
    "red": (200, 40, 40),
    "green": (40, 180, 40),
    "blue": (40, 40, 200),
    "grey": (127, 127, 127),
}


def draw(folder: Path, colour: tuple[int, int, int], count: int = 5) -> None:
    """Write `count` pictures of 96×80 px into a new folder: one colour, each its own grain."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(sum(colour))
    for i in range(count):
        grain = random.normal(0, 25, (80, 96, 3))
        picture = np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)
        save(folder / f"{i}.png", picture)


def save(path: Path, pixels: Pixels) -> Path:
    """Write RGB `pixels` as the kind of picture that the path's name ends in."""
    written = cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))
    assert written
    return path
