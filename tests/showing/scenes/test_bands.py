from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from installation.seeing.presence.presence import GONE_S
from installation.showing.scene import WHITE, Panel, Size
from installation.showing.scenes.bands import NOTICE_SIZE, SAFE, bands
from installation.showing.type.drawable_text import clean
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import PEOPLE
from tests.support.languages import LANGUAGES

MakeContext = Callable[[Size], ScreenContext]

SCREENS: list[Size] = [
    (1920, 1080),
    (1080, 1920),
    (3840, 2160),
    (1280, 800),
    (3840, 1080),
    (480, 800),
]
PAIRS = list(itertools.permutations(LANGUAGES, 2))


def in_languages(first: str, second: str | None, size: Size) -> ScreenContext:
    """Return the context of a show in two languages, with its names and today's privacy lines."""
    words = [load_words(code) for code in (first, second) if code]
    words = [each.updated({"privacy": each.privacy_today.format(time="10:00")}) for each in words]
    fonts = Fonts(text for each in words for text in each.texts())
    return ScreenContext(words[0], fonts, size, first, words[1] if second else None, PEOPLE)


def text_on(panel: Panel) -> str:
    """Return the text of `panel` on one line."""
    return " ".join(line.text for line in panel.lines)


@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize(("first", "second"), [*PAIRS, ("en", None)])
def test_the_notice_says_what_happens_and_how_it_does_not(
    first: str, second: str | None, size: Size
) -> None:
    """The notice has two lines in each language, in type of 42 px per em at 1080."""
    context = in_languages(first, second, size)
    notice = bands(context).notice
    for words in context.languages:
        assert clean(words.notice) in text_on(notice)
        assert clean(words.way_out.format(seconds=GONE_S)) in text_on(notice)
    assert len(notice.lines) == 2 * len(context.languages)
    assert {line.size for line in notice.lines} == {context.px(NOTICE_SIZE)}
    assert notice.rect.y == 0


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_languages_stand_side_by_side_and_on_a_tall_screen_one_below_the_other(
    first: str, second: str
) -> None:
    """The second language is as large as the first."""
    wide, tall = (
        bands(in_languages(first, second, size)).notice for size in ((1920, 1080), (1080, 1920))
    )
    assert len({line.baseline for line in wide.lines}) == 2
    assert len({line.x for line in wide.lines}) == 2
    assert len({line.baseline for line in tall.lines}) == 4
    assert len({line.x for line in tall.lines}) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_foot_says_where_the_names_come_from_and_what_happens_to_pictures(
    language: str,
) -> None:
    """The credit, the counts and the promise are on one line, below the guess."""
    context = in_languages(language, None, (1920, 1080))
    foot = bands(context).foot
    words = context.words
    for text in (words.privacy, words.number(943), words.number(2832)):
        assert clean(text) in text_on(foot)
    assert PEOPLE.settings.credit_in(language) in text_on(foot)
    guess, *others = foot.lines
    assert guess.text == clean(words.guess)
    assert guess.baseline < others[0].baseline
    assert len({line.baseline for line in others}) == 1


@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize(("first", "second"), [*PAIRS, ("fr", None)])
def test_every_scene_says_that_a_name_is_a_guess(
    first: str, second: str | None, size: Size
) -> None:
    """Every scene says that a name is a guess.

    The sentence is on one line in both languages, as bright as the notice.
    """
    context = in_languages(first, second, size)
    lines = {line.text: line.colour for line in bands(context).foot.lines}
    for words in context.languages:
        assert lines[clean(words.guess)] == WHITE


def test_before_the_names_are_loaded_the_foot_says_only_what_is_known(
    context: MakeContext,
) -> None:
    """While the show loads, the foot does not say how many names are used."""
    words = load_words()
    foot = bands(ScreenContext(words, context((1920, 1080)).fonts, (1920, 1080))).foot
    assert text_on(foot) == f"{words.guess} {words.privacy}"


@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize(("first", "second"), [*PAIRS, ("de", None)])
def test_nothing_is_near_an_edge_and_the_picture_has_most_of_the_screen(
    first: str, second: str | None, size: Size
) -> None:
    """No type is near an edge, which a display may cut; the picture has most of the screen."""
    context = in_languages(first, second, size)
    edges = bands(context)
    edge = context.px(SAFE)
    for panel in edges.panels:
        for line in panel.lines:
            extent = context.fonts.extent(line.text, line.size)
            y = panel.rect.y + line.baseline
            assert y - extent.ascent >= edge
            assert y + extent.descent <= size[1] - edge
            assert line.x >= edge
            assert line.x + extent.width <= size[0] - edge
    assert edges.room.height >= (0.6 if second else 0.65) * size[1]
    assert edges.notice.rect.bottom == edges.room.y
    assert edges.room.bottom == edges.foot.rect.y


@pytest.mark.parametrize("size", SCREENS)
def test_the_notice_is_as_high_as_a_thumb_is_wide(size: Size) -> None:
    """On a display of 55 inches of any shape, the notice's capitals are at least 15 mm high."""
    context = in_languages("en", None, size)
    mm_per_px = 55 * 25.4 / (size[0] ** 2 + size[1] ** 2) ** 0.5
    line = bands(context).notice.lines[0]
    assert context.fonts.extent("H", line.size).ascent * mm_per_px >= 15
