"""What people would rather look at than read: a label set as a map, and a table for the curator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygame
import torch

from installation.making import check_set
from installation.making.atomic_write import replacing
from installation.making.build import from_text
from installation.making.build.embedding_cache import Embed, remembered
from installation.making.build.evenness import evenness
from installation.making.preview import label_map as chart
from installation.making.preview.trial import Trial, tried
from installation.naming.label_set.csv_file import Wording
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.load import assemble, assemble_nonempty, read_source
from installation.naming.reading.classifier import open_classifier
from installation.seeing.faces.open import open_detector
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS
from installation.showing import fonts, layout
from installation.showing.drawable_text import clean
from installation.showing.fonts import Fonts
from installation.showing.scripts import font_group
from installation.showing.typesetting import wrap

OFTEN = 0.2
"""A label that wins a larger share of pictures of nothing swallows people; a guess."""

MOST_NAMED = 8
"""Labels that a row of the table names; the others are counted."""


@dataclass(frozen=True)
class Fact:
    """One row of the table: what was looked for, how many labels it concerns, and which."""

    what: str
    count: int
    which: Sequence[str]


@dataclass(frozen=True)
class Preview:
    """The picture's file, the table, and sentences about how evenly labels win."""

    picture: Path
    facts: Sequence[Fact]
    figures: Sequence[str]


def preview(
    name: str,
    screen: tuple[int, int],
    content: ContentSettings,
    models: Path = MODELS,
    *,
    language: str = "en",
    neighbours: bool = False,
    embed: Embed | None = None,
) -> Preview:
    """Write `preview.png` into the set's folder and return it with the table.

    `screen` is the size of the wall, px; `content` and `language` are those of the show. For
    `neighbours` the map is laid out by t-SNE instead of PCA. `embed` replaces the sentence encoder.
    Takes about half a minute for a thousand labels. Raises KioskError where the set cannot be
    shown, or the picture not be written.
    """
    source = read_source(name, models)
    label_set = assemble_nonempty(source, content, language)
    cpu = torch.device("cpu")
    # A machine that does something else, too, takes longer on two threads than on one.
    torch.set_num_threads(1)
    classifier = open_classifier(label_set, cpu)
    trial = tried(classifier, open_detector("auto", cpu))
    names = {of.id: of.name for of in assemble(source, EVERYTHING, language).labels}
    rows = [row for row in source.rows if row.id in names]
    with from_text.open_sentence_cache(models) as cache:
        embed = embed or remembered(from_text.open_sentence_encoder, cache)
        embeddings = from_text.embed_labels(rows, embed)
    won = _wins(label_set, trial.pictures)
    scripts = fonts.missing_scripts(label_set.texts())
    points = [chart.Point(_drawable(names[row.id], scripts), won.get(row.id)) for row in rows]
    visible = [i for i, row in enumerate(rows) if row.id in won]
    pairs = [(visible[a], visible[b]) for a, b in chart.alike(embeddings[visible])]
    figures = [*_hiding(label_set, source), *_figures(label_set, trial)]
    if source.settings.method.brings_network:
        figures.append(check_set.pictures(source, classifier.encoder.input))
    if cache.trouble:
        figures.append(f"The cache of sentences {cache.trouble}.")
    title = _drawable(label_set.settings.title, scripts) or name
    heading = [title, _legend(label_set, trial)]
    picture = label_set.folder / "preview.png"
    surface = chart.painted(
        points, chart.laid_out(embeddings, neighbours=neighbours), pairs, heading
    )
    with replacing(picture) as file, file.open("wb") as opened:
        pygame.image.save(surface, opened, picture.name)
    twins = [f"{names[rows[a].id]} = {names[rows[b].id]}" for a, b in pairs]
    alike = "pairs that say nearly the same"
    if len(pairs) == chart.MOST_PAIRS:
        alike += ", or more: only the nearest are counted"
    facts = [
        *_facts(label_set, trial),
        Fact("scripts without a font", len(scripts), scripts),
        _too_long(label_set, screen, scripts),
        *_untranslated(source, set(won), language),
        Fact(alike, len(twins), twins),
    ]
    return Preview(picture, facts, figures)


def _hiding(label_set: LabelSet, source: LabelSetSource) -> Iterator[str]:
    """Yield how many labels are hidden, where they are not those that are hidden by default."""
    default = assemble(source, SAFE)
    if {of.id for of in label_set.labels} != {of.id for of in default.labels}:
        hidden, usual = (sum(of.hidden.values()) for of in (label_set, default))
        yield f"Labels hidden as kiosk.yaml says: {hidden:,}; by default: {usual:,}."


def _drawable(name: str, scripts: Sequence[str]) -> str:
    """Return `name`, or nothing where it needs one of `scripts`, which no font can draw."""
    letters = clean(name)
    return "" if any(font_group(letter) in scripts for letter in letters) else name


def _legend(label_set: LabelSet, trial: Trial) -> str:
    hidden = sum(label_set.hidden.values())
    said = f"{len(label_set.labels):,} labels, near each other by what they mean. The larger, the "
    said += f"more of {len(trial.pictures):,} pictures it won, of nothing and of the rehearsal. "
    said += "Joined: nearly the same."
    return f"{said} Grey, without a name: {hidden:,} hidden." if hidden else said


def _figures(label_set: LabelSet, trial: Trial) -> Iterator[str]:
    """Yield how evenly labels win, and how often the machine names what is not there."""
    named = (trial.neutral.max(1).values >= label_set.settings.min_score).float().mean()
    advice = " A higher min_score, or rows that are background, let it say nothing."
    words = (
        f"Of {len(trial.neutral)} pictures of nothing, {float(named):.0%} would be given a name."
    )
    yield words + (advice if named > OFTEN else "")
    yield f"On pictures of nothing: {evenness(trial.neutral)}."
    if len(trial.rehearsal):
        yield f"On the rehearsal: {evenness(trial.rehearsal)}."
    if len(trial.things):
        yield f"Each class of the network as if it alone were seen: {evenness(trial.things)}."


def _wins(label_set: LabelSet, scores: torch.Tensor) -> Mapping[str, int]:
    """Return how often each label wins by `scores`, `(N, labels)`, by its id."""
    wins = scores.argmax(1).bincount(minlength=len(label_set.labels)).tolist()
    return {label.id: count for label, count in zip(label_set.labels, wins, strict=True)}


def _facts(label_set: LabelSet, trial: Trial) -> Iterator[Fact]:
    """Yield which labels never win, not even by a class alone, and which win too often."""
    labels = label_set.labels
    won = _wins(label_set, trial.scores)
    never = [label.name for label in labels if not won[label.id]]
    yield Fact("never win", len(never), never)
    shares = trial.neutral.argmax(1).bincount(minlength=len(labels)) / len(trial.neutral)
    often = [label.name for label, share in zip(labels, shares, strict=True) if share > OFTEN]
    yield Fact(f"win more than {OFTEN:.0%} of pictures of nothing", len(often), often)


def _too_long(label_set: LabelSet, screen: tuple[int, int], scripts: Sequence[str]) -> Fact:
    """Return which names that can be drawn do not fit on a line even in the smallest type."""
    names = [name for of in label_set.labels if (name := _drawable(of.name, scripts))]
    lettering = Fonts(names)
    scale = min(screen) / 1080
    size = round(layout.TAG_SIZES[-1] * scale)
    widest = min(round(layout.MAX_TAG_WIDTH * scale), screen[0] - 2 * round(layout.EDGE * scale))
    measure: Callable[[str], int] = lambda line: lettering.extent(line, size).width  # noqa: E731
    long = [name for name in names if len(wrap(name, widest, measure)) > 1]
    return Fact(f"take several lines at {screen[0]}×{screen[1]}", len(long), long)


def _untranslated(source: LabelSetSource, shown: set[str], spoken: str) -> Iterator[Fact]:
    """Yield what lacks words in the languages that the set has, and in the one that is `spoken`.

    A set is taken to be in English itself.
    """
    rows = [row for row in source.rows if row.id in shown]
    languages = {language for row in source.rows for language in row.wordings}
    for language in sorted(languages | ({spoken} - {"en"})):
        missing = [
            row.name
            for row in rows
            if not row.wordings.get(language, Wording()).name
            or not row.wordings.get(language, Wording()).definition
        ]
        yield Fact(f"are not translated into {language}", len(missing), missing)
