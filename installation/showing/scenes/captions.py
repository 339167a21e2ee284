"""The captions below a name: the words of each stage, from the empty square to 'person'.

For each caption there are several texts, the longest first. So a visitor who stands far away sees
less text, but not smaller type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from installation.naming.label_set.csv_file import Wording
from installation.naming.label_set.label_set import Label
from installation.naming.reading.values import Shares, Verdict
from installation.showing.scene import (
    DARK_GREY,
    GREEN,
    GREY,
    ON_BLACK,
    WHITE,
    Bar,
    Colour,
    Line,
    Panel,
    Rect,
    Shown,
)
from installation.showing.type.direction import is_right_to_left
from installation.showing.type.typesetting import (
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

DEFINITION_SIZES = (48, 42, 36, 34)
"""The font sizes of a definition, px per em at 1080; all captions of a scene use the same size."""

SENTENCE_SIZE = 42
"""The font size of a caption that is a sentence, px per em at 1080; tags are at least as large."""

SMALL_SIZE = 34
"""The smallest font size, px per em at 1080: capitals of 15 mm on a screen of 55 inches."""

WIDTHS = (700, 500, 320)
"""The possible widths of a caption's lines, px at 1080, the largest first. They have room for about
30, 22 and 14 letters of a definition.
"""

PARAGRAPH_SPACE = 16
"""The space between paragraphs, px at 1080."""

PAD = 18
"""The space around the type, px at 1080."""

BAR_HEIGHT = 30
"""The height of the bar that shows each name's share of the evidence, px at 1080."""

BAR_PARTS = 100
"""The number of parts of the bar; each part stands for 1 % of the evidence."""

GROUP_GAP = 3
"""In the bar, a gap between two parts of different colours is about this many times as wide as a
gap between two parts of one colour. It is wider because green and grey are about equally light.
"""

RUNNERS_UP = 2
"""How many names after the best one are listed, each with its share of the evidence."""

TALLEST = 2.4
"""The largest height of a caption relative to its width. A taller caption beside a small face would
be a column with one word on each line. Only the caption with the shortest text may be taller.
"""

MOST_WORDS = 20
"""A definition is shortened if it has more words than this."""

NO_BREAK_SPACE = "\u00a0"
_WITHIN_NAME = re.compile(rf"{NO_BREAK_SPACE}(?![\d·›])")
"""Matches a no-break space within a name, but not one before a number or before the separator of
two names.
"""
_REMARK = re.compile(r" ?\([^()]*\)")
"""Matches a remark in brackets; the definition is complete without it."""
_CLAUSE = re.compile(r"[;:.] |, (?:who|which|whose|where|usually|especially) ")
"""Matches the places at which a definition may be cut: what is before such a place is complete
without the clause that follows.
"""
_PREPOSITIONS = "at|by|for|from|in|into|of|on|through|to|under|with"
_RELATIVE = re.compile(
    rf" (?:and )?(?:(?:{_PREPOSITIONS}) (?:which|whom)|who|whose|which|while|so that|in order to"
    r"|that (?:is|are|was|were|has|have|had|can|may|must|will)) "
)
"""Matches further places at which an English definition may be cut: before a relative clause.
Without this clause, the definition is less precise. In other languages nothing matches, because
words of the main clause may follow a relative clause there.
"""


@dataclass(frozen=True)
class _Meter:
    """The bar in a caption that shows each name's share of the evidence in 100 parts."""

    shares: Shares


_Piece = Paragraph | _Meter


def caption_panels(
    context: ScreenContext,
    shown: Shown,
    size: int,
    max_width: int,
    least: dict[Paragraph, int] | None = None,
) -> Iterator[list[Panel]]:
    """Yield, for each text that the caption may have, its panels in all possible widths.

    The longest text and the widest panel come first.

    No panel is wider than `max_width`, px, and no word is broken. `size` is the font size of
    definitions, px per em at 1080. `least` is a cache of the least widths of paragraphs, which the
    caller keeps from one call to the next.
    """
    pad = context.px(PAD)
    known = {} if least is None else least
    widths = [min(context.px(width), max_width - 2 * pad) for width in WIDTHS]
    contents = _contents(context, shown, size)
    for pieces in contents:
        panels = []
        for width in dict.fromkeys(widths):
            fitting = [_fitted(context, piece, width, known) for piece in pieces]
            if None in fitting:
                continue
            panel = _set_once(context, [each for each in fitting if each], width, pad)
            if panel.rect.height <= TALLEST * panel.rect.width or pieces is contents[-1]:
                panels.append(panel)
        yield list(dict.fromkeys(panels))


def _fitted(
    context: ScreenContext, piece: _Piece, width: int, known: dict[Paragraph, int]
) -> _Piece | None:
    """Return `piece` set in `width` px; None if a word would have to be broken.

    In a list of names, a line ends within a name only if the name is wider than the line. Words of
    a known language may be hyphenated.
    """

    def fits(paragraph: Paragraph) -> bool:
        if paragraph not in known:
            known[paragraph] = least_width(context.fonts, paragraph)
        return known[paragraph] <= width

    if isinstance(piece, _Meter) or fits(piece):
        return piece
    loosened = replace(piece, text=_WITHIN_NAME.sub(" ", piece.text))
    return loosened if piece.language or fits(loosened) else None


def _contents(context: ScreenContext, shown: Shown, size: int) -> list[list[_Piece]]:
    """Return the possible texts of the caption, the longest first; empty if there is no caption."""
    contents: list[list[_Piece]] = []
    match shown:
        case Shown(stage="announced", name=seconds) if seconds:
            contents = _before_reading(context)
        case Shown(stage="reading"):
            contents = [_sentences(context, [words.reading for words in context.languages])]
        case Shown(stage="named", verdict=Verdict() as verdict):
            contents = _of_name(context, verdict, size)
        case Shown(stage="withdrawn", verdict=Verdict() as verdict):
            score = verdict.shares(RUNNERS_UP).own
            texts = [words.withdrawn.format(score=score) for words in context.languages]
            contents = [_sentences(context, texts)]
        case Shown(stage="unsure" | "person" as stage, verdict=Verdict() as verdict):
            contents = _of_root(context, verdict, unsure=stage == "unsure")
    return [pieces for pieces in contents if pieces]


def _sentences(context: ScreenContext, texts: Sequence[str]) -> list[_Piece]:
    """Return `texts`, one sentence in each language, as paragraphs, the second one in grey."""
    size = context.px(SENTENCE_SIZE)
    colours = (WHITE, GREY)
    return [
        Paragraph(text, size, colour) for text, colour in zip(texts, colours, strict=False) if text
    ]


def _before_reading(context: ScreenContext) -> list[list[_Piece]]:
    """Return the texts under an empty square: how not to be classified, and about the pictures."""
    turn_away = [words.turn_away for words in context.languages]
    promises = [words.promise for words in context.languages]
    return [
        [*_sentences(context, turn_away), *_sentences(context, promises)],
        _sentences(context, turn_away),
    ]


def _of_root(context: ScreenContext, verdict: Verdict, *, unsure: bool) -> list[list[_Piece]]:
    """Return the texts below 'person': that this is a human being, and why no name is shown."""
    root = verdict.label
    definition = _sentences(context, [root.definition, root.second.definition])
    if not unsure:
        return [definition]
    best = math.ceil(100 * verdict.score)
    reasons: list[_Piece] = [
        _small(context, words.unsure.format(score=best), GREY)
        for words in context.languages
        if words.unsure
    ]
    return [[*definition, *reasons], definition]


def _of_name(context: ScreenContext, verdict: Verdict, size: int) -> list[list[_Piece]]:
    """Return the texts below a name: its definition, the categories above it, and its evidence."""
    label, shares = verdict.label, verdict.shares(RUNNERS_UP)
    own = context.label_language
    other = context.second.code if context.second else ""
    whole = _definition(context, label.definition, size, WHITE, own)
    cut = _definition(context, shortened(label.definition), size, WHITE, own)
    second = _definition(context, shortened(_second(label)), size, GREY, other)
    chain: list[_Piece] = []
    if label.chain:
        names = f"{NO_BREAK_SPACE}› ".join((*label.chain, label.name))
        chain = [_small(context, names, GREEN, own)]
    scores: list[_Piece] = [
        _small(context, words.score.format(score=shares.own), colour)
        for words, colour in zip(context.languages, (WHITE, GREY), strict=False)
        if words.score
    ]
    others: list[_Piece] = [_small(context, _others(context, shares), GREY, own)]
    meter: list[_Piece] = [*scores, _Meter(shares), *others]
    least: list[_Piece] = [*scores[:1], _Meter(shares)]
    contents: list[list[_Piece]] = [
        [*cut, *second, *chain, *meter],
        [*cut, *chain, *meter],
        [*cut, *meter],
        [*cut, *least],
        [
            _small(context, context.words.brief_score.format(score=shares.own), WHITE),
            _Meter(shares),
        ],
    ]
    if cut != whole:
        contents[:0] = [[*whole, *second, *meter], [*whole, *meter]]
    return contents


def _definition(
    context: ScreenContext, text: str, size: int, colour: Colour, language: str
) -> list[_Piece]:
    return [Paragraph(text, context.px(size), colour, language=language)] if text else []


def _small(context: ScreenContext, text: str, colour: Colour, language: str = "") -> Paragraph:
    return Paragraph(text, context.px(SMALL_SIZE), colour, language=language)


def _second(label: Label) -> str:
    """Return name and definition in the second language; empty if the label set has neither."""
    second: Wording = label.second
    name = "" if second.name == label.name else second.name
    definition = "" if second.definition == label.definition else second.definition
    return ": ".join(filter(None, (name, definition)))


def _others(context: ScreenContext, shares: Shares) -> str:
    """Return a line with the share of each runner-up, and the total share of all further names.

    A runner-up is one of the `RUNNERS_UP` names after the best one. Shares are in hundredths.
    """
    words = context.words
    parts = [f"{label.name} {share}" for label, share in shares.runners_up]
    if shares.other_count and shares.others:
        count = words.number(shares.other_count)
        parts.append(words.others.format(count=count, score=shares.others))
    return f"{NO_BREAK_SPACE}· ".join(part.replace(" ", NO_BREAK_SPACE) for part in parts)


def shortened(definition: str) -> str:
    """Return `definition`, shortened if it has more than `MOST_WORDS` words.

    First, remarks in brackets are left out. If more than `MOST_WORDS` words remain, the definition
    is cut before a clause: at the last place that leaves at most `MOST_WORDS` words and at least a
    third of that number. If there is no such place, it is not cut. The author's name after a dash
    at the end is kept.
    """
    text, mark, author = definition.partition(" — ")
    if len(text.split()) <= MOST_WORDS:
        return definition
    brief = _REMARK.sub("", text).strip()
    if len(brief.split()) > MOST_WORDS:
        for places in (_CLAUSE, _RELATIVE):
            cuts = [brief[: found.start()] for found in places.finditer(brief)]
            fitting = [cut for cut in cuts if MOST_WORDS / 3 <= len(cut.split()) <= MOST_WORDS]
            if fitting:
                brief = fitting[-1]
                break
    return f"{brief}{mark}{author}"


def _set_once(context: ScreenContext, pieces: Sequence[_Piece], max_width: int, pad: int) -> Panel:
    """Return the result of `_set`, which is cached while its text is on the screen.

    The parameters are those of `_set`.
    """
    texts = tuple(piece.text for piece in pieces if isinstance(piece, Paragraph))
    kept = context.fonts.panels.get(texts, dict)
    key = (tuple(pieces), max_width, pad)
    if key not in kept:
        kept[key] = _set(context, pieces, max_width, pad)
    return kept[key]


def _set(context: ScreenContext, pieces: Sequence[_Piece], max_width: int, pad: int) -> Panel:
    """Return a panel with `pieces` one below the other, at most `max_width` px wide.

    Bars are as wide as the widest line; `pad` is the space around the type, px.
    """
    panels = [
        set_panel(context.fonts, [piece], max_width, 0, None)
        if isinstance(piece, Paragraph)
        else None
        for piece in pieces
    ]
    width = max((panel.rect.width for panel in panels if panel), default=max_width)
    space, bar_height = context.px(PARAGRAPH_SPACE), context.px(BAR_HEIGHT)
    lines: list[Line] = []
    bars: list[Bar] = []
    y = pad
    for number, (piece, panel) in enumerate(zip(pieces, panels, strict=True)):
        y += space if number else 0
        if isinstance(piece, _Meter):
            bars += _parts(piece.shares, Rect(pad, y, width, bar_height))
            y += bar_height
        elif panel:
            flush_px = width - panel.rect.width if is_right_to_left(piece.text) else 0
            lines += [
                replace(line, x=pad + line.x + flush_px, baseline=line.baseline + y)
                for line in panel.lines
            ]
            y += panel.rect.height
    return Panel(Rect(0, 0, width + 2 * pad, y + pad), ON_BLACK, tuple(lines), tuple(bars))


def _parts(shares: Shares, rect: Rect) -> list[Bar]:
    """Return the bar's parts: green for the best name, grey for the runners-up.

    Parts for all further names are dark grey. The part of the bar that belongs to no name is left
    empty.
    """
    counts = (shares.own, sum(share for _, share in shares.runners_up), shares.others)
    colours = [
        colour
        for count, colour in zip(counts, (GREEN, GREY, DARK_GREY), strict=True)
        for _ in range(count)
    ]
    gap = 1 if rect.width >= 3 * BAR_PARTS else 0
    gap = max(gap, rect.width // (5 * BAR_PARTS))
    edges = [rect.x + round(part * rect.width / BAR_PARTS) for part in range(BAR_PARTS + 1)]
    bars = []
    for number, colour in enumerate(colours):
        left, right = edges[number], edges[number + 1] - gap
        if number and colours[number - 1] != colour:
            left += 1
        if number + 1 < len(colours) and colours[number + 1] != colour:
            right = edges[number + 1] - max(2, GROUP_GAP * gap)
        bars.append(Bar(Rect(left, rect.y, max(1, right - left), rect.height), colour))
    return bars
