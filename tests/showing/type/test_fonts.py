"""Tests of letters of any script as they are drawn: with their marks, joined, from right to left.

Marks without a composed letter (m̃, ė́, g̃, ọ̀, ỡ), decomposed Vietnamese, Arabic, Hebrew, Thai.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pygame
import pytest
from fontTools import subset

from installation.showing.scene import Line
from installation.showing.type.direction import levels
from installation.showing.type.fonts import Fonts
from tests.support.fonts import TEST_FONTS, use_test_fonts


def _drawn(text: str, size: int = 72, levels_: bytes | None = None) -> npt.NDArray[np.uint8]:
    """Return `text` in white on black; its baseline is row 100, and it begins in column 40."""
    fonts = Fonts([text])
    surface = pygame.Surface((fonts.extent(text, size, levels_).width + 80, 140))
    fonts.draw(Line(text, size, (255, 255, 255), 40, 100, levels_), surface)
    return np.asarray(pygame.surfarray.array3d(surface)[..., 0].T)


@pytest.mark.parametrize(
    "text",
    [
        "astronaut",
        "What would a machine call you?",
        "AVATAR",
        "fjord",
        "Ọ̀yọ́",
        "ẾỄǗ",
        "شخص",
        "ที่",
        "語",
    ],
)
def test_type_is_drawn_within_its_extent(text: str) -> None:
    """Ink stays in the width that was measured, to a few px at each end for letters that lean out.

    Above and below it stays there too, but for one accent above a capital.
    """
    extent = Fonts([text]).extent(text, 72)
    rows, columns = np.nonzero(_drawn(text) > 127)
    assert columns.min() >= 38
    assert columns.max() < extent.width + 42
    assert rows.min() >= 100 - extent.ascent - 0.22 * 72 - 1
    assert rows.max() <= 100 + extent.descent + 1


@pytest.mark.parametrize(
    "text", ["m\u0303", "e\u0307\u0301", "g\u0303", "o\u0323\u0300", "\u01a1\u0303"]
)
def test_marks_stand_above_and_below_their_letter(text: str) -> None:
    """Marks without a composed letter are drawn above or below their letter."""
    with_marks, letter = _drawn(text) > 127, _drawn(text[0]) > 127
    added = with_marks[:, : letter.shape[1]] & ~letter[:, : with_marks.shape[1]]
    columns = np.nonzero(added.any(axis=0))[0]
    inked = np.nonzero(letter.any(axis=0))[0]
    assert abs(columns.mean() - inked.mean()) < 12, "over its letter"
    assert Fonts([text]).extent(text, 72).width == Fonts([text]).extent(text[0], 72).width
    labelled = added.any(axis=1)
    assert np.nonzero(labelled)[0].min() < np.nonzero(letter.any(axis=1))[0].min() or (
        np.nonzero(labelled)[0].max() > np.nonzero(letter.any(axis=1))[0].max()
    )


def test_composed_and_decomposed_letters_look_the_same() -> None:
    """Vietnamese as some programs write it, with each mark on its own, is drawn as usual."""
    assert (_drawn("Người được") == _drawn("Ngu\u031bo\u031b\u0300i đu\u031bo\u031b\u0323c")).all()


def test_arabic_letters_are_joined() -> None:
    """A word is narrower than its letters side by side, because each has a joined form."""
    fonts = Fonts(["شخص"])
    apart = sum(fonts.extent(letter, 1000).width for letter in "شخص")
    assert fonts.extent("شخص", 1000).width < 0.9 * apart


def test_brackets_turn_in_text_from_the_right() -> None:
    """In right-to-left text an opening bracket opens to the left."""
    right, left = _drawn("אב(").any(axis=0), _drawn("אב)").any(axis=0)
    assert not (right == left).all()
    assert (_drawn("(", levels_=b"\1") == _drawn(")")).all()


def test_a_line_has_the_direction_of_its_paragraph() -> None:
    """A line of an Arabic paragraph that begins with a Latin word has that word at the right."""
    paragraph = "وكالة NASA تقل"
    line, line_levels = paragraph[6:], levels(paragraph)[6:]
    in_paragraph, alone = _drawn(line, levels_=line_levels), _drawn(line)
    latin = _drawn("NASA")
    inked = np.nonzero(latin.any(axis=0))[0]
    word = latin[:, inked.min() : inked.max() + 1]
    at_right = np.nonzero(in_paragraph.any(axis=0))[0].max() + 1
    assert (
        np.abs(in_paragraph[:, at_right - word.shape[1] : at_right].astype(int) - word).mean() < 12
    )
    assert (alone[:, inked.min() : inked.max() + 1] == word).all()


def test_capitals_are_set_closer_where_the_font_says_so() -> None:
    """The face's kerning is used: AV is narrower than its letters."""
    fonts = Fonts()
    assert (
        fonts.extent("AV", 1000).width
        < fonts.extent("A", 1000).width + fonts.extent("V", 1000).width
    )


def test_letters_that_were_not_looked_for_are_named() -> None:
    """Fonts say which letters of a changed label set they cannot draw."""
    fonts = Fonts(("a", "語"))
    assert fonts.lacks(["abc äöü Ελ Да 0 › ọ̀ شخص\n"]) == []
    assert fonts.lacks(["a語宇"]) == ["宇"]
    assert fonts.replace_lacking("a語宇b") == "a語?b"


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000"])
def test_a_blank_is_drawn_by_a_face_that_has_it(
    blank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A space is not drawn as a box if the font of the words beside it has no space."""
    (font,) = TEST_FONTS.glob("*.otf")
    options = subset.Options(notdef_outline=True)
    opened = subset.load_font(font, options)
    letters = subset.Subsetter(options)
    letters.populate(text="人者")
    letters.subset(opened)
    subset.save_font(opened, tmp_path / "font.otf", options)
    opened.close()
    use_test_fonts(monkeypatch, tmp_path, tmp_path)
    ink = Fonts(["人者"]).ink(f"人{blank}者", 100)
    assert ink is not None
    inked = ink.alpha.max(axis=0) > 0
    assert not inked[105:115].any()
    assert inked[:95].any()
    assert inked[130:].any()
