from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.naming.label_set.csv_file import Wording
from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Stage
from installation.showing.scene import DARK_GREY, GREEN, GREY, Panel, Shown, Size
from installation.showing.scenes.captions import (
    BAR_PARTS,
    MOST_WORDS,
    RUNNERS_UP,
    caption_panels,
    shortened,
)
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import load_words
from tests.support.figures import CLINICIAN, LABELS, LONGEST_DEFINITION, ROOT, verdict

MakeContext = Callable[[Size], ScreenContext]

WIDE = 1200
CONTEXT = ScreenContext(load_words(), Fonts(), (1920, 1080))


def shown(stage: Stage, label: Label | None = None, score: float = 0.31) -> Shown:
    """Return what the screen says in `stage` of a visitor who is named `label`."""
    name = label.name if label else "3" if stage == "announced" else ""
    return Shown(stage, name, 0, verdict(label, score) if label else None)


def fullest(context: ScreenContext, problem: Shown, size: int = 42, max_width: int = WIDE) -> Panel:
    """Return the fullest and widest caption."""
    return next(iter(caption_panels(context, problem, size, max_width)))[0]


def text_on(panel: Panel) -> str:
    """Return the text of `panel` on one line, with ordinary spaces."""
    return " ".join(line.text for line in panel.lines).replace("\u00a0", " ")


def test_a_name_is_shown_with_its_evidence(context: MakeContext) -> None:
    """Below a name are its definition, chain, evidence and runners-up."""
    panel = fullest(context((1920, 1080)), shown("named", CLINICIAN))
    text = text_on(panel)
    for part in (
        CLINICIAN.definition,
        "person › worker › professional",
        "its evidence: 31 of 100 for this name",
        "guest of honor 12 · sparring partner 9",
        "940 other names 48",
    ):
        assert part in text
    assert not any(line.text.endswith("·") for line in panel.lines)


@given(st.sampled_from(LABELS), st.floats(0.005, 0.99))
def test_the_bar_has_a_hundred_parts_as_the_words_say(label: Label, score: float) -> None:
    """Each part is one of 100: green for the name, light for runners-up, dark for others."""
    problem = shown("named", label, score)
    assert problem.verdict is not None
    shares = problem.verdict.shares(RUNNERS_UP)
    bars = fullest(CONTEXT, problem).bars
    colours = [bar.colour for bar in bars]
    runners_up = sum(share for _, share in shares.runners_up)
    assert colours.count(GREEN) == shares.own
    assert colours.count(GREY) == runners_up
    assert colours.count(DARK_GREY) == shares.others
    assert len(bars) == BAR_PARTS - shares.nobodys
    rights = [bar.rect.right for bar in bars]
    lefts = [bar.rect.x for bar in bars]
    assert all(right <= left for right, left in zip(rights, lefts[1:], strict=False))


@pytest.mark.parametrize(
    ("stage", "label", "text"),
    [
        ("announced", None, "Turn away to say no. No picture is kept."),
        ("reading", None, "The machine is choosing a name."),
        ("withdrawn", CLINICIAN, "the machine takes this name back: it had 31 of 100"),
        ("person", ROOT, "a human being"),
        ("unsure", ROOT, "a human being no name had more than 31 of 100"),
    ],
)
def test_each_stage_has_its_sentence(
    context: MakeContext, stage: Stage, label: Label | None, text: str
) -> None:
    """From the empty square to 'person' visitors read what happens."""
    assert text_on(fullest(context((1920, 1080)), shown(stage, label))) == text


@pytest.mark.parametrize("stage", ["announced", "reading", "withdrawn"])
def test_sentences_are_in_both_languages(context: MakeContext, stage: Stage) -> None:
    """The second language is below the first."""
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
    assert sorted(text_on(panel).split()) == sorted(f"{first} {second}".split())


def test_names_and_definitions_are_in_both_languages_where_the_set_has_them(
    context: MakeContext,
) -> None:
    """A label without a translation is shown in its own language."""
    both = replace(context((1920, 1080)), second=load_words("de"))
    label = replace(CLINICIAN, second=Wording("Ärztin", "behandelt Kranke"))
    assert "Ärztin: behandelt Kranke" in text_on(fullest(both, shown("named", label)))
    only_own = text_on(fullest(both, shown("named", CLINICIAN)))
    assert only_own.count(CLINICIAN.definition) == 1
    assert "Für diesen Namen sprechen 31 von 100." in only_own


def test_captions_grow_shorter_until_the_evidence_alone_is_left(context: MakeContext) -> None:
    """A visitor far away gets less text, not smaller type."""
    on_screen = context((1920, 1080))
    problem = shown("named", LONGEST_DEFINITION)
    words = [
        len(text_on(panels[0]).split())
        for panels in caption_panels(on_screen, problem, 36, WIDE)
        if panels
    ]
    assert words[0] == max(words)
    assert words[-1] == min(words)
    last = list(caption_panels(on_screen, problem, 36, WIDE))[-1][0]
    assert text_on(last) == "31 of 100"
    assert last.bars
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
        text_on(panels[0])
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


@pytest.mark.parametrize(
    ("definition", "cut"),
    [
        ("a person who runs a farm", None),
        (
            LONGEST_DEFINITION.definition,
            "one who writes down what there is and under which name it belongs",
        ),
        (
            "a specialist in the study of birds, who goes out before dawn in any weather and "
            "writes down each voice that was heard",
            "a specialist in the study of birds",
        ),
        (
            "someone who (as in some old tales, and elsewhere) goes from one house to the next and "
            "tells what has been heard there; formerly common",
            "someone who goes from one house to the next and tells what has been heard there; "
            "formerly common",
        ),
        (
            "someone who tells (to anybody who asks, and to many who do not) where the old road "
            "went that is drawn on no map of the town any more",
            "someone who tells where the old road went that is drawn on no map of the town any "
            "more",
        ),
        (
            "a small block made of rubber (or of a synthetic material with similar properties); "
            "commonly mounted at one end of a pencil",
            "a small block made of rubber; commonly mounted at one end of a pencil",
        ),
        (
            "a person who descends down a nearly vertical face by using a doubled rope that is "
            "wrapped around the body and attached to some high point",
            "a person who descends down a nearly vertical face by using a doubled rope",
        ),
        (
            "a rig of an offshore platform that floats in the north and from which many deep wells "
            "can be bored by crews of one or two dozen each",
            "a rig of an offshore platform that floats in the north",
        ),
        (
            "a clerk who has passed all of the examinations and who met every requirement of the "
            "one state to be certified by that state",
            "a clerk who has passed all of the examinations",
        ),
        (
            "somebody who walks and walks and walks and walks and walks and walks and walks and "
            "walks and walks and walks and rests",
            None,
        ),
        (
            "an engineer who builds the things that were drawn by others long ago; now rare, and "
            "found in a few cities of the north only — the kiosk",
            "an engineer who builds the things that were drawn by others long ago — the kiosk",
        ),
    ],
)
def test_definitions_are_cut_at_a_clause(definition: str, cut: str | None) -> None:
    """Remarks in brackets are removed first; no cut is within a clause, and the author stays."""
    assert shortened(definition) == (cut or definition)
    assert cut is None or len(definition.split()) > MOST_WORDS
