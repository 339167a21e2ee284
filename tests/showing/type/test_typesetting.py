from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from installation.naming.label_set.load import read_source
from installation.showing.scene import Panel, Rect
from installation.showing.scenes.definitions import shortened
from installation.showing.type.drawable_text import clean
from installation.showing.type.fonts import Fonts
from installation.showing.type.line_breaks import letter_breaks
from installation.showing.type.typesetting import (
    LazyPanels,
    Paragraph,
    break_lines,
    least_width,
    set_panel,
)

WHITE = (255, 255, 255)


def _panel(text: str, max_width: int, language: str = "", size: int = 48) -> Panel:
    paragraph = Paragraph(text, size, WHITE, language=language)
    return set_panel(Fonts([text]), [paragraph], max_width, 10, None)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a person trained to travel in a spacecraft, since 1961", "en"),
        ("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "de"),
        ("شخص مُدرَّب على السفر في مركبة NASA فضائية (منذ 1961)", ""),
        ("คนที่ได้รับการฝึกให้เดินทางในยานอวกาศ", ""),
        ("AVAVAV fifi WAW To.", ""),
    ],
)
@pytest.mark.parametrize("max_width", [300, 444, 700])
def test_no_line_is_wider_than_its_panel(text: str, language: str, max_width: int) -> None:
    """The drawn line is as wide as measured in its paragraph."""
    fonts = Fonts([text])
    for line in break_lines(fonts, Paragraph(text, 48, WHITE, language=language), max_width):
        assert line.extent == fonts.extent(line.text, 48, line.levels)
        assert line.extent.width <= max_width


SCRIPTS = [
    *(
        "abc ÄÖß-",
        "שלום ",
        "العربية مُّ",
        "คนที่ได้เแใ",
        "មនុស្ស",
        "宇宙「に」。",
        "한국 ",
        "क्षि ",
        "0123 ,.()",
    ),
    *("\u00ad\u200b\u200d\u2060\u00a0\u200f\u0301\u0323", "𝒜𝟘", "♪→"),
]


@given(
    st.lists(st.sampled_from(SCRIPTS).flatmap(st.sampled_from), max_size=40).map("".join),
    st.sampled_from([20, 60, 150, 400]),
    st.sampled_from(["", "fr", "th"]),
)
@settings(deadline=None, max_examples=60)
def test_lines_hold_all_of_a_text_in_whatever_scripts(text: str, width: int, language: str) -> None:
    """For any mixture of scripts, each letter is on one line, in order, and no line is too wide."""
    fonts, drawn = Fonts(), clean(text)
    lines = break_lines(fonts, Paragraph(text, 30, WHITE, language=language), width)
    unseen = str.maketrans("", "", " -\u200b\u00ad")
    assert "".join(line.text for line in lines).translate(unseen) == drawn.translate(unseen)
    for line in lines:
        assert len(line.levels) in (0, len(line.text))
        assert line.extent.width <= width or len(letter_breaks(line.text.strip("-"))) <= 1


@pytest.mark.parametrize("text", ["ស្ត្រី宇宙", "Ọ̀m̃", "WWW", "a"])
def test_a_letter_that_is_wider_than_the_panel_has_its_own_line(text: str) -> None:
    """A letter that is wider than its panel gets a line of its own, and raises no error."""
    lines = break_lines(Fonts([text]), Paragraph(text, 48, WHITE, language="de"), 10)
    assert "".join(line.text for line in lines) == text


def test_the_hyphen_is_part_of_the_line() -> None:
    """A hyphenated line ends with a hyphen, for which the panel has space."""
    panel = _panel("Regenschirme", 260, "de")
    assert [line.text for line in panel.lines] == ["Regen-", "schirme"]
    assert _panel("Regen\u00adschirme", 260).lines[0].text == "Regen-"


def test_text_from_the_right_is_set_flush_right() -> None:
    """All lines of such a paragraph end at one edge, also those that begin with a Latin word."""
    text = "وكالة الفضاء الأوروبية واسمها ESA أو وكالة الفضاء الأمريكية واسمها NASA"
    panel = _panel(text, 420)
    fonts = Fonts([text])
    ends = {line.x + fonts.extent(line.text, line.size, line.levels).width for line in panel.lines}
    assert len(panel.lines) > 1
    assert len(ends) == 1


def test_a_line_is_as_high_as_its_marks_need() -> None:
    """A capital letter with two marks makes its line higher; one with a single mark does not."""
    plain, accent, two = (_panel(text, 900).rect.height for text in ("HAND", "HÄND", "HẾND"))
    assert plain == accent
    assert two > plain


def test_lines_with_marks_do_not_touch() -> None:
    """A line with marks below does not touch the next line with two marks above."""
    fonts = Fonts(["ợgọ ẾỄǗ"])
    above, below = _panel("ợgọ ẾỄǗ", 140, size=72).lines
    descent = fonts.extent(above.text, 72, above.levels).descent
    assert below.baseline - above.baseline >= descent + round(1.05 * 72)


def test_the_least_width_is_that_of_the_longest_word() -> None:
    """The least width of a title is the width of its longest word."""
    fonts = Fonts()
    paragraph = Paragraph("a longestword b", 48, WHITE, language="en")
    assert least_width(fonts, paragraph) == fonts.extent("longestword", 48).width


def test_marks_below_the_last_line_keep_away_from_the_edge() -> None:
    """Khmer's letters below letters need more room than g, and get it."""
    for text in ("ស្ត្រី្រ", "ngọc"):
        panel = _panel(text, 900, size=72)
        (line,) = panel.lines
        descent = Fonts([text]).extent(line.text, 72, line.levels).descent
        assert panel.rect.height - line.baseline - descent >= 0
    deep = _panel("ស្ត្រី្រ", 900, size=72)
    assert deep.rect.height - deep.lines[0].baseline > 0.24 * 72 + 3


@pytest.mark.parametrize("width", [500, 700])
def test_the_shipped_definitions_break_into_even_lines(width: int) -> None:
    """No paragraph ends with a line of one word or has lines of very different lengths.

    The exceptions are two lines of which one is a single long word, for which there is no better
    break.
    """
    definitions = [shortened(row.definition) for row in read_source("persons").rows][::9]
    fonts = Fonts(definitions)
    ragged = []
    for definition in definitions:
        paragraph = Paragraph(definition, 48, WHITE, language="en")
        lines = break_lines(fonts, paragraph, width)
        widths = [line.extent.width for line in lines]
        if len(lines) > 1 and min(widths) < max(widths) / 2:
            ragged.append([line.text for line in lines])
    assert len(definitions) > 200
    assert len(ragged) <= len(definitions) / 100, ragged


def test_panels_are_typeset_once_and_only_if_they_are_needed() -> None:
    """Two loops over the same panels, one of them left early, typeset each panel once."""
    asked: list[int] = []

    def typeset() -> Iterator[Panel]:
        for width in (30, 20, 10):
            asked.append(width)
            yield Panel(Rect(0, 0, width, 10), None, ())

    panels = LazyPanels(typeset())
    assert next(iter(panels)).rect.width == 30
    assert asked == [30]
    assert panels.typeset_next()
    assert asked == [30, 20]
    assert [each.rect.width for each in panels] == [30, 20, 10]
    assert [each.rect.width for each in panels] == [30, 20, 10]
    assert asked == [30, 20, 10]
    assert not panels.typeset_next()
