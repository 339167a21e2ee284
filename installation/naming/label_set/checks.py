"""The rules for the contents of labelset.yaml and of the rows of labels.csv.

Their form is checked where they are read: `settings` and `csv_file`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice

from installation.errors import Mistake, did_you_mean, ellipsize, limited_nearest, nearest
from installation.naming.label_set.csv_file import NO, YES, Row
from installation.naming.label_set.label_set import ancestors
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.label_set.unicode_text import confusable_key, is_visible
from installation.naming.lists import imagenet
from installation.naming.methods import METHODS
from installation.settings.reasons import REASONS
from installation.settings.yaml_file import Loaded

LONGEST_NAME = 120
LONGEST_DEFINITION = 400
"""Characters that fit on the screen. WordNet's longest definition of a person has 318."""
LONGEST_DESCRIPTION = 2000
"""Characters of looks_like: some twenty sentences."""
DEEPEST_CHAIN = 50
"""Categories above a label, which are visited for each row; the shipped sets have 7."""

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's bidirectional embeddings, overrides and isolates, which can make a name read as
another one."""


def check_settings(loaded: Loaded[LabelSetSettings]) -> Iterator[Mistake]:
    """Yield what is wrong with labelset.yaml beyond the types of its settings."""
    settings, root = loaded.settings, loaded.settings.root
    texts: dict[tuple[str, ...], str] = {
        ("title",): settings.title,
        ("credit",): settings.credit,
        ("root", "id"): root.id,
        ("root", "name"): root.name,
        ("root", "definition"): root.definition,
    }
    for language, words in root.translations.items():
        texts["root", "translations", language, "name"] = words.name
        texts["root", "translations", language, "definition"] = words.definition
    for keys, text in texts.items():
        where, key = loaded.where(*keys), ".".join(map(ellipsize, keys))
        if not text.strip():
            yield Mistake(where, f"{key} is empty (expected text)", "Fill it in.")
        yield from _check_text(text, key, LONGEST_DEFINITION, where)
    method = settings.method
    if method.encoder_is_fixed and settings.encoder_name != method.encoder:
        seen = ellipsize(settings.encoder_name)
        what = f"encoder is '{seen}', but the method {method} works with {method.encoder} only"
        yield Mistake(loaded.where("encoder"), what, "Remove the line, or choose another method.")
    if method.outputs and settings.outputs is None:
        what = f"the classes of the encoder '{ellipsize(settings.encoder_name)}' are not known"
        remedy = "Choose one of timm's whose name ends in in1k, in12k, in21k or in22k."
        yield Mistake(loaded.where("encoder"), what, remedy)
    if method.brings_network and settings.encoder is not None:
        what = f"encoder is set, but a label set with the method {method} brings its own network"
        yield Mistake(loaded.where("encoder"), what, "Remove the line.")
    values = dict(settings)
    for owner in METHODS.values():
        for key in sorted(owner.keys - method.keys):
            if values[key]:
                what = f"{key} is set, but only the method {owner} uses it (method is {method})"
                yield Mistake(loaded.where(key), what, "Remove it, or change the method.")


def check_rows(rows: Sequence[Row], settings: LabelSetSettings, file: str) -> Iterator[Mistake]:
    """Yield what is wrong with each row, and between rows, in the order of the file."""
    first_id: dict[str | int, Row] = {}
    first_name: dict[str, Row] = {}
    parents = {row.id: row.parent for row in rows}
    outputs = settings.outputs
    headings = {row.parent for row in rows if row.parent}
    # A network may know fewer of ImageNet's categories than the set that it is tried with has.
    imagenets = imagenet.names() if outputs and not settings.method.brings_network else {}
    known = (outputs or {}, headings, imagenets)
    find_nearest = limited_nearest()
    for row in rows:
        where = f"{file}:{row.location}"
        if not row.id:
            yield Mistake(where, "the id is empty (expected a unique id)", "Write one.")
        elif row.id == settings.root.id:
            what = f"the id '{ellipsize(row.id)}' is the id of the root in labelset.yaml"
            yield Mistake(where, what, "Remove the row.")
        else:
            place = (outputs or {}).get(row.id, row.id)
            if (first := first_id.setdefault(place, row)) is not row:
                other = f"is the same output as '{ellipsize(first.id)}'"
                same = "occurs twice" if first.id == row.id else other
                what = f"the id '{ellipsize(row.id)}' {same} (first on line {first.location})"
                yield Mistake(where, what, "Give each row a unique id.")
        if not row.name:
            yield Mistake(where, "the name is empty (expected text)", "Write a name.")
        elif (first := first_name.setdefault(confusable_key(row.name), row)) is not row:
            what = f"the name '{ellipsize(row.name)}' occurs twice (first on line {first.location})"
            yield Mistake(where, what, "Make the names differ, or remove one row.")
        if set("/\\") & set(row.id) or row.id.startswith("."):
            what = f"the id '{ellipsize(row.id)}' cannot be the name of a folder of pictures"
            yield Mistake(where, what, "Write it without slashes, and without a dot at its start.")
        yield from _check_text(row.id, "the id", LONGEST_NAME, where)
        yield from _check_text(row.name, "the name", LONGEST_NAME, where)
        yield from _check_text(row.definition, "the definition", LONGEST_DEFINITION, where)
        if row.parent and row.parent != settings.root.id:
            if row.parent not in parents:
                what = f"the parent '{ellipsize(row.parent)}' is not the id of any row"
                remedy = did_you_mean(find_nearest(row.parent, parents))
                remedy = remedy or "Write the id of a row, or leave it empty."
                yield Mistake(where, what, remedy)
            elif row.id in (chain := list(islice(ancestors(row.id, parents), DEEPEST_CHAIN + 1))):
                path = " › ".join(ellipsize(id_) for id_ in [*reversed(chain), row.id][-4:])
                yield Mistake(where, f"the parents form a circle ({path})", "Clear one of them.")
            elif len(chain) > DEEPEST_CHAIN:
                what = f"more than {DEEPEST_CHAIN} categories are above it, or they form a circle"
                yield Mistake(where, what, "Clear one of the parents.")
        if row.hidden_because and row.hidden_because not in REASONS:
            what = f"hidden_because is '{ellipsize(row.hidden_because)}' (expected a known reason)"
            remedy = did_you_mean(nearest(row.hidden_because, REASONS))
            yield Mistake(where, what, remedy or f"Known: {', '.join(REASONS)}.")
        if row.is_background.casefold() not in (*YES, *NO):
            what = (
                f"is_background is '{ellipsize(row.is_background)}' (expected yes, no or nothing)"
            )
            yield Mistake(where, what, "Write yes in the rows that are never shown.")
        yield from _check_wordings(row, where)
        if outputs is not None and row.id and not any(row.id in ids for ids in known):
            seen = f"the id '{ellipsize(row.id)}' is not an output of the network"
            what = f"{seen}, and not the parent of a row"
            remedy = did_you_mean(find_nearest(row.id, outputs)) or "Remove the row."
            yield Mistake(where, what, remedy)


def _check_wordings(row: Row, where: str) -> Iterator[Mistake]:
    yield from _check_text(row.looks_like, "looks_like", LONGEST_DESCRIPTION, where)
    for language, words in row.wordings.items():
        yield from _check_text(words.name, f"name_{language}", LONGEST_NAME, where)
        yield from _check_text(
            words.definition, f"definition_{language}", LONGEST_DEFINITION, where
        )


def _check_text(text: str, what: str, longest: int, where: str) -> Iterator[Mistake]:
    if len(text) > longest:
        seen = f"{what} has {len(text)} characters (expected at most {longest})"
        yield Mistake(where, seen, "Shorten it.")
    bad = next((letter for letter in text if _forbidden(letter)), None)
    if bad is not None:
        kind = "direction-changing" if bad in OVERRIDES else "control"
        seen = f"{what} holds a {kind} character (U+{ord(bad):04X})"
        yield Mistake(where, seen, "Remove it.")
    elif text.strip() and not is_visible(text):
        seen = f"{what} has no visible character (U+{ord(text[0]):04X})"
        yield Mistake(where, seen, "Write it with letters, or leave it empty.")


def _forbidden(letter: str) -> bool:
    return letter in OVERRIDES or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
