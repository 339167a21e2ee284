from __future__ import annotations

import datetime
import itertools
from dataclasses import replace
from functools import cache

import pytest

from installation.naming.label_set.label_set import Label, LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.reading.values import Stage
from installation.seeing.presence.presence import GONE_S
from installation.settings.kiosk import ContentSettings
from installation.settings.placeholders import MAX_SENTENCE_LENGTH
from installation.showing.scene import Panel, Scene, Size
from installation.showing.scenes.cards import (
    MAX_NAMES,
    paused_card,
    title_card,
    trouble_card,
    unguarded_card,
)
from installation.showing.scenes.compose import compose
from installation.showing.scenes.idle import idle, idle_without_names
from installation.showing.type.drawable_text import clean
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words, with_privacy_line
from tests.support.figures import FRAME, PEOPLE, Head, draw, face, sighting, text_of
from tests.support.golden import Check
from tests.support.languages import LANGUAGES
from tests.support.sightings import sightings_of

LANDSCAPE: Size = (1920, 1080)
PORTRAIT: Size = (1080, 1920)
SMALL: Size = (1280, 720)
SCREENS = (LANDSCAPE, SMALL, PORTRAIT)

AT = datetime.datetime(2026, 9, 22, 10, 30)
"""An instant on a day with a long name in every language."""

LACKING = [
    "probe 'change a kernel setting of this process'",
    "probe 'open a socket: host of a virtual machine'",
    "probe 'execute another program by its descriptor'",
    "rights of root",
]
"""Missing layers: more than the card names, as long as the longest names of probes."""

ROOT = Label("somebody", "jemand", "", ())


@cache
def _kindnesses(language: str, second: str | None = None) -> LabelSet:
    """Return the shipped label set that has names and definitions in all of `LANGUAGES`."""
    return load_label_set("kindnesses", ContentSettings(), language=language, second=second)


def _umbrella(label_set: LabelSet) -> Label:
    """Return the label of somebody who shares an umbrella, of `_kindnesses`."""
    (label,) = [each for each in label_set.labels if each.id == "umbrella"]
    return label


@cache
def _context(language: str, size: Size, promise: str = "today") -> ScreenContext:
    """Return the context after the self-test; `promise`: today, earlier or unguarded."""
    return replace(_in_two(language, None, size, promise), label_set=PEOPLE)


def _in_two(first: str, second: str | None, size: Size, promise: str = "today") -> ScreenContext:
    """Return the context of a show in two languages."""
    today = AT.date() + datetime.timedelta(days=promise == "earlier")
    words = [load_words(code) for code in (first, second) if code]
    words = [with_privacy_line(each, promise != "unguarded", AT, today) for each in words]
    fonts = Fonts(text for each in words for text in each.texts())
    return ScreenContext(words[0], fonts, size, first, words[1] if second else None, PEOPLE)


def _head(size: Size) -> Head:
    return (620, 300, 170) if size[0] > size[1] else (340, 500, 200)


def _mirror(context: ScreenContext, *labels: Label | None, stage: Stage | None = None) -> Scene:
    head = _head(context.size)
    frame = draw((1280, 720) if context.size[0] > context.size[1] else (720, 1280), [head])
    visitors = [
        sighting(1, face(head), label, stage=stage, label_set=context.label_set) for label in labels
    ]
    return compose(frame, sightings_of(visitors), context, now=0.0)


def _unguarded(context: ScreenContext) -> Scene:
    return unguarded_card(context, LACKING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdict(golden: Check, language: str) -> None:
    """The mirror with a name, its credit, the notice and the privacy line, in each language."""
    label_set = _kindnesses(language)
    context = replace(_context(language, LANDSCAPE), label_set=label_set)
    golden(f"named_{language}", _mirror(context, _umbrella(label_set)), context, shorter=True)


@pytest.mark.parametrize(("form", "size"), [("", LANDSCAPE), ("_tall", PORTRAIT)])
@pytest.mark.parametrize(("first", "second"), [("de", "en"), ("fr", "es")])
def test_a_name_in_two_languages(
    golden: Check, first: str, second: str, form: str, size: Size
) -> None:
    """The countdown, and a name with its definition, evidence and credit, are in both languages."""
    label_set = _kindnesses(first, second)
    context = replace(_in_two(first, second, size), label_set=label_set)
    named = _mirror(context, _umbrella(label_set))
    golden(f"named_{first}_{second}{form}", named, context, shorter=size == PORTRAIT)
    announced = _mirror(context, None, stage="announced")
    golden(f"announced_{first}_{second}{form}", announced, context, shorter=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_credit_is_that_of_the_set_whose_names_are_shown(language: str) -> None:
    """The screen has the credit of the label set from which the name and the runners-up come."""
    label_set = _kindnesses(language)
    context = replace(_context(language, LANDSCAPE), label_set=label_set)
    scene = _mirror(context, _umbrella(label_set))
    (visitor,) = scene.visitors
    assert visitor.shown.verdict is not None
    for runner in visitor.shown.verdict.runners_up:
        assert runner.label in label_set.labels
    text = " ".join(text_of(scene).split())
    assert label_set.settings.credit_in(language) in text


@pytest.mark.parametrize(("form", "size"), [("", LANDSCAPE), ("_tall", PORTRAIT)])
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(LANGUAGES, 2)))
def test_two_languages(golden: Check, first: str, second: str, form: str, size: Size) -> None:
    """The notice, the question and the foot are shown in each pair of languages."""
    context = replace(_in_two(first, second, size))
    golden(f"idle_{first}_{second}{form}", idle_without_names(context, []), context, shorter=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_without_a_guard(golden: Check, language: str) -> None:
    """On a small screen, a card says in each language why the show opens no camera."""
    context = _context(language, SMALL)
    golden(f"unguarded_{language}", _unguarded(context), context, shorter=True)


def test_however_much_is_missing_the_card_stays_calm() -> None:
    """The card names at most three missing layers, however many are missing."""
    context = _context("en", SMALL)
    many = [f"probe {number}" for number in range(110)]
    assert unguarded_card(context, many) == unguarded_card(context, many[:3])


@pytest.mark.parametrize("promise", ["today", "earlier", "unguarded"])
@pytest.mark.parametrize("size", SCREENS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_fits_every_screen(language: str, size: Size, promise: str) -> None:
    """No line leaves its panel or the screen, no panel covers another, and no word is broken."""
    context = _context(language, size, promise)
    words = context.words
    bands = (words.notice, words.way_out_in(GONE_S), words.privacy)
    label = _umbrella(_kindnesses(language))
    score, unsure = words.score.format(score=31), words.unsure.format(score=31)
    withdrawn = words.withdrawn.format(score=31)
    hidden = PEOPLE.hidden_names
    blacked = words.blacked_out.format(hidden=words.number(hidden), all=words.number(2832))
    note = words.unguarded_staff.format(names=", ".join(LACKING[:MAX_NAMES]))
    for scene, sentences in (
        (title_card(context), (words.title, words.loading, *bands)),
        (trouble_card(context), (words.trouble_title, words.trouble)),
        (paused_card(context), (words.paused_title, words.paused)),
        (_unguarded(context), (words.unguarded_title, words.unguarded, note)),
        (idle(FRAME, context, 0.0, 0.0), (words.title, blacked, *bands)),
        (idle(FRAME, replace(context, idle="mirror"), 0.0, 0.0), (words.title, words.invitation)),
        (
            _mirror(context, None, stage="announced"),
            (words.turn_away, words.artwork, words.promise, *bands),
        ),
        (_mirror(context, None), (words.reading, words.turn_away, *bands)),
        (_mirror(context, label), (score, words.guess, *bands)),
        (_mirror(context, label, stage="withdrawn"), (withdrawn, *bands)),
        (_mirror(context, ROOT), (unsure, words.no_guess, *bands)),
    ):
        _check_type(scene, context)
        text = " ".join(line.text for panel in _panels(scene) for line in panel.lines)
        for sentence in sentences:
            assert clean(sentence) in text


def _panels(scene: Scene) -> list[Panel]:
    captions = [visitor.caption.panel for visitor in scene.visitors if visitor.caption]
    return [
        *captions,
        *(visitor.tag.panel for visitor in scene.visitors if visitor.tag),
        *scene.panels,
    ]


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
    """The longest allowed sentence, of wide words, is whole on every card."""
    longest = ("Wohlwollende MASCHINEN " * 9)[:MAX_SENTENCE_LENGTH]
    context = _context("de", size)
    keys = ("title", "invitation", "loading", "trouble_title", "trouble", "reading", "score")
    words = context.words.updated(dict.fromkeys(keys, longest))
    context = replace(context, words=words)
    for scene in (
        title_card(context),
        trouble_card(context),
        idle(FRAME, replace(context, idle="mirror"), 0.0, 0.0),
        _mirror(context, None),
        _mirror(context, _umbrella(_kindnesses("de"))),
    ):
        _check_type(scene, context)
        assert clean(longest) in " ".join(
            line.text for panel in _panels(scene) for line in panel.lines
        )
