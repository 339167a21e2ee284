"""The texts of the captions beside squares, for each stage up to 'person'.

For each caption there are several texts, the longest first. The longest text that has room is
shown. So a visitor who stands far away sees fewer words, but none smaller than `SMALL_SIZE`.
"""

from __future__ import annotations

import math
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
    Colour,
    Line,
    Meter,
    Panel,
    Rect,
    Shown,
)
from installation.showing.scenes.definitions import shortened
from installation.showing.type.direction import is_right_to_left
from installation.showing.type.expiring_cache import remembered
from installation.showing.type.line_breaks import NO_BREAK_SPACE, unbreakable
from installation.showing.type.typesetting import (
    LazyPanels,
    Paragraph,
    ScreenContext,
    least_width,
    set_panel,
)

DEFINITION_SIZES = (48, 42, 36, 34)
"""The font sizes of a definition, px per em at 1080p; all captions of a scene use the same size."""

SENTENCE_SIZE = 42
"""The font size of a caption that is a sentence, px per em at 1080p; tags are at least as large."""

SMALL_SIZE = 34
"""The smallest font size, px per em at 1080p: capitals of 15 mm on a screen of 55 inches."""

WIDTHS = (700, 500, 400, 320)
"""The possible widths of a caption's lines, px at 1080p, the largest first. The lines have room for
about 30, 22, 17 and 14 letters of a definition. In each of the kiosk's languages, 400 px are enough
for "1,053 other names 48", in which 48 is the total share of these names.
"""

PARAGRAPH_SPACE = 16
"""The space between paragraphs, px at 1080p."""

PAD = 18
"""The space around the text, px at 1080p."""

BAR_HEIGHT = 30
"""The height of the bar that shows each name's share of the evidence, px at 1080p."""

RUNNERS_UP = 2
"""How many names after the best one are listed, each with its share of the evidence."""

MOST_VARIANTS = 32
"""The largest number of font sizes and widths for which the panels of one caption are cached. Four
visitors whose captions say the same need 16 for one search.
"""

TALLEST = 2.4
"""The largest height of a caption relative to its width. A taller caption beside a small face would
be a column with one word on each line. Only the caption with the shortest text may be taller.
"""


@dataclass(frozen=True)
class _Evidence:
    """The bar in a caption that shows each name's share of the evidence."""

    shares: Shares
    fills_from_right: bool


@dataclass(frozen=True)
class _Chain:
    """A paragraph with the categories above a name and then the name, with the sign › between them.

    Its lines end after a ›. A line ends within a category only if the category alone is too wide.
    """

    names: tuple[str, ...]
    type_: Paragraph
    """The font size, the colour and the language, as a paragraph without text."""


@dataclass(frozen=True)
class _List:
    """Names with their shares, on one line; if they do not fit on it, each begins its own line.

    The text of each name has one or two units. A line ends within a unit only if the unit is wider
    than the line.
    """

    items: tuple[tuple[str, ...], ...]
    """One or two units of text for each name. The first unit has the name and its share of the
    evidence, in percent. A second unit says that another visitor has this name.
    """
    total: str
    """How many further names there are, and their total share. Empty if this share is 0. No line
    ends within this text.
    """
    type_: Paragraph
    """The font size, the colour and the language, as a paragraph without text."""


_Piece = Paragraph | _Evidence | _Chain | _List
_Fitted = tuple[Paragraph, ...] | _Evidence
"""A piece of a caption for a given width: a bar, or paragraphs. Only a `_List` that does not fit on
one line has several paragraphs: one for each name, and one for its `total`.
"""


def caption_panels(
    context: ScreenContext, shown: Shown, size: int, max_width: int
) -> list[LazyPanels]:
    """Return, for each text that the caption may have, its panels in all possible widths.

    The longest text and the widest panel come first. No panel is wider than `max_width`, px, and no
    word is broken. `size` is the font size of definitions, px per em at 1080p. The result is cached
    as long as it is asked for at least twice a second.
    """
    pad = context.px(PAD)
    widths = [min(context.px(width), max_width - 2 * pad) for width in WIDTHS]
    kept = context.fonts.captions.get((context, caption_key(context, shown)), dict)

    def panels() -> list[LazyPanels]:
        contents = _contents(context, shown, size)
        return [
            LazyPanels(_panels(context, pieces, widths, any_height=pieces is contents[-1]))
            for pieces in contents
        ]

    return remembered(kept, (size, *widths), panels, MOST_VARIANTS)


def caption_key(context: ScreenContext, shown: Shown) -> Shown:
    """Return the part of `shown` that the caption's texts depend on.

    While a name is being chosen, the caption does not contain it. The seconds of the countdown are
    in the caption only if there is a second language.
    """
    if shown.stage == "reading" or (shown.stage == "announced" and context.second is None):
        return Shown(shown.stage, "" if not shown.name else "any")
    return shown


def _panels(
    context: ScreenContext, pieces: Sequence[_Piece], widths: Sequence[int], *, any_height: bool
) -> Iterator[Panel]:
    """Yield a panel with `pieces` for each line width in `widths`, px; equal panels only once.

    A width in which a word would have to be broken is left out. So is a panel that is too tall
    (`TALLEST`), unless `any_height`.
    """
    found: list[Panel] = []
    for width in dict.fromkeys(widths):
        fitting = [_fitted(context, piece, width) for piece in pieces]
        if None in fitting:
            continue
        panel = _set(context, [each for each in fitting if each], width)
        is_tall = panel.rect.height > TALLEST * panel.rect.width
        if panel not in found and (any_height or not is_tall):
            found.append(panel)
            yield panel


def _fitted(context: ScreenContext, piece: _Piece, width: int) -> _Fitted | None:
    """Return `piece` for lines of `width` px; None if a word would have to be broken.

    Words of a known language may be hyphenated. But a `_List` or a `_Chain` is hyphenated only if
    one of its words is wider than the line.
    """

    def fits(paragraph: Paragraph) -> bool:
        return least_width(context.fonts, paragraph) <= width

    def joined(units: Sequence[str], type_: Paragraph) -> Paragraph | None:
        plain = replace(type_, language="")
        whole = [unbreakable(unit) for unit in units]
        kept = [
            each if fits(replace(plain, text=each)) else unit
            for each, unit in zip(whole, units, strict=True)
        ]
        plain = replace(plain, text=" ".join(kept))
        if fits(plain):
            return plain
        return replace(type_, text=plain.text) if type_.language else None

    match piece:
        case _Evidence():
            return piece
        case Paragraph():
            return (piece,) if piece.language or fits(piece) else None
        case _Chain(names, type_):
            links = [f"{name}{NO_BREAK_SPACE}›" for name in names[:-1]]
            chain = joined([*links, names[-1]], type_)
            return (chain,) if chain else None
        case _List(items, total, type_):
            whole = [*(" ".join(units) for units in items), *filter(None, [total])]
            plain = replace(type_, language="")
            line = replace(plain, text=unbreakable(f"{NO_BREAK_SPACE}· ".join(whole)))
            # On a line in two directions, nobody could tell which number belongs to which name.
            if fits(line) and len({is_right_to_left(text) for text in whole}) == 1:
                return (line,)
            rows = [joined(units, type_) for units in items]
            if total:
                last = replace(plain, text=unbreakable(total))
                rows.append(last if fits(last) else None)
            return tuple(row for row in rows if row) if all(rows) else None


def _contents(context: ScreenContext, shown: Shown, size: int) -> list[list[_Piece]]:
    """Return the possible texts of the caption, best first; empty if there is no caption.

    Later texts usually need less room.
    """
    contents: list[list[_Piece]] = []
    match shown:
        case Shown(stage="announced", name=seconds) if seconds:
            contents = _before_reading(context, seconds)
        case Shown(stage="reading"):
            texts = [(words.reading, words.turn_away) for words in context.languages]
            contents = [_blocks(context, texts), _sentences(context, [pair[1] for pair in texts])]
        case Shown(stage="named", verdict=Verdict() as verdict):
            contents = _of_name(context, verdict, size)
        case Shown(stage="withdrawn", verdict=Verdict() as verdict):
            score = verdict.shares(RUNNERS_UP).own
            withdrawn = [words.withdrawn.format(score=score) for words in context.languages]
            contents = [_sentences(context, withdrawn)]
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


def _blocks(context: ScreenContext, texts: Sequence[Sequence[str]]) -> list[_Piece]:
    """Return the sentences of each language; the second language is grey, with space above it."""
    size, space = context.px(SENTENCE_SIZE), context.px(PARAGRAPH_SPACE)
    blocks = [[text for text in block if text] for block in texts]
    return [
        Paragraph(text, size, colour, 0 if colour == WHITE or number else space)
        for block, colour in zip(blocks, (WHITE, GREY), strict=False)
        for number, text in enumerate(block)
    ]


def _before_reading(context: ScreenContext, seconds: str) -> list[list[_Piece]]:
    """Return the texts before a reading: how to say no, what this is, and that no picture is kept.

    In the second language, they begin with the countdown of `seconds`; in the first language, the
    tag shows it.
    """
    first, *second = context.languages
    countdowns = ["", *(words.countdown.format(seconds=seconds) for words in second)]
    pairs = list(zip(countdowns, (first, *second), strict=True))
    return [
        _blocks(context, [(text, w.turn_away, w.artwork, w.promise) for text, w in pairs]),
        _blocks(context, [(text, w.turn_away, w.promise) for text, w in pairs]),
        _sentences(context, [words.turn_away for words in context.languages]),
    ]


def _of_root(context: ScreenContext, verdict: Verdict, *, unsure: bool) -> list[list[_Piece]]:
    """Return the texts below 'person': its definition and, if `unsure`, why no name is shown."""
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
    second = _second(context, label, size, other)
    chain: list[_Piece] = []
    if label.chain:
        chain = [_Chain((*label.chain, label.name), _small(context, "", GREEN, own))]
    scores: list[_Piece] = [
        _small(context, words.score.format(score=shares.own), colour)
        for words, colour in zip(context.languages, (WHITE, GREY), strict=False)
        if words.score
    ]
    if verdict.is_drawn:
        scores += [
            _small(context, words.drawn, colour)
            for words, colour in zip(context.languages, (WHITE, GREY), strict=False)
        ]
    bar = _Evidence(shares, fills_from_right(verdict))
    meter: list[_Piece] = [*scores, bar, *_others(context, shares, own)]
    brief = _small(context, context.words.brief_score.format(score=shares.own), WHITE)
    contents: list[list[_Piece]] = [
        [*cut, *second, *chain, *meter],
        [*cut, *chain, *meter],
        [*cut, *meter],
        [*cut, *scores[:1], bar],
        [*cut, brief, bar],
        [brief, bar],
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


def _second(context: ScreenContext, label: Label, size: int, language: str) -> list[_Piece]:
    """Return name and definition in the second language; empty if the label set has neither.

    The name is green, as on the tag, and the definition below it is grey.
    """
    second: Wording = label.second
    name = "" if second.name == label.name else second.name
    definition = "" if second.definition == label.definition else shortened(second.definition)
    return [
        *_definition(context, name, size, GREEN, language),
        *_definition(context, definition, size, GREY, language),
    ]


def _others(context: ScreenContext, shares: Shares, language: str) -> list[_Piece]:
    """Return a list of the runners-up with their shares, and the total share of all further names.

    A runner-up is one of the `RUNNERS_UP` names after the best one; `language` is the language of
    the names. If no other name has any share, the result is empty.
    """
    words = context.words
    items = [
        (
            f"{runner.label.name}{NO_BREAK_SPACE}{share}",
            *([words.given] if runner.is_given and share > shares.own else []),
        )
        for runner, share in shares.runners_up
    ]
    total = ""
    if shares.other_count and shares.others:
        count = words.number(shares.other_count)
        total = words.others.format(count=count, score=shares.others)
    if not items and not total:
        return []
    return [_List(tuple(items), total, _small(context, "", GREY, language))]


def fills_from_right(verdict: Verdict) -> bool:
    """Return whether the name of `verdict` is right-to-left: then green begins at the right."""
    return is_right_to_left(verdict.label.name)


def _set(context: ScreenContext, pieces: Sequence[_Fitted], max_width: int) -> Panel:
    """Return a panel with `pieces` one below the other, in lines of at most `max_width` px.

    Bars are as wide as the widest line.
    """
    pad = context.px(PAD)
    panels = [
        [set_panel(context.fonts, [each], max_width, 0, None) for each in piece]
        if isinstance(piece, tuple)
        else []
        for piece in pieces
    ]
    widths = [panel.rect.width for group in panels for panel in group]
    width = max(widths, default=max_width)
    space, bar_height = context.px(PARAGRAPH_SPACE), context.px(BAR_HEIGHT)
    lines: list[Line] = []
    meters: list[Meter] = []
    y = pad
    for number, (piece, group) in enumerate(zip(pieces, panels, strict=True)):
        y += space if number else 0
        y += piece[0].space_above if isinstance(piece, tuple) else 0
        if isinstance(piece, _Evidence):
            meters.append(_meter(piece, Rect(pad, y, width, bar_height)))
            y += bar_height
            continue
        for row, (paragraph, panel) in enumerate(zip(piece, group, strict=True)):
            if row:
                leading = round(paragraph.leading * paragraph.size)
                y = max(y, lines[-1].baseline + leading - panel.lines[0].baseline)
            flush_px = width - panel.rect.width if is_right_to_left(paragraph.text) else 0
            lines += [
                replace(line, x=pad + line.x + flush_px, baseline=line.baseline + y)
                for line in panel.lines
            ]
            y += panel.rect.height
    return Panel(Rect(0, 0, width + 2 * pad, y + pad), ON_BLACK, tuple(lines), meters=tuple(meters))


def _meter(evidence: _Evidence, rect: Rect) -> Meter:
    """Return the bar at `rect`: green for the best name, then grey for the runners-up.

    Parts for all further names are dark grey. The part of the bar that belongs to no name is left
    empty.
    """
    shares = evidence.shares
    groups = (
        (shares.own, GREEN),
        (sum(share for _, share in shares.runners_up), GREY),
        (shares.others, DARK_GREY),
    )
    return Meter(rect, groups, evidence.fills_from_right)
