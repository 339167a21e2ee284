from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.naming.reading.values import Stage
from installation.showing.scene import ON_BLACK, WHITE, Panel, Rect, Shown, Size, Visitor
from installation.showing.scenes.tags import (
    MOST_LINES,
    PANEL_SHARE,
    TAG_SIZES,
    as_question,
    tag_panels,
)
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import CLINICIAN, LONGEST_LABEL, verdict
from tests.support.languages import LANGUAGES

MakeContext = Callable[[Size], ScreenContext]


def visitor(stage: Stage, name: str, side: int = 400, score: float = 0.31) -> Visitor:
    """Return a visitor whose square is `side` px wide."""
    of_label = verdict(CLINICIAN, score) if stage in ("named", "withdrawn") else None
    return Visitor(1, Rect(500, 300, side, side), 5, 1.0, Shown(stage, name, 0, of_label), 0.0)


def tags(context: ScreenContext, of_visitor: Visitor) -> list[tuple[Panel, int]]:
    """Return the tags that a visitor may have on a wide screen."""
    return list(tag_panels(context, of_visitor, 1200))


@pytest.mark.parametrize("score", [0.06, 0.31, 1.0])
def test_the_green_of_a_name_is_the_share_that_its_score_is(
    context: MakeContext, score: float
) -> None:
    """The green part of a name's tag is the score; the rest is black, and all letters are white."""
    for panel, _ in tags(context((1920, 1080)), visitor("named", "clinician", score=score)):
        assert panel.filled_px == pytest.approx(score * panel.rect.width, abs=0.6)
        assert panel.background == ON_BLACK
        assert {line.colour for line in panel.lines} == {WHITE}


@pytest.mark.parametrize(
    ("name", "from_right"), [("clinician", False), ("رائد فضاء", True), ("אסטרונאוט (NASA)", True)]
)
def test_the_green_begins_where_the_name_begins(
    context: MakeContext, name: str, from_right: bool
) -> None:
    """The tag of a right-to-left name is filled from the right."""
    screen = context((1920, 1080))
    label = replace(CLINICIAN, name=name)
    shown = Shown("named", name, 0, verdict(label))
    found = tags(screen, replace(visitor("named", name), shown=shown))
    assert found
    assert all(panel.fills_from_right is from_right for panel, _ in found)


@pytest.mark.parametrize("stage", ["announced", "reading", "withdrawn", "unsure", "person"])
def test_only_a_name_that_stands_is_filled(context: MakeContext, stage: Stage) -> None:
    """The tags of the countdown, of candidates and of withdrawn names have no green background."""
    assert all(
        panel.filled_px == 0 for panel, _ in tags(context((1920, 1080)), visitor(stage, "3"))
    )


def test_the_letters_of_a_name_that_is_taken_back_stay_where_they_are(
    context: MakeContext,
) -> None:
    """The tag of a withdrawn name has the size and the lines that it had before."""
    named, withdrawn = (
        tags(context((1920, 1080)), visitor(stage, "guest of honor"))
        for stage in ("named", "withdrawn")
    )
    assert [panel.rect for panel, _ in named] == [panel.rect for panel, _ in withdrawn]
    for (one, _), (other, _) in zip(named, withdrawn, strict=True):
        green = tuple(replace(line, colour=other.lines[0].colour) for line in one.lines)
        assert green == other.lines


def test_a_name_on_two_lines_is_preferred_to_one_on_three(context: MakeContext) -> None:
    """Tags with fewer lines are tried first, and the first one has at most two lines."""
    for square_px in range(120, 400, 20):
        found = tags(context((1920, 1080)), visitor("named", "guest of honor", square_px))
        counts = [len(panel.lines) for panel, _ in found]
        assert counts == sorted(counts)
        assert counts[0] <= 2


def test_in_a_crowd_the_countdown_is_as_narrow_as_the_square(context: MakeContext) -> None:
    """In a crowd the long countdown stands only if its plate is no wider than the square.

    Otherwise the number stands alone: a plate with words would cover the people beside.
    """
    screen = context((1920, 1080))
    texts: set[str] = set()
    for square_px in range(120, 700, 20):
        announced = visitor("announced", "3", square_px)
        for panel, _ in tag_panels(screen, announced, 1190, is_crowd=True):
            text = " ".join(line.text for line in panel.lines)
            texts.add(text)
            assert panel.rect.width <= square_px or text == "3"
    assert texts == {"AI\u00a0guesses in\u00a03", "3"}


@pytest.mark.parametrize(
    ("stage", "text"),
    [("reading", "clinician?"), ("named", "clinician"), ("withdrawn", "clinician")],
)
def test_a_candidate_has_a_question_mark(context: MakeContext, stage: Stage, text: str) -> None:
    """A candidate has a question mark until there is a verdict."""
    for panel, _ in tags(context((1920, 1080)), visitor(stage, "clinician")):
        assert " ".join(line.text for line in panel.lines) == text


def test_the_countdown_names_what_comes(context: MakeContext) -> None:
    """The countdown says what follows, in shorter words at a small face: "AI guesses in 3".

    Visitors who were alone took a number alone for a rank.
    """
    on_screen = context((1920, 1080))
    texts = [
        " ".join(line.text for line in panel.lines)
        for panel, _ in tags(on_screen, visitor("announced", "3"))
    ]
    assert texts[0] == "AI\u00a0guesses in\u00a03"
    assert texts[-1] == "guess in\u00a03"
    assert texts == sorted(texts)  # the long words come first
    for code in LANGUAGES:
        words = load_words(code)
        screen = replace(on_screen, words=words)
        panel, _ = tags(screen, visitor("announced", "2"))[0]
        assert panel.lines[0].text == words.countdown.format(seconds=2)


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("farmer", "en", "farmer?"),
        ("farmer", "", "farmer?"),
        ("médico", "es", "¿médico?"),
        ("fermière", "fr", "fermière\u00a0?"),
        ("врач", "ru", "врач?"),
        ("אדם", "he", "אדם?"),
        ("رائد فضاء", "ar", "رائد فضاء"),
        ("宇宙飛行士", "ja", "宇宙飛行士"),
        ("นักบินอวกาศ", "th", "นักบินอวกาศ"),
        ("ιατρός", "el", "ιατρός"),
    ],
)
def test_each_language_asks_in_its_own_way(name: str, language: str, text: str) -> None:
    """A name in a script with another question mark, or none, is shown without one."""
    assert as_question(name, language) == text


@pytest.mark.parametrize("name", ["clinician", "guest of honor", LONGEST_LABEL.name])
def test_a_name_that_is_taken_back_is_struck_through(context: MakeContext, name: str) -> None:
    """Each line of a withdrawn name is struck through, from its first to its last letter."""
    on_screen = context((1920, 1080))
    panel, _ = tags(on_screen, visitor("withdrawn", name))[0]
    assert len(panel.strikes) == len(panel.lines)
    for strike, line in zip(panel.strikes, panel.lines, strict=True):
        width = on_screen.fonts.extent(line.text, line.size).width
        assert strike.rect.x <= line.x
        assert strike.rect.right >= line.x + width
        assert line.baseline - line.size / 2 < strike.rect.y < line.baseline
    assert not any(panel.strikes for panel, _ in tags(on_screen, visitor("named", name)))


@pytest.mark.parametrize("side", [60, 100, 180, 400, 800])
def test_a_tag_is_at_most_twice_as_wide_as_its_square(context: MakeContext, side: int) -> None:
    """A tag is at most twice as wide as its square, and a small face has no tag."""
    on_screen = context((1920, 1080))
    for name in ("clinician", LONGEST_LABEL.name, "3"):
        for panel, size in tags(on_screen, visitor("reading", name, side)):
            assert panel.rect.width <= PANEL_SHARE * side
            assert size >= TAG_SIZES[-1] == 42
            assert len(panel.lines) <= MOST_LINES
    assert not tags(on_screen, visitor("reading", LONGEST_LABEL.name, 60))


def test_tags_come_with_the_largest_on_one_line_first(context: MakeContext) -> None:
    """A name is broken only if it does not fit on one line in any size."""
    found = tags(context((1920, 1080)), visitor("named", "guest of honor", 260))
    lines = [len(panel.lines) for panel, _ in found]
    assert lines == sorted(lines)
    one_line = [size for panel, size in found if len(panel.lines) == 1]
    assert one_line == sorted(one_line, reverse=True)
