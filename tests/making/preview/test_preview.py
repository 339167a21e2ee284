"""Tests of the preview: it agrees with the show in all settings that change what visitors read.

They are `min_score`, the detector, what is hidden, and the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygame
import pytest
import torch

from installation.errors import LabelSetError
from installation.making.build import from_text
from installation.making.preview import label_map, trial
from installation.making.preview import preview as preview_module
from installation.making.preview.label_map import HIDDEN, Dot, paint_map
from installation.making.preview.preview import Preview, preview
from installation.seeing.faces.detector import Detector
from installation.seeing.faces.open import open_detector
from installation.settings.kiosk import Settings
from installation.settings.reasons import REASONS
from tests.support.fonts import hide_system_fonts
from tests.support.full_disk import full_disk
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
    "n04152593,tench,a fish,,,tenca,un pez",
    "n03782006,goldfish,a fish,,,,",
    "n03063599,mug,a cup,,,taza,una taza",
    f"n04487081,{'long ' * 23}name,a fish,swimmers,,,",
    "n04275548,tiger,a fish,,slur,x,y",
    "n02966193,hammerhead,a fish,,unseen,martillo,un pez",
    "swimmers,swimmers,only a heading,,,nadadores,lo que nada",
)
CONTENT = {
    "acknowledged": "The house shows all that nobody sees.",
    "hide": tuple(reason for reason in REASONS if reason != "unseen"),
}


def write_things(models: Path, *rows: str) -> None:
    """Write the label set `things` into `models`."""
    write_label_set(models, *rows, yaml=YAML, name="things")


def settings(**values: object) -> Settings:
    """Return a kiosk.yaml's settings."""
    return Settings.model_validate(values)


def embed(texts: Sequence[str]) -> torch.Tensor:
    """Return one direction for all texts about fish, and another for each of the others."""
    own = {"mug": (0.0, 1.0), "tiger": (-1.0, 0.0), "swimmers": (0.0, -1.0)}
    found = [[own[word] for word in own if word in text] or [(1.0, 0.0)] for text in texts]
    return torch.tensor([directions[0] for directions in found])


FEW = 6
"""The number of neutral pictures of a short trial."""


@pytest.fixture
def short_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try the label set on a few pictures, for tests that count no wins."""
    monkeypatch.setattr(trial, "NEUTRAL_PICTURES", FEW)
    monkeypatch.setattr(trial, "REHEARSAL_FRAMES", 2)


dots: list[Dot] = []
"""The dots of the map of `spanish`."""


@pytest.fixture(scope="module")
def spanish(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """Return the preview, in Spanish, of five things, one more that is hidden, and a heading."""
    models = tmp_path_factory.mktemp("models")
    write_things(models, *ROWS)

    def record_dots(painted: Sequence[Dot], *rest: Any) -> pygame.Surface:
        dots[:] = painted
        return paint_map(painted, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_map, "paint_map", record_dots)
        show = settings(content=CONTENT, language="es")
        return preview("things", (1920, 1080), show, models, embed=embed)


def test_a_label_that_wins_pictures_is_large(spanish: Preview) -> None:
    """The wins on the map are counted on neutral pictures and the rehearsal, not on classes."""
    assert sum(dot.wins or 0 for dot in dots) in range(120, 151)
    never = next(row for row in spanish.table if row.property == "never win").names
    assert "tenca" not in never, "a single class counts there"


def test_the_map_is_in_the_sets_folder(spanish: Preview) -> None:
    """The map is a PNG in the set's folder, large enough to be printed."""
    assert spanish.map_file.name == "preview.png"
    assert spanish.map_file.parent.name == "things"
    assert pygame.image.load(spanish.map_file).get_size() == (3840, 2160)


def test_the_table_counts_what_a_curator_must_know(spanish: Preview) -> None:
    """Long names, missing translations and labels that mean the same are counted."""
    table = {row.property: row for row in spanish.table}
    assert table["take several lines at 1920×1080"].names == [f"{'long ' * 23}name"]
    assert table["are not translated into es"].names == ["goldfish", f"{'long ' * 23}name"]
    similar = table["pairs that mean nearly the same"]
    assert "tenca = goldfish" in similar.names
    assert all("x" not in pair for pair in similar.names), "hidden labels are named nowhere"
    visible = {"tenca", "goldfish", "taza", "martillo", f"{'long ' * 23}name"}
    assert set(table["never win"].names) < visible


def test_only_hidden_labels_are_grey(spanish: Preview) -> None:
    """A row that is only a heading is not a label and not on the map."""
    pixels = pygame.surfarray.array3d(pygame.image.load(spanish.map_file))
    pixels = pixels[:, label_map.HEADING_PX :]
    dot = pygame.Surface((40, 40))
    pygame.draw.circle(dot, HIDDEN, (20, 20), round(label_map.LARGEST_SCALE * 4))
    area = (pygame.surfarray.array3d(dot) == HIDDEN).all(2).sum()
    assert area <= (pixels == HIDDEN).all(2).sum() < 2 * area  # names have grey edges


def test_the_figures_tell_how_evenly_labels_win(spanish: Preview) -> None:
    """There are figures for neutral pictures, for the rehearsal, and for each class.

    If kiosk.yaml hides other labels than the default, the first figure has their number.
    """
    hidden, named, neutral, rehearsal, classes = spanish.figures
    assert hidden == "Hidden labels: 1 with this kiosk.yaml, 2 by default."
    assert named.startswith("Of 120 neutral pictures, ")
    assert neutral.startswith("On neutral pictures: ")
    assert rehearsal.startswith("On the rehearsal: ")
    assert classes.startswith("On one imagined picture of each class of the network: ")


@pytest.mark.usefixtures("short_trial")
def test_the_show_s_own_min_score_and_detector_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`min_score` and `detector` of kiosk.yaml count for a preview, as they do for the show."""
    write_things(tmp_path, *ROWS[:3])
    opened: list[str] = []

    def open_recorded(name: Any) -> Detector:
        opened.append(name)
        return open_detector(name)

    monkeypatch.setattr(preview_module, "open_detector", open_recorded)
    for min_score, figure in ((0.0, "100% would get a label"), (0.999, "0% would get a label")):
        show = settings(reading={"min_score": min_score}, detector="mtcnn")
        result = preview("things", (1280, 720), show, tmp_path, embed=embed)
        assert result.figures[0].startswith(f"Of {FEW} neutral pictures, {figure}.")
    assert opened == ["mtcnn", "mtcnn"]


@pytest.mark.usefixtures("short_trial")
def test_a_damaged_cache_is_reported(tmp_path: Path) -> None:
    """The figures of a preview say that a damaged cache of sentences was rebuilt."""
    write_things(tmp_path, *ROWS[:3])
    file = from_text.open_sentence_cache(tmp_path).file
    file.parent.mkdir()
    file.write_bytes(b"no tensors")
    result = preview("things", (1280, 720), settings(), tmp_path, embed=embed)
    assert result.figures[-1] == "The cache of sentences was damaged and has been rebuilt."


@pytest.mark.usefixtures("short_trial")
def test_a_full_disk_is_named_and_the_old_map_stays(spanish: Preview) -> None:
    """A map that cannot be written is a mistake with its file, and not a traceback."""
    before = spanish.map_file.read_bytes()
    models = spanish.map_file.parents[1]
    message = r"preview\.png: it cannot be written \(File too large\)"
    with full_disk(100), pytest.raises(LabelSetError, match=message):
        preview("things", (640, 360), settings(content=CONTENT), models, embed=embed)
    assert spanish.map_file.read_bytes() == before
    assert [file.name for file in spanish.map_file.parent.glob("*preview*")] == ["preview.png"]


def test_a_letter_without_a_font_is_a_mistake_of_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A letter that no font here can draw is named with its row, and no map is made."""
    hide_system_fonts(monkeypatch)
    write_things(tmp_path, *ROWS[:3], "n03063599,コップ,a cup,,,,")
    with pytest.raises(LabelSetError, match=r"labels.csv:4: no font .* can draw コ \(U\+30B3\)"):
        preview("things", (1280, 720), settings(), tmp_path, embed=embed)
    assert not (tmp_path / "things" / "preview.png").exists()


@pytest.mark.usefixtures("short_trial")
def test_the_shows_language_is_among_the_translations(tmp_path: Path) -> None:
    """Missing translations are counted for the show's languages, even if the set has none."""
    write_things(tmp_path, *ROWS[:3], ROWS[4].replace("swimmers", ""))
    show = settings(language=["de", "fr"])
    result = preview("things", (1280, 720), show, tmp_path, embed=embed)
    assert result.figures[0].startswith(f"Of {FEW} neutral pictures, "), "hidden as by default"
    table = {row.property: row for row in result.table}
    assert table["take several lines at 1280×720"].names == [f"{'long ' * 23}name"]
    assert table["are not translated into es"].count == 2
    assert table["are not translated into de"].count == 3
    assert table["are not translated into fr"].count == 3
