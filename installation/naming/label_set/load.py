"""Reads the folder of a label set under models/, and assembles the set for a show or a tool.

A folder contains `labelset.yaml` (the settings of the set), `labels.csv` (a spreadsheet with a row
per label; the names of a network's outputs may be in `labels.txt` or `config.json` instead) and, if
the method needs it, `built.safetensors`, which `kiosk labels build` makes from these files. Hidden
rows are left out when the set is loaded, so hiding a label needs no build. If the labels are
classes of a network that is not the default one, showing more of them does need a build: the built
file has only the weights of the labels that were visible when it was built, and of the background
rows, which get scores but are never shown.

Nothing here imports torch or timm, so that `kiosk check` is fast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from installation.errors import (
    LabelSetError,
    Mistake,
    counted,
    did_you_mean,
    display_path,
    ellipsize,
    limit_mistakes,
    nearest,
)
from installation.naming.label_set import csv_file, output_names
from installation.naming.label_set.checks import check_rows, check_settings
from installation.naming.label_set.csv_file import Row, Wording
from installation.naming.label_set.folder import LABEL_FILES, SETTINGS_FILE
from installation.naming.label_set.hiding import hidden_rows, masked_rows, with_reasons
from installation.naming.label_set.label_set import Label, LabelSet, LabelSetSource, ancestors
from installation.naming.label_set.settings import LabelSetSettings
from installation.settings.kiosk import ContentSettings
from installation.settings.paths import MODELS, label_set_names
from installation.settings.reasons import REASONS
from installation.settings.yaml_file import load_yaml


def load_label_set(
    name: str,
    content: ContentSettings,
    models: Path = MODELS,
    *,
    where: str = "kiosk.yaml",
    language: str = "en",
    second: str | None = None,
) -> LabelSet:
    """Return the label set `name` with the labels that `content` does not hide.

    Names and definitions are in `language` (and in `second`, if given) if the set has translations.
    `models` is the folder of the label sets. `where` is the file, command or option that names the
    set; the message about a missing set begins with it. Raises LabelSetError with all mistakes of
    the set's files at once. Whether the built file fits the network is not checked here, but by
    `open_classifier`, which opens the network.
    """
    return assemble_nonempty(read_source(name, models, where=where), content, language, second)


def read_source(name: str, models: Path = MODELS, *, where: str = "kiosk labels") -> LabelSetSource:
    """Return the contents of the files of the label set `name`.

    Each row has all reasons for which its label may be hidden.

    `where` is the file, command or option that names the set. Raises LabelSetError with all
    mistakes of the files.
    """
    known = label_set_names(models)
    if name not in known:
        remedy = did_you_mean(nearest(name, known)) or (
            f"Existing label sets: {', '.join(known) or 'none'}."
        )
        problem = f"the label set '{ellipsize(name)}' does not exist"
        raise LabelSetError(Mistake(where, problem, remedy))
    folder = models / name
    mistakes: list[Mistake] = []
    loaded = None
    try:
        loaded = load_yaml(folder / SETTINGS_FILE, LabelSetSettings, LabelSetError)
    except LabelSetError as error:
        mistakes += error.mistakes
    rows: list[Row] = []
    wrong_rows: list[Mistake] = []
    file = output_names.labels_file(folder)
    try:
        read_rows = csv_file.read_csv if file.suffix == ".csv" else output_names.read_output_names
        rows = read_rows(file)
    except LabelSetError as error:
        wrong_rows += error.mistakes
    if loaded is not None:
        mistakes += check_settings(loaded)
        if rows:
            wrong_rows += check_rows(rows, loaded.settings, display_path(file))
    if wrong_rows:
        mistakes += [*_ignored_files(file), *wrong_rows]
    if mistakes:
        raise LabelSetError(*limit_mistakes(mistakes))
    assert loaded is not None
    reasoned = with_reasons(rows, loaded.settings, file)
    return LabelSetSource(name, folder, loaded.settings, tuple(reasoned))


def _ignored_files(file: Path) -> Iterator[Mistake]:
    """Yield a mistake if the folder of `file` has other files with labels, which are not read."""
    others = [name for name in LABEL_FILES if name != file.name and (file.parent / name).exists()]
    if others:
        problem = (
            f"the mistakes below are in this file, which is read instead of {' or '.join(others)}"
        )
        remedy = (
            f"If another file has the labels, move {file.name} out of this folder. Otherwise "
            f"correct the mistakes in {file.name}."
        )
        yield Mistake(display_path(file), problem, remedy)


def assemble_nonempty(
    source: LabelSetSource,
    content: ContentSettings,
    language: str = "en",
    second: str | None = None,
) -> LabelSet:
    """Return the label set as `assemble` does; raises LabelSetError if no label can be shown.

    The parameters are those of `assemble`.
    """
    label_set = assemble(source, content, language, second)
    if not label_set.labels:
        hidden = sum(label_set.hidden.values())
        background = sum(row.background for row in source.rows)
        rows = counted(len(source.rows), "row")
        seen = f"{rows}: {hidden:,} hidden, {background:,} background"
        remedy = "To show a label, clear the cells hidden_because and is_background in its row."
        if label_set.unknown:
            seen += f", {label_set.unknown:,} unknown to the network"
            remedy = f"Use a network with more categories. {remedy}"
        problem = f"no label is visible ({seen}; expected at least one label)"
        file = display_path(output_names.labels_file(source.folder))
        raise LabelSetError(Mistake(file, problem, remedy))
    return label_set


def assemble(
    source: LabelSetSource,
    content: ContentSettings,
    language: str = "en",
    second: str | None = None,
) -> LabelSet:
    """Return the label set of `source`; the rows that `content` hides are left out.

    Names and definitions are in `language` (and in `second`, if given) if the set has translations.
    The result may have no labels.

    Tools that build a set pass `EVERYTHING` as `content`, so that no row is left out.
    """
    settings, rows = source.settings, source.rows
    masked = masked_rows(rows, settings)
    hidden = hidden_rows(rows, content)
    parents = {row.id: row.parent for row in rows}
    words = {row.id: _words(row, language) for row in rows}
    outputs = settings.outputs
    place: Mapping[str, int] = {
        row.id: i for i, row in enumerate(rows) if outputs is None or row.id in outputs
    }
    if outputs is not None and not settings.is_built:
        place = outputs
    headings = set(parents.values())
    root = settings.root.translations.get(language) or settings.root
    named = {row.id for row in rows if row.id not in hidden and not row.background}

    def chain(id_: str) -> tuple[str, ...]:
        nearest_first = [words[above].name for above in ancestors(id_, parents) if above in named]
        return (root.name, *reversed(nearest_first))

    placed = [row for row in rows if row.id in place]
    visible = [row for row in placed if row.id in named]
    background = [
        row for row in placed if row.background and row.id not in hidden and row.id not in masked
    ]
    labels = [row for row in rows if not row.background]
    counts = Counter(hidden[row.id] for row in labels if row.id in place and row.id in hidden)
    return LabelSet(
        name=source.name,
        folder=source.folder,
        settings=settings,
        root=Label(
            settings.root.id, root.name, root.definition, (), _second_root(settings, second)
        ),
        labels=tuple(
            Label(
                row.id,
                words[row.id].name,
                words[row.id].definition,
                chain(row.id),
                Wording() if second is None else _wording(row, second),
            )
            for row in visible
        ),
        rows=tuple(place[row.id] for row in visible),
        background=tuple(place[row.id] for row in background),
        row_count=len(rows),
        size=len(labels),
        unknown=sum(row.id not in place and row.id not in headings for row in labels),
        masked=tuple(i for i, row in enumerate(visible) if row.id in masked),
        hidden={reason: counts[reason] for reason in REASONS if counts[reason]},
        fingerprint=settings.method.fingerprint(settings, rows),
        listing=_listing(
            {row.id: words[row.id].name for row in labels}, {row.id for row in visible}
        ),
    )


def _listing(names: Mapping[str, str], visible: Container[str]) -> tuple[str | int, ...]:
    """Return `names` in alphabetical order; a hidden name is replaced by its number of characters.

    `names` are keyed by label id; `visible` has the ids of the names that are not hidden.
    """
    ordered = sorted((name.casefold(), id_) for id_, name in names.items())
    return tuple(names[id_] if id_ in visible else len(names[id_]) for _, id_ in ordered)


def _second_root(settings: LabelSetSettings, language: str | None) -> Wording:
    """Return the root's name and definition in `language`; empty if they are not translated."""
    if language == "en":
        return Wording(settings.root.name, settings.root.definition)
    root = settings.root.translations.get(language or "")
    return Wording() if root is None else Wording(root.name, root.definition)


def _words(row: Row, language: str) -> Wording:
    """Return a row's name and definition, each in `language` if it is translated."""
    own = _wording(row, "en")
    if language == "en":
        return own
    translated = _wording(row, language)
    return Wording(translated.name or own.name, translated.definition or own.definition)


def _wording(row: Row, language: str) -> Wording:
    """Return a row's name and definition in `language`; empty if the row is not translated into it.

    A set's own words are assumed to be English. If the row names the definition's author, the
    author is appended to the definition, so that the author is shown wherever the definition is.
    """
    wording = row.wordings.get(language, Wording())
    if language == "en":
        wording = Wording(wording.name or row.name, wording.definition or row.definition)
    definition = wording.definition
    if definition and row.defined_by:
        definition = f"{definition} — {row.defined_by}"
    return Wording(wording.name, definition)
