from __future__ import annotations

import datetime
from functools import cache

import pytest

from installation.naming.label_set.label_set import Label
from installation.settings.placeholders import MAX_SENTENCE_LENGTH
from installation.showing.scene import Panel, Scene, Size
from installation.showing.scenes.cards import (
    MAX_NAMES,
    imprint,
    title_card,
    trouble_card,
    unguarded_card,
    waiting,
)
from installation.showing.scenes.compose import compose
from installation.showing.type.drawable_text import clean
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words, privacy_line
from tests.support.figures import Head, company, draw
from tests.support.golden import Check
from tests.support.languages import LANGUAGES

LANDSCAPE: Size = (1920, 1080)
PORTRAIT: Size = (1080, 1920)
SMALL: Size = (1280, 720)
SCREENS = (LANDSCAPE, SMALL, PORTRAIT)

AT = datetime.datetime(2026, 9, 22, 10, 30)
"""On a day with a long name, in every language."""

LACKING = [
    "probe 'change a kernel setting of this process'",
    "probe 'open a socket: host of a virtual machine'",
    "probe 'execute another program by its descriptor'",
    "rights of root",
]
"""More than the card names, and as long as the names of the longest probes."""

MOST_STRIP = 0.13
"""How much of the screen the strip with the notice may take, over its height."""

ROOT = Label("somebody", "jemand", "", ())


@cache
def _context(language: str, size: Size, promise: str = "today") -> ScreenContext:
    """Return the context once the self-test has been; `promise`: today, earlier or unguarded."""
    words = load_words(language)
    today = AT.date() + datetime.timedelta(days=promise == "earlier")
    line = privacy_line(words, promise != "unguarded", 110, AT, today)
    words = words.model_copy(update={"privacy": line})
    return ScreenContext(words, Fonts(words.texts()), size)


def _head(size: Size) -> Head:
    return (620, 250, 170) if size[0] > size[1] else (340, 420, 200)


def _mirror(context: ScreenContext, *labels: Label | None) -> Scene:
    frame = draw(
        (1280, 720) if context.size[0] > context.size[1] else (720, 1280), [_head(context.size)]
    )
    return compose(frame, company([_head(context.size)], labels), context, now=0.0)


def _waiting(context: ScreenContext) -> Scene:
    size = (1280, 720) if context.size[0] > context.size[1] else (720, 1280)
    return waiting(draw(size, []), context, 0.0)


def _unguarded(context: ScreenContext) -> Scene:
    return unguarded_card(context, LACKING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdict(golden: Check, language: str) -> None:
    """The mirror with a verdict, the notice and the privacy line, in each language."""
    context = _context(language, LANDSCAPE)
    golden(f"verdict_{language}", _mirror(context, LANGUAGES[language].label), context)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_title(golden: Check, language: str) -> None:
    """The title on a tall screen, in each language."""
    context = _context(language, PORTRAIT, "earlier")
    golden(f"waiting_{language}", _waiting(context), context)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_without_a_guard(golden: Check, language: str) -> None:
    """Where no camera is opened the card says why, on a small screen, in each language."""
    context = _context(language, SMALL)
    golden(f"unguarded_{language}", _unguarded(context), context)


def test_however_much_is_missing_the_card_stays_calm() -> None:
    """However much the sandbox lacks, the card names three of it."""
    context = _context("en", SMALL)
    many = [f"probe {number}" for number in range(110)]
    assert unguarded_card(context, many) == unguarded_card(context, many[:3])


@pytest.mark.parametrize("promise", ["today", "earlier", "unguarded"])
@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_fits_every_screen(language: str, size: Size, promise: str) -> None:
    """No line leaves its panel or the screen, no panel lies on another, and no word is torn."""
    context = _context(language, size, promise)
    words = context.words
    strip = (words.notice, words.guess, words.privacy)
    score, unsure = words.score.format(score=31), words.unsure.format(score=31)
    note = words.unguarded_staff.format(names=", ".join(LACKING[:MAX_NAMES]))
    for scene, sentences in (
        (title_card(context), (words.title, words.loading)),
        (trouble_card(context), (words.trouble_title, words.trouble)),
        (_unguarded(context), (words.unguarded_title, words.unguarded, note)),
        (_waiting(context), (words.title, words.invitation, *strip)),
        (_mirror(context, None), (words.reading, *strip)),
        (_mirror(context, LANGUAGES[language].label), (score, *strip)),
        (_mirror(context, ROOT), (unsure, *strip)),
    ):
        _check_type(scene, context)
        text = " ".join(line.text for panel in _panels(scene) for line in panel.lines)
        for sentence in sentences:
            assert clean(sentence) in text
    assert imprint(context)[0].rect.height <= MOST_STRIP * size[1]


def _panels(scene: Scene) -> list[Panel]:
    captions = [visitor.caption.panel for visitor in scene.visitors if visitor.caption]
    return [*captions, *(visitor.tag for visitor in scene.visitors if visitor.tag), *scene.panels]


def _check_type(scene: Scene, context: ScreenContext) -> None:
    for panel in _panels(scene):
        assert panel.rect.within(context.screen)
        for line in panel.lines:
            extent = context.fonts.extent(line.text, line.size)
            assert line.x + extent.width <= panel.rect.width
            assert line.baseline + extent.descent <= panel.rect.height
    written = [panel for panel in _panels(scene) if panel.lines]
    for number, panel in enumerate(written):
        assert not panel.rect.overlaps(*(other.rect for other in written[number + 1 :]))


@pytest.mark.parametrize("size", SCREENS)
def test_the_curators_longest_sentence_fits_every_screen(size: Size) -> None:
    """A sentence of the most letters that are allowed, of wide words, is whole on every card."""
    longest = ("Wohlwollende MASCHINEN " * 9)[:MAX_SENTENCE_LENGTH]
    context = _context("de", size)
    keys = ("title", "invitation", "loading", "trouble_title", "trouble", "reading", "score")
    words = context.words.model_copy(update=dict.fromkeys(keys, longest))
    context = ScreenContext(words, context.fonts, size)
    for scene in (
        title_card(context),
        trouble_card(context),
        _waiting(context),
        _mirror(context, None),
        _mirror(context, LANGUAGES["de"].label),
    ):
        _check_type(scene, context)
        assert clean(longest) in " ".join(
            line.text for panel in _panels(scene) for line in panel.lines
        )
