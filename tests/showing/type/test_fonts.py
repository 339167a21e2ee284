from __future__ import annotations

import numpy as np
import pygame
import pytest

from installation.errors import ScreenError
from installation.showing.scene import Line
from installation.showing.type.fonts import BUNDLED, Fonts, missing_scripts, undrawable

HEBREW = "אדם שהוכשר (1961)"


def test_without_fontconfig_other_scripts_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without fonts the message names the scripts and the packages to install."""
    monkeypatch.setenv("PATH", "")
    texts = ["a person", "žluťoučký kůň", "человек", HEBREW, "宇宙飛行士", "人物。"]
    assert missing_scripts(texts) == ["East Asian", "Hebrew"]
    with pytest.raises(ScreenError, match=r"East Asian and Hebrew.*apt-get install .*fonts-noto"):
        Fonts(texts)


def test_each_text_without_a_font_is_named_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the row of the label, not only its script."""
    monkeypatch.setenv("PATH", "")
    mistakes = undrawable(
        {"labels.csv:2": "a person", "labels.csv:3": HEBREW, "labels.csv:4": "宇宙 אדם"}
    )
    assert [(mistake.where, mistake.what.partition(" in ")[2]) for mistake in mistakes] == [
        ("labels.csv:3", "Hebrew"),
        ("labels.csv:4", "East Asian and Hebrew"),
    ]


def test_the_bundled_font_needs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latin, Greek and Cyrillic are drawn with the font in pygame; no process is started."""
    monkeypatch.setenv("PATH", "")
    assert missing_scripts(["Ångström’s “test” › – …", "άνθρωπος", "человек"]) == []


def test_type_is_drawn_within_its_extent() -> None:
    """Ink stays in the width that was measured, to a pixel at each end for round letters."""
    fonts = Fonts()
    for text in ("astronaut", "What would a machine call you?", "AVATAR", "fjord"):
        extent = fonts.extent(text, 72)
        surface = pygame.Surface((extent.width + 40, 140))
        fonts.draw(Line(text, 72, (255, 255, 255), 20, 100), surface)
        columns, rows = np.nonzero(pygame.surfarray.array3d(surface)[..., 0] > 127)
        assert columns.min() >= 18
        assert columns.max() < extent.width + 22
        assert rows.min() >= 100 - extent.ascent - 2
        assert rows.max() < 100 + extent.descent + 2


def test_lower_case_letters_are_not_torn_apart() -> None:
    """The bundled font's kerning only draws letters together, as in AV, never apart, as in ma."""
    fonts = Fonts()
    assert fonts.extent("AV", 1000).width < 2 * fonts.extent("V", 1000).width
    apart = sum(fonts.extent(letter, 1000).width for letter in "machine")
    assert fonts.extent("machine", 1000).width <= apart


def test_the_bundled_font_is_there() -> None:
    """Pygame carries the font that the sizes and the kerning were measured for."""
    assert BUNDLED.name == "freesansbold.ttf"


def test_letters_that_were_not_looked_for_are_named() -> None:
    """Fonts say which scripts of a label set that comes later they cannot draw."""
    fonts = Fonts(("a",))
    assert fonts.lacks("abc äöü Ελ Да 0 ›\n") == []
    assert fonts.lacks("a語") == ["East Asian"]
