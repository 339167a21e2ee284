"""The preview of a label set: a map as a picture, and a table and figures for the curator.

The preview uses the settings of kiosk.yaml: hidden labels, language, detector and `min_score`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygame
import torch

from installation.errors import counted
from installation.making import check_set
from installation.making.atomic_write import replacing
from installation.making.build import from_text
from installation.making.build.embedding_cache import Embed, cached_encoder
from installation.making.build.evenness import evenness
from installation.making.build.text import sentence_encoder
from installation.making.preview import label_map
from installation.making.preview.trial import Trial, run_trial
from installation.making.undrawable import check_drawable
from installation.naming.label_set.csv_file import Wording
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.load import assemble, assemble_nonempty, read_source
from installation.naming.reading.classifier import open_classifier
from installation.seeing.faces.open import open_detector
from installation.settings.kiosk import Settings
from installation.settings.languages import ENGLISH
from installation.settings.paths import MODELS
from installation.showing.scenes import layout, tags
from installation.showing.type.fonts import Fonts

DOMINANT = 0.2
"""A label is dominant if its score is the highest on more than this share of neutral pictures.

The preview's table lists the dominant labels. The value is a guess.
"""

MAX_NAMES = 8
"""The largest number of labels that a row of the table names; the rest are counted."""


@dataclass(frozen=True)
class TableRow:
    """A property, the number of labels that have it, and their names."""

    property: str
    count: int
    names: Sequence[str]


@dataclass(frozen=True)
class Preview:
    """The path of the map of labels, the table, and sentences for the curator."""

    map_file: Path
    table: Sequence[TableRow]
    figures: Sequence[str]


def preview(
    name: str,
    screen: tuple[int, int],
    settings: Settings,
    models: Path = MODELS,
    *,
    tsne: bool = False,
    embed: Embed | None = None,
    to: Path | None = None,
) -> Preview:
    """Return the preview of a label set; its map is written to a file.

    Takes about half a minute for a thousand labels.

    Args:
        name: The label set's folder in `models`.
        screen: The size of the screen, px.
        settings: The show's settings; the setting `labels` is not used.
        models: The folder of label sets.
        tsne: Whether the map is laid out by t-SNE instead of PCA.
        embed: A function to use in place of the sentence encoder.
        to: The PNG file; None for `preview.png` in the set's folder.

    Raises:
        KioskError: if the set cannot be shown, or the map cannot be written. Letters that no font
            can draw are reported with their rows.
    """
    language, second = settings.language.labels, settings.language.second_labels
    source = read_source(name, models)
    label_set = assemble_nonempty(source, settings.content, language, second)
    check_drawable(source)
    torch.set_num_threads(1)  # two threads wait for each other on a busy machine
    classifier = open_classifier(label_set, "cpu")
    trial = run_trial(classifier, open_detector(settings.detector))
    names = {label.id: label.name for label in assemble(source, EVERYTHING, language).labels}
    rows = [row for row in source.rows if row.id in names]
    with from_text.open_sentence_cache(models) as cache:
        embed = embed or cached_encoder(sentence_encoder.open_sentence_encoder, cache)
        embeddings = from_text.embed_labels(rows, embed)
    wins = _wins(label_set, trial.pictures)
    visible = [i for i, row in enumerate(rows) if row.id in wins]
    pairs = [(visible[a], visible[b]) for a, b in label_map.similar_pairs(embeddings[visible])]
    figures = [*_hidden_figures(label_set, source), *_score_figures(label_set, settings, trial)]
    if source.settings.method.brings_network:
        figures.append(check_set.input_line(source, classifier.encoder.input))
    if cache.problem:
        figures.append(f"The cache of sentences {cache.problem}.")
    dots = [label_map.Dot(names[row.id], wins.get(row.id)) for row in rows]
    title = label_set.settings.title
    surface = label_map.paint_map(
        dots, label_map.lay_out(embeddings, tsne=tsne), pairs, [title, *_legend(label_set, trial)]
    )
    map_file = to or label_set.folder / "preview.png"
    with replacing(map_file) as file, file.open("wb") as opened:
        pygame.image.save(surface, opened, "preview.png")
    similar = [f"{names[rows[a].id]} = {names[rows[b].id]}" for a, b in pairs]
    property_ = "pairs that mean nearly the same"
    if len(pairs) == label_map.MAX_PAIRS:
        property_ += " (there may be more; only the most similar are counted)"
    table = [
        *_win_rows(label_set, trial),
        _long_names(label_set, screen),
        *_untranslated(source, set(wins), {language, second or language}),
        TableRow(property_, len(similar), similar),
    ]
    return Preview(map_file, table, figures)


def _hidden_figures(label_set: LabelSet, source: LabelSetSource) -> Iterator[str]:
    """Yield a sentence about hidden labels if kiosk.yaml changes which labels are hidden."""
    default = assemble(source, SAFE)
    if {label.id for label in label_set.labels} != {label.id for label in default.labels}:
        hidden, by_default = (sum(it.hidden.values()) for it in (label_set, default))
        yield f"Hidden labels: {hidden:,} with this kiosk.yaml, {by_default:,} by default."


def _score_figures(label_set: LabelSet, settings: Settings, trial: Trial) -> Iterator[str]:
    """Yield sentences about the labels' scores.

    They say how many neutral pictures get a label, and how evenly the highest scores are spread.
    """
    min_score = settings.reading.min_score
    if min_score is None:
        min_score = label_set.settings.min_score
    named = float((trial.neutral.max(1).values >= min_score).float().mean())
    figure = f"Of {len(trial.neutral)} neutral pictures, {named:.0%} would get a label."
    if named > DOMINANT:
        figure += f" To reduce this, raise min_score (now {min_score:g}) or add background rows."
    yield figure
    yield f"On neutral pictures: {evenness(trial.neutral)}."
    if len(trial.rehearsal):
        yield f"On the rehearsal: {evenness(trial.rehearsal)}."
    if len(trial.classes):
        yield f"On one imagined picture of each class of the network: {evenness(trial.classes)}."


def _legend(label_set: LabelSet, trial: Trial) -> tuple[str, str]:
    """Return the two lines of text below the title of the map of labels."""
    hidden = sum(label_set.hidden.values())
    sizes = (
        "The larger a label is, the more often it had the highest score on "
        f"{len(trial.pictures):,} neutral and rehearsal pictures."
    )
    return (
        f"{counted(len(label_set.labels), 'label')}. Labels with similar meanings are near each "
        "other. Lines join labels that mean nearly the same.",
        f"{sizes} Grey dots are hidden labels ({hidden:,})." if hidden else sizes,
    )


def _wins(label_set: LabelSet, scores: torch.Tensor) -> Mapping[str, int]:
    """Return in how many rows of `scores` each label has the highest score, keyed by label id.

    `scores` is `(N, labels)`.
    """
    wins = scores.argmax(1).bincount(minlength=len(label_set.labels)).tolist()
    return {label.id: count for label, count in zip(label_set.labels, wins, strict=True)}


def _win_rows(label_set: LabelSet, trial: Trial) -> Iterator[TableRow]:
    """Yield a row for the labels that never have the highest score, and one for dominant labels.

    A dominant label has the highest score on more than `DOMINANT` of the neutral pictures.
    """
    labels = label_set.labels
    wins = _wins(label_set, trial.all)
    never = [label.name for label in labels if not wins[label.id]]
    yield TableRow("never win", len(never), never)
    shares = trial.neutral.argmax(1).bincount(minlength=len(labels)) / len(trial.neutral)
    often = [label.name for label, share in zip(labels, shares, strict=True) if share > DOMINANT]
    yield TableRow(f"win more than {DOMINANT:.0%} of the neutral pictures", len(often), often)


def _long_names(label_set: LabelSet, screen: tuple[int, int]) -> TableRow:
    """Return the table's row about names that need several lines even in the smallest font size."""
    names = [label.name for label in label_set.labels]
    fonts = Fonts(names)
    scale = min(screen) / 1080
    size = round(tags.TAG_SIZES[-1] * scale)
    widest = min(round(layout.MAX_TAG_WIDTH * scale), screen[0] - 2 * round(layout.EDGE * scale))
    long = [name for name in names if fonts.extent(name, size).width > widest]
    return TableRow(f"take several lines at {screen[0]}×{screen[1]}", len(long), long)


def _untranslated(source: LabelSetSource, visible: set[str], shown: set[str]) -> Iterator[TableRow]:
    """Yield a row for each language, with the visible labels that are not translated into it.

    The languages are those in `shown`, which the show uses, and those of the set's translations.
    The set's own words are assumed to be English.
    """
    rows = [row for row in source.rows if row.id in visible]
    languages = {code for row in source.rows for code in row.wordings}
    for code in sorted(languages | (shown - {ENGLISH})):
        wordings = [(row.name, row.wordings.get(code, Wording())) for row in rows]
        missing = [name for name, words in wordings if not (words.name and words.definition)]
        yield TableRow(f"are not translated into {code}", len(missing), missing)
