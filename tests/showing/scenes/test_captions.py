from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.naming.label_set.csv_file import Wording
from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import RunnerUp, Stage, Verdict
from installation.showing.meter import PARTS, parts
from installation.showing.scene import DARK_GREY, GREEN, GREY, Bar, Panel, Shown, Size
from installation.showing.scenes.captions import MOST_VARIANTS, PAD, RUNNERS_UP, caption_panels
from installation.showing.type.drawable_text import clean
from installation.showing.type.fonts import Fonts
from installation.showing.type.line_breaks import line_breaks, unbreakable
from installation.showing.type.typesetting import MOST_PANELS, ScreenContext
from installation.showing.words import load_words
from tests.support.figures import (
    BOXER,
    CLINICIAN,
    FARMER,
    GUEST,
    HORNIST,
    LABELS,
    LONGEST_DEFINITION,
    LONGEST_LABEL,
    ROOT,
    verdict,
)
from tests.support.languages import LANGUAGES

MakeContext = Callable[[Size], ScreenContext]

WIDE = 1200
CONTEXT = ScreenContext(load_words(), Fonts(), (1920, 1080))

LONG_LINK = Label(
    "l",
    "assistant deputy undersecretary",
    "an official",
    ("person", "public servant of the national administration", "worker"),
)
"""A label with a name and a category that narrow captions have to break."""


def shown(stage: Stage, label: Label | None = None, score: float = 0.31) -> Shown:
    """Return what the screen says in `stage` of a visitor who is named `label`."""
    name = label.name if label else "3" if stage == "announced" else ""
    return Shown(stage, name, 0, verdict(label, score) if label else None)


def fullest(context: ScreenContext, problem: Shown, size: int = 42, max_width: int = WIDE) -> Panel:
    """Return the fullest and widest caption."""
    return next(iter(caption_panels(context, problem, size, max_width)[0]))


def text_on(panel: Panel) -> str:
    """Return the text of `panel` on one line, with ordinary spaces."""
    return " ".join(line.text for line in panel.lines).replace("\u00a0", " ")


def bars_on(panel: Panel) -> list[Bar]:
    """Return the parts of the bar on `panel`."""
    return [part for meter in panel.meters for part in parts(meter)]


def all_panels(context: ScreenContext, problem: Shown) -> Iterator[Panel]:
    """Yield the captions that a visitor may have beside squares of many sizes."""
    for max_width in range(220, 900, 20):
        for panels in caption_panels(context, problem, 36, max_width):
            yield from panels


def plain(text: str) -> str:
    """Return `text` with ordinary spaces, and without the marks that forbid breaks."""
    return text.replace("\u00a0", " ").replace("\u2060", "")


def test_a_name_is_shown_with_its_evidence(context: MakeContext) -> None:
    """Below a name are its definition, chain, evidence and runners-up."""
    panel = fullest(context((1920, 1080)), shown("named", CLINICIAN))
    text = text_on(panel)
    for part in (
        CLINICIAN.definition,
        "person › worker › professional",
        "AI shared 100 points among all names: this one got 31.",
        "guest of honor 12 sparring partner 9 940 other names 48",
    ):
        assert part in text
    assert not any(line.text.endswith("·") for line in panel.lines)


@given(st.sampled_from(LABELS), st.floats(0.005, 0.99))
def test_the_bar_has_a_hundred_parts_as_the_words_say(label: Label, score: float) -> None:
    """Each part is one of 100: green for the name, light for runners-up, dark for others."""
    problem = shown("named", label, score)
    assert problem.verdict is not None
    shares = problem.verdict.shares(RUNNERS_UP)
    bars = bars_on(fullest(CONTEXT, problem))
    colours = [bar.colour for bar in bars]
    runners_up = sum(share for _, share in shares.runners_up)
    assert colours.count(GREEN) == shares.own
    assert colours.count(GREY) == runners_up
    assert colours.count(DARK_GREY) == shares.others
    assert len(bars) == PARTS - shares.nobodys
    rights = [bar.rect.right for bar in bars]
    lefts = [bar.rect.x for bar in bars]
    assert all(right <= left for right, left in zip(rights, lefts[1:], strict=False))


@pytest.mark.parametrize("language", ["", "en"])
@pytest.mark.parametrize(
    ("first", "second", "line_counts"),
    [(FARMER, HORNIST, {1, 3}), (LONGEST_LABEL, BOXER, {4}), (LONG_LINK, GUEST, {3, 4})],
)
def test_each_name_begins_a_line_unless_all_fit_on_one(
    context: MakeContext, first: Label, second: Label, line_counts: set[int], language: str
) -> None:
    """The runners-up are on one line, or each begins a line and is broken only if it is too wide.

    The number is on the last line of its name, and no line ends with a separator.
    """
    screen = replace(context((1920, 1080)), label_language=language)
    runners_up = (RunnerUp(first, 0.12), RunnerUp(second, 0.09))
    of_clinician = Verdict(CLINICIAN, 0.31, 0.0, runners_up, 40, 0.48)
    items = [f"{first.name} 12", f"{second.name} 9", "40 other names 48"]
    counts = set()
    for panel in all_panels(screen, Shown("named", "clinician", 0, of_clinician)):
        lines = [plain(line.text) for line in panel.lines if line.colour == GREY]
        if not lines:
            continue
        counts.add(len(lines))
        if len(lines) == 1:
            assert lines == [" · ".join(items)]
            continue
        for item in items:
            text = line = lines.pop(0)
            while text != item:
                line = lines.pop(0)
                text = text[:-1] + line if text.endswith("-") else f"{text} {line}"
                assert item.startswith(text)
                assert item != items[-1]
                assert screen.fonts.extent(item, 34).width > panel.rect.width - 2 * PAD
            assert not line.isdigit()
        assert not lines
    assert counts >= line_counts


@given(st.text("ab d宇宙。「」…-/?—กขไท\u200b\u00ad(9", min_size=1, max_size=40).map(clean))
def test_an_unbreakable_name_has_no_place_for_a_line_end(text: str) -> None:
    """An unbreakable name keeps its letters and has no place for a line end, in any script."""
    whole = unbreakable(text)
    assert [each.index for each in line_breaks(whole)] == [len(whole)] * bool(whole)
    assert plain(whole) == text.replace("\u200b", "")


@pytest.mark.parametrize("label", [CLINICIAN, GUEST, LONG_LINK])
@pytest.mark.parametrize("language", ["", "en"])
def test_a_chain_is_broken_after_its_signs(
    context: MakeContext, label: Label, language: str
) -> None:
    """A line of the chain ends within a category only if the category is wider than the line."""
    screen = replace(context((1920, 1080)), label_language=language)
    broken = 0
    for panel in all_panels(screen, shown("named", label)):
        lines = [plain(line.text) for line in panel.lines if line.colour == GREEN]
        links = [*(f"{name} ›" for name in label.chain), label.name]
        inner = panel.rect.width - 2 * PAD
        whole = [each for each in links if screen.fonts.extent(each, 34).width <= inner]
        if not lines:
            continue
        broken += len(lines) > 1
        assert " ".join(lines).replace("- ", "") == " ".join(links)
        for link in whole:
            assert any(f" {link} " in f" {line} " for line in lines), (link, lines)
        if whole == links:
            assert all(line.endswith("›") for line in lines[:-1])
    assert broken


def test_a_better_name_that_somebody_else_has_is_marked(context: MakeContext) -> None:
    """A caption marks a runner-up that scored higher than the name, if another visitor has it."""
    runners_up = (RunnerUp(CLINICIAN, 0.12, is_given=True), RunnerUp(GUEST, 0.08, is_given=True))
    of_hornist = Verdict(HORNIST, 0.09, 0.0, runners_up, 940, 0.71)
    for code in LANGUAGES:
        screen = replace(context((1920, 1080)), words=load_words(code))
        text = text_on(fullest(screen, Shown("named", "hornist", 0, of_hornist)))
        given = screen.words.given
        assert f"clinician 12 {given}" in text
        assert text.count(given) == 1
        higher = replace(of_hornist, score=0.12, others_score=0.68)
        assert given not in text_on(fullest(screen, Shown("named", "hornist", 0, higher)))


def test_a_name_that_was_drawn_says_so(context: MakeContext) -> None:
    """With `draw: sample` a name may have less than its runners-up, so the caption says why."""
    drawn = replace(verdict(HORNIST, 0.09), is_drawn=True)
    for code in LANGUAGES:
        screen = replace(context((1920, 1080)), words=load_words(code))
        for is_drawn in (True, False):
            of_hornist = replace(drawn, is_drawn=is_drawn)
            text = text_on(fullest(screen, Shown("named", "hornist", 0, of_hornist)))
            assert (screen.words.drawn in text) is is_drawn


@pytest.mark.parametrize(
    ("name", "from_right"), [("clinician", False), ("رائد فضاء", True), ("אסטרונאוט", True)]
)
def test_the_bar_begins_where_the_name_begins(
    context: MakeContext, name: str, from_right: bool
) -> None:
    """Under a right-to-left name the green of the bar is at the right, as on the tag."""
    label = replace(CLINICIAN, name=name)
    panel = fullest(context((1920, 1080)), shown("named", label))
    bars = bars_on(panel)
    ordered = sorted(bars, key=lambda bar: bar.rect.x, reverse=from_right)
    assert bars == ordered
    assert [bar.colour for bar in ordered[:31]] == 31 * [GREEN]
    first, last = ordered[0].rect, ordered[-1].rect
    begin, end = (last.x, first.right) if from_right else (first.x, last.right)
    assert begin >= PAD
    assert end <= panel.rect.width - PAD
    assert PAD in (first.x, panel.rect.width - first.right)


@pytest.mark.parametrize(
    ("stage", "label", "text"),
    [
        (
            "announced",
            None,
            "Turn away: it stops. This is an artwork. No picture is kept.",
        ),
        ("reading", None, "The machine is choosing a name. Turn away: it stops."),
        (
            "withdrawn",
            CLINICIAN,
            "The machine takes every name back. This one had 31 of 100 points.",
        ),
        ("person", ROOT, "a human being"),
        ("unsure", ROOT, "a human being No name had more than 31 of 100 points."),
    ],
)
def test_each_stage_has_its_sentence(
    context: MakeContext, stage: Stage, label: Label | None, text: str
) -> None:
    """From the empty square to 'person' visitors read what happens."""
    assert text_on(fullest(context((1920, 1080)), shown(stage, label))) == text


@pytest.mark.parametrize("stage", ["announced", "reading", "withdrawn"])
def test_sentences_are_in_both_languages(context: MakeContext, stage: Stage) -> None:
    """The second language is below the first; the countdown, which is on the tag, is only in it."""
    both = replace(context((1920, 1080)), second=load_words("de"))
    label = CLINICIAN if stage == "withdrawn" else None
    panel = fullest(both, shown(stage, label))
    assert len({line.colour for line in panel.lines}) == 2
    first, second = (
        text_on(fullest(each, shown(stage, label)))
        for each in (
            replace(both, second=None),
            replace(both, words=load_words("de"), second=None),
        )
    )
    countdown = "KI rät in 3" if stage == "announced" else ""
    assert sorted(text_on(panel).split()) == sorted(f"{countdown} {first} {second}".split())


def test_names_and_definitions_are_in_both_languages_where_the_set_has_them(
    context: MakeContext,
) -> None:
    """A label without a translation is shown in its own language."""
    both = replace(context((1920, 1080)), second=load_words("de"))
    label = replace(CLINICIAN, second=Wording("Ärztin", "behandelt Kranke"))
    assert "Ärztin behandelt Kranke" in text_on(fullest(both, shown("named", label)))
    only_own = text_on(fullest(both, shown("named", CLINICIAN)))
    assert only_own.count(CLINICIAN.definition) == 1
    assert "KI verteilte 100 Punkte auf alle Namen: auf diesen 31." in only_own


def test_captions_grow_shorter_until_the_evidence_alone_is_left(context: MakeContext) -> None:
    """A visitor far away gets less text, not smaller type."""
    on_screen = context((1920, 1080))
    problem = shown("named", LONGEST_DEFINITION)
    words = [
        len(text_on(panels[0]).split())
        for panels in map(list, caption_panels(on_screen, problem, 36, WIDE))
        if panels
    ]
    assert words[0] == max(words)
    assert words[-1] == min(words)
    last = next(iter(caption_panels(on_screen, problem, 36, WIDE)[-1]))
    assert text_on(last) == "31 of 100 points"
    assert last.meters
    sizes = {
        line.size
        for panels in caption_panels(on_screen, problem, 36, WIDE)
        for panel in panels
        for line in panel.lines
    }
    assert min(sizes) == on_screen.px(34)


def test_a_long_definition_is_whole_in_the_chains_place(context: MakeContext) -> None:
    """A long definition replaces the chain if there is room for it; otherwise it is cut."""
    texts = [
        text_on(next(iter(panels)))
        for panels in caption_panels(
            context((1920, 1080)), shown("named", LONGEST_DEFINITION), 36, WIDE
        )
    ]
    whole = [LONGEST_DEFINITION.definition in text for text in texts]
    chain = ["person › worker" in text for text in texts]
    assert whole[0]
    assert not any(
        has_whole and has_chain for has_whole, has_chain in zip(whole, chain, strict=True)
    )
    assert any(has_chain for has_chain in chain)


def test_no_caption_is_wider_than_it_may_be(context: MakeContext) -> None:
    """A form of the caption that does not fit into the width is left out."""
    for max_width in (150, 300, 700):
        for panels in caption_panels(
            context((1920, 1080)), shown("named", CLINICIAN), 42, max_width
        ):
            assert all(panel.rect.width <= max_width for panel in panels)


def test_a_text_that_is_used_all_day_does_not_fill_the_memory(context: MakeContext) -> None:
    """Captions beside squares of all sizes, one after another, leave a limited number of panels."""
    screen = context((1920, 1080))
    problem = shown("announced", None)
    for max_width in range(150, 1200):
        for panels in caption_panels(screen, problem, 48, max_width):
            list(panels)
    for cache, most in ((screen.fonts.captions, MOST_VARIANTS), (screen.fonts.panels, MOST_PANELS)):
        kept = [value for generation in cache._generations for value in generation.values()]
        assert kept
        assert all(len(results) <= most for results in kept)
