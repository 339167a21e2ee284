from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pygame
import pytest
import torch

from installation.making.describing import SAFE
from installation.making.preview import Preview, preview
from tests.naming.test_labelset import write

YAML = """\
title: Things
credit: the test
root: {id: thing, name: thing, definition: a thing}
method: classes
min_score: 0.2
"""
ROWS = (
    "id,name,definition,parent,hidden_because,name_es,definition_es",
    "n01440764,tench,a fish,,,tenca,un pez",
    "n01443537,goldfish,a fish,,,,",
    "n03063599,mug,a cup,,,taza,una taza",
    f"n01484850,{'long ' * 23}name,a fish,,,x,y",
    "n01491361,tiger,a fish,,slur,x,y",
)


def embed(texts: Sequence[str]) -> torch.Tensor:
    """Return a direction for each text: fish all the same, mugs another."""
    return torch.tensor([[0.0, 1.0] if "mug" in text else [1.0, 0.0] for text in texts])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """Return the preview of four things, one of them hidden."""
    models = tmp_path_factory.mktemp("models")
    write(models, *ROWS, yaml=YAML, name="things")
    return preview("things", (1920, 1080), SAFE, models, embed=embed)


def test_the_map_lies_beside_the_words(made: Preview) -> None:
    """The picture is a PNG in the set's folder, large enough to be printed."""
    assert made.picture.name == "preview.png"
    assert made.picture.parent.name == "things"
    assert pygame.image.load(made.picture).get_size() == (3840, 2160)


def test_the_table_says_what_a_curator_must_know(made: Preview) -> None:
    """Names too long, languages that lack words and labels that say the same are counted."""
    facts = {fact.what: fact for fact in made.facts}
    assert facts["take several lines at 1920×1080"].which == [f"{'long ' * 23}name"]
    assert facts["are not translated into es"].which == ["goldfish"]
    assert facts["scripts without a font"].count == 0
    twins = facts["pairs that say nearly the same"]
    assert "tench = goldfish" in twins.which
    assert all("tiger" not in pair for pair in twins.which), "hidden ones are named nowhere"
    shown = {"tench", "goldfish", "mug", f"{'long ' * 23}name"}
    assert set(facts["never win"].which) < shown


def test_it_says_how_evenly_labels_win(made: Preview) -> None:
    """Figures: on pictures of nothing, on the rehearsal, and on each class alone."""
    nothing, even, rehearsal, things = made.figures
    assert nothing.startswith("Of 120 pictures of nothing, ")
    assert even.startswith("On pictures of nothing: ")
    assert rehearsal.startswith("On the rehearsal: ")
    assert things.startswith("Each class of the network as if it alone were seen: ")


def test_a_script_without_a_font_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters that nothing on this machine can draw are a row of the table, and no crash."""
    monkeypatch.setenv("PATH", "")  # fontconfig cannot be asked for any font
    write(tmp_path, *ROWS[:3], "n03063599,コップ,a cup,,,,", yaml=YAML, name="things")
    made = preview("things", (1280, 720), SAFE, tmp_path, embed=embed)
    facts = {fact.what: fact for fact in made.facts}
    assert facts["scripts without a font"].which == ["East Asian"]
    assert "take several lines at 1280×720" not in facts
