"""What a label set is, in sentences for the people who made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from installation.errors import (
    KioskError,
    LabelSetError,
    Mistake,
    collect_mistakes,
    display_path,
    join_first,
)
from installation.naming.label_set import built_file
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.folder import TENSORS_FILE
from installation.naming.label_set.hiding import EVERYTHING, SAFE
from installation.naming.label_set.label_set import LabelSet, LabelSetSource
from installation.naming.label_set.load import assemble, assemble_nonempty, read_source
from installation.naming.label_set.output_names import labels_file
from installation.naming.label_set.settings import InputSettings
from installation.naming.networks.open import check_network, find_network
from installation.settings.paths import MODELS
from installation.showing import fonts

if TYPE_CHECKING:
    from installation.naming.networks.encoder import Input


def line(name: str, models: Path = MODELS) -> str:
    """Return what a set is, in a line. Raises LabelSetError with its mistakes."""
    source = read_source(name, models)
    label_set = assemble(source, SAFE)
    settings = source.settings
    return f"{settings.title}: {_count(label_set)}; {settings.method}, {_state(label_set)}"


def listing(name: str, models: Path = MODELS) -> Iterator[str]:
    """Yield a set's labels with their definitions and chains, and the hidden ones with why.

    Raises LabelSetError with the set's mistakes, before the first line.
    """
    source = read_source(name, models)
    label_set = assemble(source, SAFE)
    yield f"{source.settings.title} ({name}): {_count(label_set)}"
    yield f"{source.settings.credit}; {source.settings.method}, {_state(label_set)}"
    everything = {label.id: label for label in assemble(source, EVERYTHING).labels}
    shown = {label.id for label in label_set.labels}
    for title, wanted in (("Shown", True), ("Hidden", False)):
        rows = [row for row in source.rows if row.id in everything and (row.id in shown) == wanted]
        if rows:
            yield ""
            yield f"{title}: {len(rows):,}"
        for row in rows:
            label = everything[row.id]
            why = "" if wanted else f"  [{row.hidden_because}]"
            yield f"  {label.name}{why}"
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


def examined(name: str, models: Path = MODELS) -> Iterator[str]:
    """Yield what is right with a set, and how complete it is.

    Raises LabelSetError with all mistakes of its files, or where they have none, with all that the
    show would end with: no label, letters without a font, its built file, its own network.
    """
    source = read_source(name, models)
    label_set = assemble(source, SAFE)
    words = collect_mistakes([partial(assemble_nonempty, source, SAFE)])
    words += _undrawable(source)
    checks: list[Callable[[], object]] = [partial(built_file.check_ready, label_set)]
    if source.settings.method.brings_network:
        checks.append(partial(check_network, source.folder))
    others = collect_mistakes(checks)
    if others and not words:
        yield f"The words of models/{name} are right: {_count(label_set)}."
    if words or others:
        raise LabelSetError(*words, *others)
    yield f"models/{name} is right: {_count(label_set)}, {_state(label_set)}."
    if label_set.unknown:
        yield f"{label_set.unknown:,} rows are unknown to its network and never shown."
    if source.settings.method.brings_network:
        yield pictures(source)
        yield "Whether its network answers as the set says, `kiosk labels preview` tries."
    if source.settings.method.learns_from_pictures:
        from installation.making.build.example_pictures import pictures_changed  # opens torch

        if pictures_changed(source, label_set):
            yield f"Its pictures have changed since it was built. Run: kiosk labels build {name}"
    without = [row.name for row in source.rows if not row.definition]
    if without:
        yield f"{len(without):,} have no definition: {join_first(without)}."
    yield from _coverage(source)


def pictures(source: LabelSetSource, taken: Input | None = None) -> str:
    """Return which pictures a set's own network is given, and who says so.

    `taken` is what the network that was opened takes; without it no more is said than the files of
    words say.
    """
    given = taken or source.settings.input or InputSettings()
    said = source.settings.input.model_fields_set if source.settings.input else set()
    if find_network(source.folder).name == TENSORS_FILE:
        who = "as its own files say, and labelset.yaml where it says other"
        if taken is None:
            return f"Its network is given pictures {who}."
    else:
        assumed = {
            of for of in ("mean", "std") if getattr(given, of) == getattr(InputSettings(), of)
        } - said
        who = "as labelset.yaml says" if said else "as it asks for"
        if assumed:
            who = f"{' and '.join(sorted(assumed))} assumed, as labelset.yaml has no `input` for it"
    size = f"{given.size} px, " if taken or "size" in said else ""
    mean, std = (", ".join(f"{of:.3g}" for of in part) for part in (given.mean, given.std))
    return f"Its network is given pictures: {size}mean {mean}, std {std} ({who})."


def _undrawable(source: LabelSetSource) -> list[Mistake]:
    """Return the rows whose words no font of this machine can draw."""
    file = display_path(labels_file(source.folder))
    return fonts.undrawable(
        {f"{file}:{row.location}": " ".join(_texts(row)) for row in source.rows}
    )


def _texts(row: Row) -> Iterator[str]:
    yield from (row.name, row.definition)
    for said in row.wordings.values():
        yield from (said.name, said.definition)


def _coverage(source: LabelSetSource) -> Iterator[str]:
    """Yield how much of a set is translated, by language."""
    rows = [row for row in source.rows if not row.background]
    languages = sorted({language for row in rows for language in row.wordings})
    for language in languages:
        named = [row for row in rows if _said(row, language)]
        missing = [row.name for row in rows if not _said(row, language)]
        words = f"In {language}: {len(named):,} of {len(rows):,} rows have a name and a definition"
        yield f"{words}; missing: {join_first(missing)}." if missing else f"{words}."
    if not languages:
        yield "In other languages: nothing; columns such as name_es and definition_es hold them."


def _said(row: Row, language: str) -> bool:
    wording = row.wordings.get(language)
    return wording is not None and bool(wording.name and wording.definition)


def _count(label_set: LabelSet) -> str:
    hidden = sum(label_set.hidden.values())
    return f"{len(label_set.labels):,} labels shown, {hidden:,} hidden"


def _state(label_set: LabelSet) -> str:
    """Return whether its tensors are there and from its present words, and its network, too."""
    try:
        built_file.check_ready(label_set)
    except KioskError as error:
        return error.mistakes[0].what
    return "built" if label_set.is_built else "needs no building"
