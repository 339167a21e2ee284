"""A set by the method `examples`, with pictures that are drawn for it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from installation.errors import LabelSetError
from installation.making.build import build, from_examples
from installation.making.build.result import BuildResult
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set, read_source
from installation.naming.networks.encoder import Batch, Encoded, Input
from installation.seeing.frame import Pixels
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, write_label_set

YAML = """\
title: Made
credit: Made for a test
root: {id: somebody, name: somebody, definition: a person}
crop: frame
method: """


def made_examples(models: Path) -> LabelSet:
    """Return a built set of pictures, with a hidden row and a background row."""
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


TAKEN = Input(32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


class ColourEncoder:
    """A small network that returns each quarter's colour, and counts the pictures."""

    name, library, input, width, fingerprint = "eye", "none", TAKEN, 12, "e" * 64

    def __init__(self) -> None:
        self.shown = 0

    def encode(self, batch: Batch) -> Encoded:
        """Return the mean colour of each quarter of each picture, `(N, 12)`."""
        self.shown += len(batch)
        quarters = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(batch), 2)
        return quarters.flatten(1).numpy()

    def forget(self) -> None:
        """Do nothing: the network holds no data."""


def colour_rows() -> list[str]:
    """Return the rows of the set's labels.csv."""
    return [f"{name},{name} one,looks {name},," for name in COLOURS]


def build_colours(folder: Path, eye: ColourEncoder | None = None) -> BuildResult:
    """Build the set in `folder` with the network `eye`."""
    return from_examples.build_from_examples(
        read_source(folder.name, folder.parent), encoder=eye or ColourEncoder()
    )


def picture_mistakes(folder: Path) -> list[str]:
    """Return the mistakes of the pictures, one line each."""
    with pytest.raises(LabelSetError) as caught:
        build_colours(folder)
    return [str(mistake).replace(f"{folder}/", "") for mistake in caught.value.mistakes]


def write_colours(models: Path) -> Path:
    """Write the set `seen` of four labels, red to grey, with five pictures each."""
    folder = write_label_set(models, HEADER, *colour_rows(), name="seen", yaml=YAML + "examples")
    for name, colour in COLOURS.items():
        draw(folder / "examples" / name, colour)
    return folder
