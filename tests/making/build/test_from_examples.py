from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from installation.making.build import build, from_examples
from installation.making.build.embedding_cache import CACHE_FOLDER
from installation.making.build.neutral_pictures import neutral_features
from installation.making.new_set import create_set
from installation.naming.label_set.load import load_label_set
from installation.naming.reading import crops
from installation.naming.scoring.linear import LinearScorer
from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, write_label_set
from tests.support.made_examples import (
    COLOURS,
    YAML,
    ColourEncoder,
    build_colours,
    colour_rows,
    draw,
    picture_mistakes,
    save,
    write_colours,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a set of four labels, red to grey, with five pictures each."""
    return write_colours(tmp_path)


def test_the_show_reads_what_was_built(folder: Path) -> None:
    """A visitor who looks like a label's pictures gets that label."""
    eye = ColourEncoder()
    build.build("seen", folder.parent, partial(from_examples.build_from_examples, encoder=eye))
    label_set = load_label_set("seen", ContentSettings(), folder.parent)
    scorer = LinearScorer.from_built(label_set, eye.fingerprint, eye.width)
    for i, colour in enumerate(COLOURS.values()):
        visitor = Frame.from_rgb(np.full((90, 60, 3), colour, np.uint8), 0)
        batch = crops.cut(visitor, [Box(0, 0, 60, 90)], "frame", eye.input)
        scores = scorer.score(eye.encode(batch))[0]
        assert scores.argmax() == i
        assert scores[i] > 0.5


def test_the_card_says_the_scores_that_the_show_gives(tmp_path: Path) -> None:
    """The mean score on the card is the mean score of the show's scorer."""
    folder = create_set("mine", None, tmp_path)
    file = folder / "labelset.yaml"
    text = file.read_text().replace("method: text", "method: examples")
    file.write_text(text.replace("crop: bust", "crop: frame"))
    (folder / "labels.csv").write_text("\n".join([HEADER, *colour_rows()]))
    for name, colour in COLOURS.items():
        draw(folder / "examples" / name, colour)
    eye = ColourEncoder()
    made = build.build("mine", tmp_path, partial(from_examples.build_from_examples, encoder=eye))
    assert made is not None
    label_set = load_label_set("mine", ContentSettings(), tmp_path)
    scorer = LinearScorer.from_built(label_set, eye.fingerprint, eye.width)
    best = scorer.score(neutral_features(eye, from_examples.NEUTRAL)).max(1)
    (nothing,) = (line for line in made.figures if "is_background" in line)
    assert nothing.startswith(
        "On average, the highest score that a neutral picture gets for any visible label is "
        f"{best.mean():.2f}. "
    )


def test_the_figures_have_accuracy_and_counts(folder: Path) -> None:
    """The figures have the accuracy on held-out pictures, the chance level and the counts."""
    figures = build_colours(folder).figures
    assert figures[0] == (
        "Of your 20 pictures, 100% get the right label from a network that was trained without "
        "them; always choosing the most frequent label would be right for 25%."
    )
    assert "Pictures: red one 5, green one 5, blue one 5, grey one 5." in figures
    assert any(line.startswith("On neutral pictures (without a person): ") for line in figures)
    assert not any("Left out" in line or "is given to" in line for line in figures)


def test_the_worst_pairs_are_named(folder: Path) -> None:
    """The most confused labels are named."""
    for name in ("red", "green"):
        for file in (folder / "examples" / name).iterdir():
            file.unlink()
        (folder / "examples" / name).rmdir()
    draw(folder / "examples" / "red", (60, 60, 60), 12)
    draw(folder / "examples" / "green", (60, 61, 60), 12)
    confused = [line for line in build_colours(folder).figures if "is given to" in line]
    assert confused
    assert set(confused[0].split("'")[1:4:2]) == {"red one", "green one"}


def test_a_row_of_background_is_proposed_where_nothing_gets_a_name(folder: Path) -> None:
    """If neutral pictures get a label, a background row is proposed, unless the set has one."""
    hint = "a row with `is_background: yes` and pictures of empty rooms"
    assert any(hint in line for line in build_colours(folder).figures)
    rows = [f"{name},{name} one,looks {name},,," for name in COLOURS]
    rows[-1] += "yes"
    write_label_set(
        folder.parent, f"{HEADER},is_background", *rows, name="seen", yaml=YAML + "examples"
    )
    assert not any(hint in line for line in build_colours(folder).figures)


def test_a_picture_is_encoded_once(folder: Path) -> None:
    """A second build encodes only the new pictures."""
    first, second, third = ColourEncoder(), ColourEncoder(), ColourEncoder()
    made = build_colours(folder, first)
    assert first.shown == 2 * 20 + from_examples.NEUTRAL
    again = build_colours(folder, second)
    assert second.shown == 0
    assert again.figures == made.figures
    assert all(torch.equal(made.tensors[name], again.tensors[name]) for name in made.tensors)
    save(folder / "examples" / "red" / "new.png", np.full((80, 80, 3), (220, 30, 60), np.uint8))
    build_colours(folder, third)
    assert third.shown == 2


def test_a_picture_is_known_by_its_content(folder: Path) -> None:
    """A renamed picture is not encoded again, an edited one is."""
    build_colours(folder)
    reds = folder / "examples" / "red"
    (reds / "0.png").rename(reds / "renamed.png")
    save(reds / "1.png", np.full((80, 80, 3), (180, 30, 60), np.uint8))
    eye = ColourEncoder()
    build_colours(folder, eye)
    assert eye.shown == 2


def test_a_damaged_cache_is_reported(folder: Path) -> None:
    """With a damaged cache all pictures are encoded again, and the figures say so."""
    build_colours(folder)
    (file,) = (folder.parent / CACHE_FOLDER).iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    eye = ColourEncoder()
    assert "damaged" in build_colours(folder, eye).figures[-1]
    assert eye.shown == 2 * 20 + from_examples.NEUTRAL


def test_nothing_is_written_where_the_pictures_are(folder: Path) -> None:
    """A build changes nothing in the artist's folder and writes no picture anywhere."""
    before = {file: file.stat().st_mtime_ns for file in (folder / "examples").rglob("*")}
    build.build(
        "seen", folder.parent, partial(from_examples.build_from_examples, encoder=ColourEncoder())
    )
    assert {file: file.stat().st_mtime_ns for file in (folder / "examples").rglob("*")} == before
    written = {file.name for file in folder.parent.rglob("*") if file.is_file()} - {
        file.name for file in before
    }
    kept = "pictures-eye-eeeeeeeeeeeeeeee-4.safetensors"
    assert written == {"labelset.yaml", "labels.csv", "built.safetensors", "card.md", kept}


def test_pictures_that_turn_out_broken_count_as_missing(folder: Path) -> None:
    """A picture that turns out damaged when it is decoded does not count."""
    file = folder / "examples" / "red" / "3.png"
    file.write_bytes(file.read_bytes()[:2000])
    (message,) = picture_mistakes(folder)
    assert message == (
        "examples/red: the folder has 4 good pictures (expected at least 5); left out: "
        "red/3.png: it is damaged and cannot be decoded. Add pictures."
    )
