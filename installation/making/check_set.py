"""Describes and checks a label set, in lines of text for its author."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from installation.errors import (
    KioskError,
    LabelSetError,
    Mistake,
    collect_mistakes,
    counted,
    display_path,
    join_first,
)
from installation.making.undrawable import undrawable
from installation.naming.label_set import built_file
from installation.naming.label_set.checks import orphans
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.folder import KERAS_FILE, LABELS_CSV, SETTINGS_FILE, TENSORS_FILE
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.load import assemble, assemble_nonempty, read_source
from installation.naming.label_set.settings import (
    EXAMPLES_FOLDER,
    InputSettings,
    LabelSetSettings,
)
from installation.naming.networks.open import check_network, find_network
from installation.settings.paths import MODELS
from installation.settings.yaml_file import load_yaml

if TYPE_CHECKING:
    from installation.naming.networks.encoder import Input


def summary_line(name: str, models: Path = MODELS) -> str:
    """Return one line that describes a set. Raises LabelSetError with its mistakes."""
    source = read_source(name, models)
    label_set = assemble(source, SAFE)
    settings = source.settings
    return f"{settings.title}: {_count(label_set)}; {settings.method}, {_state(label_set)}"


def label_lines(name: str, models: Path = MODELS) -> Iterator[str]:
    """Yield lines with a set's labels, their ancestors and their definitions.

    The lines of hidden labels also state the reason.

    Raises LabelSetError with the set's mistakes, before the first line.
    """
    source = read_source(name, models)
    label_set = assemble(source, SAFE)
    yield f"{source.settings.title} ({name}): {_count(label_set)}"
    yield f"{source.settings.credit}; {source.settings.method}, {_state(label_set)}"
    everything = {label.id: label for label in assemble(source, EVERYTHING).labels}
    visible = {label.id for label in label_set.labels}
    for title, is_visible in (("Shown", True), ("Hidden", False)):
        rows = [
            row for row in source.rows if row.id in everything and (row.id in visible) == is_visible
        ]
        if rows:
            yield ""
            yield f"{title}: {len(rows):,}"
        for row in rows:
            label = everything[row.id]
            reason = "" if is_visible else f"  [{row.hidden_because}]"
            yield f"  {label.name}{reason}"
            yield f"      {' › '.join((*label.chain, label.name))}"
            if label.definition:
                yield f"      {label.definition}"
    background = [row.name for row in source.rows if row.background]
    if background:
        yield ""
        yield f"Background, never shown: {len(background):,}"
        yield from (f"  {name}" for name in background)
    if label_set.hidden:
        yield ""
        yield "Hidden, by reason:"
        yield from (f"  {count:>5,}  {reason}" for reason, count in label_set.hidden.items())


def check_lines(name: str, models: Path = MODELS) -> Iterator[str]:
    """Yield lines that describe a label set and say how complete it is.

    Raises LabelSetError with all mistakes in the set's files. If the files have no mistakes but a
    show would reject the set, raises LabelSetError with all reasons: no label is visible, no font
    can draw a text, or the built file or the set's own network cannot be used.
    """
    source = _read_with_network(name, models)
    label_set = assemble(source, SAFE)
    text_mistakes = collect_mistakes([partial(assemble_nonempty, source, SAFE)])
    text_mistakes += undrawable(source)
    other_mistakes = collect_mistakes([partial(built_file.check_ready, label_set)])
    method, network_input = source.settings.method, None
    if other_mistakes and method.learns_from_pictures:
        other_mistakes = [*_picture_mistakes(source), *other_mistakes]
    if method.brings_network:
        other_mistakes += collect_mistakes([partial(check_network, source.folder)])
        if not text_mistakes and not other_mistakes:
            try:
                network_input = _try_network(label_set)
            except KioskError as error:
                other_mistakes += error.mistakes
    if other_mistakes and not text_mistakes:
        yield f"The text files of models/{name} have no mistakes: {_count(label_set)}."
    if text_mistakes or other_mistakes:
        raise LabelSetError(*text_mistakes, *other_mistakes)
    yield f"models/{name} has no mistakes: {_count(label_set)}, {_state(label_set)}."
    if label_set.unknown:
        yield f"Rows never shown, as they are not classes of the network: {label_set.unknown:,}."
    if label_set.masked:
        names = join_first([label_set.labels[place].name for place in label_set.masked])
        masked = f"{len(label_set.masked):,} ({names})"
        yield f"Masked classes, which are never given to a person: {masked}."
    if method.brings_network:
        yield input_line(source, network_input)
        yield "A trial run of the set's network returned a score for each label."
        from installation.making.keras.convert import keras_has_changed  # opens torch

        if keras_has_changed(source.folder):
            yield f"{KERAS_FILE} has changed since it was converted. Run: kiosk labels build {name}"
    if method.learns_from_pictures:
        from installation.making.build.example_pictures import pictures_changed  # opens torch

        if pictures_changed(source, label_set):
            yield f"Pictures have changed since the set was built. Run: kiosk labels build {name}"
    elif _has_unused_pictures(source):
        folder = display_path(source.folder / EXAMPLES_FOLDER)
        yield (
            f"The pictures in {folder} are not used: method is {method}, and only "
            "`method: examples` reads pictures."
        )
    yield from _orphan_lines(source)
    undefined = [row.name for row in source.rows if not row.definition and not row.background]
    if undefined:
        yield f"Rows without a definition: {len(undefined):,} ({join_first(undefined)})."
    yield from _translation_lines(source)


def _read_with_network(name: str, models: Path) -> LabelSetSource:
    """Return what the set's text files contain; raises LabelSetError with the files' mistakes.

    If the files have mistakes and the set's own network is missing as well, the first mistake says
    that the network is missing.
    """
    try:
        return read_source(name, models)
    except LabelSetError as error:
        folder = models / name
        try:
            settings = load_yaml(folder / SETTINGS_FILE, LabelSetSettings, LabelSetError).settings
        except LabelSetError:
            raise error from None
        missing = collect_mistakes(
            [partial(find_network, folder)] if settings.method.brings_network else []
        )
        raise LabelSetError(*missing, *error.mistakes) from None


def _picture_mistakes(source: LabelSetSource) -> list[Mistake]:
    """Return the mistakes in the folders of pictures, as a build would report them."""
    from installation.making.build.example_pictures import find_pictures  # opens torch

    return collect_mistakes([partial(find_pictures, source, ())])


def _try_network(label_set: LabelSet) -> Input:
    """Try the set's own network on a picture; return its input format. Raises KioskError."""
    from installation.naming.reading.classifier import open_classifier

    return open_classifier(label_set, "cpu").encoder.input


def input_line(source: LabelSetSource, network_input: Input | None = None) -> str:
    """Return a line with the format of the pictures for a set's own network, and its source.

    `network_input` is the input format of the opened network; if it is None, the line says what the
    set's text files state.
    """
    settings = source.settings.input or InputSettings()
    used, stated = network_input or settings, settings.model_fields_set
    if find_network(source.folder).name == TENSORS_FILE:
        origin = "as the network's files state, unless labelset.yaml states otherwise"
        if network_input is None:
            return f"Format of the pictures for the set's network: {origin}."
    else:
        origin = "as labelset.yaml states" if stated else "as the network states"
    assumed = network_input.assumed if network_input else sorted({"mean", "std"} - stated)
    if assumed:
        keys = " and ".join(assumed)
        origin = f"default values of {keys}, because no file of the set states them"
    size = f"{used.size} px, " if network_input or "size" in stated else ""
    mean, std = (", ".join(f"{value:.3g}" for value in values) for values in (used.mean, used.std))
    values = f"{size}mean {mean}, std {std}"
    return f"Format of the pictures for the set's network: {values} ({origin})."


def _orphan_lines(source: LabelSetSource) -> Iterator[str]:
    """Yield one line about the rows whose parent does not exist, if there are such rows."""
    rows = orphans(source.rows, source.settings.root.id)
    if rows:
        seen = join_first(list(dict.fromkeys(row.parent for row in rows)))
        first = f"{LABELS_CSV}:{rows[0].location}"
        yield (
            f"Rows whose parent does not exist: {len(rows):,} (parents: {seen}; first row: "
            f"{first}). They are shown below '{source.settings.root.name}'."
        )


def _translation_lines(source: LabelSetSource) -> Iterator[str]:
    """Yield lines with the number of translated rows for each language."""
    rows = [row for row in source.rows if not row.background]
    languages = sorted({language for row in rows for language in row.wordings})
    for language in languages:
        missing = [row.name for row in rows if not _is_translated(row, language)]
        done = f"{len(rows) - len(missing):,} of {counted(len(rows), 'row')}"
        line = f"In {language}: name and definition in {done}"
        yield f"{line}; missing: {join_first(missing)}." if missing else f"{line}."
        if language not in ("en", *source.settings.root.translations):
            name = source.settings.root.name
            yield (
                f"In {language}: '{name}', the category above all labels, has no translation; add "
                f"one under root.translations in {SETTINGS_FILE}."
            )
    if not languages:
        yield "No translations; to add some, use columns such as name_es and definition_es."


def _has_unused_pictures(source: LabelSetSource) -> bool:
    """Return whether there is a folder of pictures that the set's method does not read."""
    folder = source.folder / EXAMPLES_FOLDER
    return not source.settings.method.learns_from_pictures and any(
        file.is_file() for file in folder.glob("*/*")
    )


def _is_translated(row: Row, language: str) -> bool:
    wording = row.wordings.get(language)
    return wording is not None and bool(wording.name and wording.definition)


def _count(label_set: LabelSet) -> str:
    hidden = sum(label_set.hidden.values())
    return f"{counted(len(label_set.labels), 'label')} shown, {hidden:,} hidden"


def _state(label_set: LabelSet) -> str:
    """Return words: whether the set is built, or the first reason why no show can use it yet."""
    try:
        built_file.check_ready(label_set)
    except KioskError as error:
        return error.mistakes[0].problem
    return "built" if label_set.is_built else "needs no building"
