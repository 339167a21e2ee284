from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygame
import pytest
import torch

from installation.making.build import from_text
from installation.making.preview import label_map as chart
from installation.making.preview.label_map import HIDDEN, Point, painted
from installation.making.preview.preview import Preview, preview
from installation.naming.label_set.hiding import SAFE
from installation.settings.kiosk import ContentSettings
from installation.settings.reasons import REASONS
from tests.support.label_sets import write_label_set

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
    f"n01484850,{'long ' * 23}name,a fish,swimmers,,,",
    "n01491361,tiger,a fish,,slur,x,y",
    "n01494475,hammerhead,a fish,,unseen,martillo,un pez",
    "swimmers,swimmers,only a heading,,,nadadores,lo que nada",
)
CONTENT = ContentSettings(
    acknowledged="The house shows all that nobody sees.",
    hide=tuple(reason for reason in REASONS if reason != "unseen"),
)


def embed(texts: Sequence[str]) -> torch.Tensor:
    """Return a direction for each text: fish all the same, mugs and some others their own."""
    own = {"mug": (0.0, 1.0), "tiger": (-1.0, 0.0), "swimmers": (0.0, -1.0)}
    found = [
        [own[word] for word in own if word in from_text] or [(1.0, 0.0)] for from_text in texts
    ]
    return torch.tensor([directions[0] for directions in found])


points: list[Point] = []
"""What the map of `made` was painted of."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """Return the preview, in Spanish, of five things, one more that is hidden, and a heading."""
    models = tmp_path_factory.mktemp("models")
    write_label_set(models, *ROWS, yaml=YAML, name="things")

    def noting(of: Sequence[Point], *rest: Any) -> pygame.Surface:
        points[:] = of
        return painted(of, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chart, "painted", noting)
        return preview("things", (1920, 1080), CONTENT, models, language="es", embed=embed)


def test_what_wins_pictures_is_large(made: Preview) -> None:
    """A name is the larger the more noise and rehearsal it wins: what swallows people is seen."""
    assert sum(point.wins or 0 for point in points) in range(120, 151)
    never = next(fact for fact in made.facts if fact.what == "never win").which
    assert "tenca" not in never, "a class alone counts there"


def test_the_map_lies_beside_the_words(made: Preview) -> None:
    """The picture is a PNG in the set's folder, large enough to be printed."""
    assert made.picture.name == "preview.png"
    assert made.picture.parent.name == "things"
    assert pygame.image.load(made.picture).get_size() == (3840, 2160)


def test_the_table_says_what_a_curator_must_know(made: Preview) -> None:
    """Names too long, languages that lack words and labels that say the same are counted."""
    facts = {fact.what: fact for fact in made.facts}
    assert facts["take several lines at 1920×1080"].which == [f"{'long ' * 23}name"]
    assert facts["are not translated into es"].which == ["goldfish", f"{'long ' * 23}name"]
    assert facts["scripts without a font"].count == 0
    twins = facts["pairs that say nearly the same"]
    assert "tenca = goldfish" in twins.which
    assert all("x" not in pair for pair in twins.which), "hidden ones are named nowhere"
    shown = {"tenca", "goldfish", "taza", "martillo", f"{'long ' * 23}name"}
    assert set(facts["never win"].which) < shown


def test_only_what_is_hidden_is_grey(made: Preview) -> None:
    """A row that is only a heading is no label, hidden or not, and is not on the map."""
    pixels = pygame.surfarray.array3d(pygame.image.load(made.picture))
    dot = pygame.Surface((20, 20))
    pygame.draw.circle(dot, HIDDEN, (10, 10), 4)
    area = (pygame.surfarray.array3d(dot) == HIDDEN).all(2).sum()
    assert area <= (pixels == HIDDEN).all(2).sum() < 2 * area  # letters have grey edges


def test_it_says_how_evenly_labels_win(made: Preview) -> None:
    """Figures: on pictures of nothing, on the rehearsal, and on each class alone.

    Before them stands how many labels are hidden, where that is not as by default.
    """
    hidden, nothing, even, rehearsal, things = made.figures
    assert hidden == "Labels hidden as kiosk.yaml says: 1; by default: 2."
    assert nothing.startswith("Of 120 pictures of nothing, ")
    assert even.startswith("On pictures of nothing: ")
    assert rehearsal.startswith("On the rehearsal: ")
    assert things.startswith("Each class of the network as if it alone were seen: ")


def test_a_damaged_cache_is_told(tmp_path: Path) -> None:
    """What costs the next preview its time is said with the figures."""
    write_label_set(tmp_path, *ROWS[:3], yaml=YAML, name="things")
    file = from_text.open_sentence_cache(tmp_path).file
    file.parent.mkdir()
    file.write_bytes(b"no tensors")
    made = preview("things", (1280, 720), SAFE, tmp_path, embed=embed)
    assert made.figures[-1] == "The cache of sentences was damaged and was made anew."


def test_a_script_without_a_font_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters that nothing on this machine can draw are a row of the table, and no crash.

    The names that can be drawn are measured all the same; the show's language is missed, too.
    """
    monkeypatch.setenv("PATH", "")  # fontconfig cannot be asked for any font
    rows = (*ROWS[:3], ROWS[4].replace("swimmers", ""), "n03063599,コップ,a cup,,,,")
    write_label_set(tmp_path, *rows, yaml=YAML, name="things")
    made = preview("things", (1280, 720), SAFE, tmp_path, language="de", embed=embed)
    assert made.figures[0].startswith("Of 120 pictures of nothing, "), "hidden as by default"
    facts = {fact.what: fact for fact in made.facts}
    assert facts["scripts without a font"].which == ["East Asian"]
    assert facts["take several lines at 1280×720"].which == [f"{'long ' * 23}name"]
    assert facts["are not translated into es"].count == 3
    assert facts["are not translated into de"].count == 4
