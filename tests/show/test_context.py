from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from installation.errors import ScreenError
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings, OwnWords, Settings
from installation.settings.languages import resolve_language
from installation.settings.yaml_file import Loaded
from installation.show.context import open_context, texts_by_place
from installation.showing.window import OffScreen
from installation.showing.words import load_words
from tests.support.fonts import hide_system_fonts
from tests.support.small_show import DEFAULTS, GreyFilm, small_parts, small_show

SCREEN = OffScreen((320, 180))

LABELSET = """\
title: Two fish
credit: a test
root: {id: fish, name: fish, definition: lives in water}
method: classes
"""
LABELS = """\
id,name,definition,parent,hidden_because
n01440764,tench,,,
n01443537,ᎠᏣᏗ,,,
"""


def test_the_screen_speaks_the_curators_language() -> None:
    """The words on the screen are in `language`, with the curator's own sentences."""
    settings = Settings(language=resolve_language("fr"), words=OwnWords(loading="Patience."))
    words = open_context(SCREEN, Loaded(settings, "kiosk.yaml", {}, {})).words
    assert words.loading == "Patience."
    assert words.reading == load_words("fr").reading


def test_labels_are_hyphenated_in_the_language_that_the_curator_named() -> None:
    """Without `language` in kiosk.yaml the labels may be in any language, and have no hyphens."""
    loaded = Loaded(Settings(language=resolve_language("de")), "kiosk.yaml", {}, {})
    assert open_context(SCREEN, loaded).label_language == "de"
    assert open_context(SCREEN, DEFAULTS).label_language == ""


def test_a_label_without_a_font_is_reported_by_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no font has a letter of a label, the show ends with the label's row in labels.csv."""
    folder = tmp_path / "fish"
    folder.mkdir()
    (folder / "labelset.yaml").write_text(LABELSET)
    (folder / "labels.csv").write_text(LABELS)
    label_set = load_label_set("fish", ContentSettings(), tmp_path)
    hide_system_fonts(monkeypatch)
    film = GreyFilm(1)
    parts = replace(small_parts(film), label_set=label_set)
    show = small_show(film, open_parts=lambda loaded, clock, log: parts)
    with pytest.raises(ScreenError, match=r"fish/labels.csv:3: no font .* in Cherokee") as caught:
        show.run()
    assert len(caught.value.mistakes) == 1


def test_a_sentence_without_a_font_is_reported_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no font can draw the curator's own words, the message names their line in kiosk.yaml."""
    settings = Settings(words=OwnWords(loading="ᏣᎳᎩ"))
    loaded = Loaded(settings, "kiosk.yaml", {("words", "loading"): 7}, {})
    hide_system_fonts(monkeypatch)
    with pytest.raises(ScreenError, match=r"^kiosk.yaml:7: no font .* in Cherokee"):
        open_context(SCREEN, loaded)


def test_every_text_of_the_screen_has_a_place() -> None:
    """Words, labels and the root are among the texts for which fonts are searched."""
    label_set = load_label_set("kindnesses", ContentSettings())
    texts = " ".join(texts_by_place(DEFAULTS, label_set).values())
    for text in (*load_words("en").texts(), *label_set.texts()):
        assert text in texts
