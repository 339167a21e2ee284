from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from installation.seeing.presence.presence import GONE_S
from installation.showing.scene import WHITE, Panel, Size
from installation.showing.scenes.bands import NOTICE_SIZE, SAFE, bands
from installation.showing.type.drawable_text import clean
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words, with_privacy_line
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
    at = datetime.datetime(2026, 5, 2, 10, 0)
    words = [with_privacy_line(each, True, at, at.date()) for each in words]
    fonts = Fonts(text for each in words for text in each.texts())
    return ScreenContext(words[0], fonts, size, first, words[1] if second else None, PEOPLE)


def text_on(panel: Panel) -> str:
    """Return the text of `panel` on one line."""
    return " ".join(line.text for line in panel.lines)


def test_bands_are_laid_out_once_for_each_context() -> None:
    """The bands of the frame before are used again until the words or the screen's size change."""
    context = in_languages("en", None, (1920, 1080))
    assert bands(context) is bands(context)
    assert bands(replace(context, size=(1080, 1920))).foot != bands(context).foot


@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize(("first", "second"), [*PAIRS, ("en", None)])
def test_the_notice_says_what_happens_and_how_it_does_not(
    first: str, second: str | None, size: Size
) -> None:
    """The notice has two lines in each language, in type of 42 px per em at 1080p."""
    context = in_languages(first, second, size)
    notice = bands(context).notice
    for words in context.languages:
        assert clean(words.notice) in text_on(notice)
        assert clean(words.way_out_in(GONE_S)) in text_on(notice)
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
    """The guess and the names' credit and counts share a line; the promise is on the next."""
    context = in_languages(language, None, (1920, 1080))
    foot = bands(context).foot
    words = context.words
    for text in (words.privacy, words.number(943), words.number(2832)):
        assert clean(text) in text_on(foot)
    assert PEOPLE.settings.credit_in(language) in text_on(foot)
    guess, names, promise = foot.lines
    assert guess.text == clean(words.guess)
    assert guess.baseline == names.baseline < promise.baseline
    assert promise.text == clean(words.privacy)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_each_language_has_its_own_column(first: str, second: str) -> None:
    """The foot's two columns begin below those of the notice, and have four lines at most."""
    context = in_languages(first, second, (1920, 1080))
    edges = bands(context)
    xs = sorted({line.x for line in edges.notice.lines})
    assert len(xs) == 2
    for x, words in zip(xs, context.languages, strict=True):
        lines = [line.text for line in edges.foot.lines if line.x == x]
        text = " ".join(lines)
        assert len(lines) <= 4
        for sentence in (words.guess, words.privacy, PEOPLE.settings.credit_in(words.code)):
            assert clean(sentence) in text
    assert {line.x for line in edges.foot.lines} == set(xs)


@pytest.mark.parametrize("days", [0, 1, None])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_foot_of_two_languages_has_four_lines_at_most(
    first: str, second: str, days: int | None
) -> None:
    """It has no more after midnight, nor on a computer that does not know the time."""
    at = datetime.datetime(2026, 11, 20, 10, 0)
    tested_at, today = (None if days is None else at), at.date() + datetime.timedelta(days or 0)
    context = in_languages(first, second, (1920, 1080))
    words, other = (
        with_privacy_line(load_words(code), True, tested_at, today) for code in (first, second)
    )
    foot = bands(replace(context, words=words, second=other)).foot
    for x in {line.x for line in foot.lines}:
        assert sum(line.x == x for line in foot.lines) <= 4


@pytest.mark.parametrize("holds", [True, False])
def test_on_a_wide_wall_the_foot_of_two_languages_is_brief(holds: bool) -> None:
    """It has the short promise, and only if the self-test has shown it."""
    context = in_languages("en", "de", (3840, 1080))
    at = datetime.datetime(2026, 5, 2, 10, 0)
    words, second = (
        with_privacy_line(each, holds, at, at.date()) for each in (load_words(), load_words("de"))
    )
    foot = bands(replace(context, words=words, second=second)).foot
    assert ("No picture is kept." in text_on(foot)) is holds
    assert (words.privacy_unguarded in text_on(foot)) is not holds
    assert "tried" not in text_on(foot)
    assert len(foot.lines) == 4 or not holds


@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize(("first", "second"), [*PAIRS, ("es", None)])
def test_the_foot_calls_nothing_a_guess_when_there_is_none(
    first: str, second: str | None, size: Size
) -> None:
    """If there is no guess, `no_guess` replaces `guess` in the foot; no line moves up or down."""
    context = in_languages(first, second, size)
    guessing, none = bands(context), bands(context, guesses=False)
    assert (guessing.notice, guessing.room) == (none.notice, none.room)
    assert len(guessing.foot.lines) == len(none.foot.lines)
    for words in context.languages:
        assert clean(words.guess) not in text_on(none.foot)
        assert clean(words.no_guess) in text_on(none.foot)
    places = [[(line.x, line.baseline) for line in each.foot.lines] for each in (guessing, none)]
    assert places[0][0] == places[1][0]
    assert [y for _, y in places[0]] == [y for _, y in places[1]]


@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize(("first", "second"), [*PAIRS, ("fr", None)])
def test_every_scene_says_that_a_name_is_a_guess(
    first: str, second: str | None, size: Size
) -> None:
    """Every scene says that a name is a guess.

    The sentence is on one line in both languages, as bright as the notice.
    """
    context = in_languages(first, second, size)
    bright = [line.text for line in bands(context).foot.lines if line.colour == WHITE]
    for words in context.languages:
        assert any(text.startswith(clean(words.guess)) for text in bright)


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
    assert edges.room.height >= (0.55 if size[0] > 2 * size[1] else 0.6) * size[1]
    assert edges.notice.rect.bottom == edges.room.y
    assert edges.room.bottom == edges.foot.rect.y


@pytest.mark.parametrize("size", SCREENS)
def test_the_notice_is_as_high_as_a_thumb_is_wide(size: Size) -> None:
    """On a display of 55 inches of any shape, the notice's capitals are at least 15 mm high."""
    context = in_languages("en", None, size)
    mm_per_px = 55 * 25.4 / (size[0] ** 2 + size[1] ** 2) ** 0.5
    line = bands(context).notice.lines[0]
    assert context.fonts.extent("H", line.size).ascent * mm_per_px >= 15
