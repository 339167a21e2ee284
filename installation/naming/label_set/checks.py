"""The rules for the contents of labelset.yaml and of the rows of labels.csv.

The format of the files is checked by the modules that read them: `settings` and `csv_file`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice

from installation.errors import Mistake, did_you_mean, ellipsize, limited_nearest, nearest
from installation.naming.label_set.csv_file import NO, YES, Row, folder_name, id_from_name
from installation.naming.label_set.label_set import ancestors
from installation.naming.label_set.settings import LabelSetSettings
from installation.naming.label_set.unicode_text import confusable_key, is_visible
from installation.naming.lists import imagenet
from installation.naming.methods import METHODS
from installation.settings.damaged_text import find_damage, is_plain
from installation.settings.reasons import REASONS
from installation.settings.yaml_file import Loaded

LONGEST_NAME = 120
LONGEST_DEFINITION = 400
"""The longest definition that fits on the screen, characters. WordNet's longest definition of a
person has 318.
"""
LONGEST_DESCRIPTION = 2000
"""The largest number of characters in looks_like; this is about twenty sentences."""
DEEPEST_CHAIN = 50
"""The largest number of categories above a label; all of them are visited for each row. The shipped
sets have at most 7.
"""

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's bidirectional embeddings, overrides and isolates. With them, a name can look like
another name.
"""


def check_settings(loaded: Loaded[LabelSetSettings]) -> Iterator[Mistake]:
    """Yield the mistakes in labelset.yaml that type validation does not find."""
    settings, root = loaded.settings, loaded.settings.root
    texts: dict[tuple[str, ...], str] = {
        ("title",): settings.title,
        ("credit",): settings.credit,
        ("root", "id"): root.id,
        ("root", "name"): root.name,
        ("root", "definition"): root.definition,
    }
    for language, credit in settings.credit_translations.items():
        texts["credit_translations", language] = credit
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
        problem = f"encoder is '{seen}', but the method {method} works with {method.encoder} only"
        yield Mistake(
            loaded.where("encoder"), problem, "Remove the line, or choose another method."
        )
    if method.outputs and settings.outputs is None:
        problem = f"the classes of the encoder '{ellipsize(settings.encoder_name)}' are not known"
        remedy = "Choose a timm encoder with a name that ends in in1k, in12k, in21k or in22k."
        yield Mistake(loaded.where("encoder"), problem, remedy)
    if method.brings_network and settings.encoder is not None:
        problem = f"encoder is set, but a label set with the method {method} uses its own network"
        yield Mistake(loaded.where("encoder"), problem, "Remove the line.")
    values = dict(settings)
    for owner in METHODS.values():
        for key in sorted(owner.keys - method.keys):
            if values[key]:
                problem = f"{key} is set, but only the method {owner} uses it (method is {method})"
                yield Mistake(loaded.where(key), problem, "Remove it, or change the method.")


def check_rows(rows: Sequence[Row], settings: LabelSetSettings, file: str) -> Iterator[Mistake]:
    """Yield the mistakes in each row and between rows, in the order of the file."""
    table = _Table(rows, settings)
    for row in rows:
        where = f"{file}:{row.location}"
        yield from table.check_id(row, where)
        yield from table.check_name(row, where)
        yield from _check_texts(row, where)
        yield from table.check_parent(row, where)
        yield from _check_choices(row, where)
        yield from table.check_output(row, where)


class _Table:
    """What each row is compared with: the other rows, and the network's outputs."""

    def __init__(self, rows: Sequence[Row], settings: LabelSetSettings) -> None:
        self._root = settings.root.id
        self._outputs = settings.outputs
        self._parents = {row.id: row.parent for row in rows}
        headings = {row.parent for row in rows if row.parent}
        # A network may have only some of the set's ImageNet categories as classes.
        by_wordnet = self._outputs and not settings.method.brings_network
        self._known = (self._outputs or {}, headings, imagenet.names() if by_wordnet else {})
        self._outputs_are_numbers = settings.method.brings_network
        self._find_nearest = limited_nearest()
        self._first_by_id: dict[str | int, Row] = {}
        self._first_by_key: dict[str, Row] = {}
        self._first_by_name: dict[str, Row] = {}

    def check_id(self, row: Row, where: str) -> Iterator[Mistake]:
        """Yield a mistake if the id is empty, is the root's, or occurs twice.

        Two ids count as one if they differ only in capital letters, in invisible characters or in
        the encoding of accents, or if they name the same output of the network.
        """
        if not row.id:
            if row.name:
                yield Mistake(where, "the id is empty (expected a unique id)", "Write one.")
        elif row.id == self._root:
            problem = f"the id '{ellipsize(row.id)}' is already the id of the root in labelset.yaml"
            yield Mistake(where, problem, "Remove the row.")
        else:
            place = (self._outputs or {}).get(row.id, row.id)
            first = self._first_by_id.setdefault(place, row)
            alike = self._first_by_key.setdefault(confusable_key(row.id), row)
            if first is row and alike is row:
                return
            # If an id made from a name occurs twice, the name does too, and `check_name` yields
            # that mistake.
            is_from_name = row.id == id_from_name(row.name)
            if first is not row and not is_from_name:
                other = f"means the same output of the network as '{ellipsize(first.id)}'"
                same = "occurs twice" if first.id == row.id else other
                problem = f"the id '{ellipsize(row.id)}' {same} (first on line {first.location})"
                yield Mistake(where, problem, "Give each row a unique id.")
            elif first is row and not is_from_name:
                problem = (
                    f"the id '{ellipsize(row.id)}' differs from '{ellipsize(alike.id)}' (line "
                    f"{alike.location}) only in capital letters, invisible characters or the "
                    "encoding of accents, so both would be the same folder on some disks"
                )
                yield Mistake(where, problem, "Give each row a unique id.")

    def check_name(self, row: Row, where: str) -> Iterator[Mistake]:
        """Yield a mistake if the name is empty or occurs twice.

        Two names count as one if they differ only in capital letters, in invisible characters or in
        the encoding of accents.
        """
        if not row.name:
            yield Mistake(where, "the name is empty (expected text)", "Write a name.")
        elif (first := self._first_by_name.setdefault(confusable_key(row.name), row)) is not row:
            seen = f"the name '{ellipsize(row.name)}'"
            problem = f"{seen} occurs twice (first on line {first.location})"
            if row.name != first.name:
                problem = (
                    f"{seen} differs from '{ellipsize(first.name)}' (line {first.location}) only "
                    "in capital letters, invisible characters or the encoding of accents"
                )
            yield Mistake(where, problem, "Make the names differ, or remove one row.")

    def check_parent(self, row: Row, where: str) -> Iterator[Mistake]:
        """Yield a mistake if the parents form a cycle, or are more than `DEEPEST_CHAIN`.

        A parent that is not the id of a row is not a mistake.
        """
        if not row.parent or row.parent == self._root:
            return
        chain = list(islice(ancestors(row.id, self._parents), DEEPEST_CHAIN + 1))
        if row.id in chain:
            path = " › ".join(ellipsize(id_) for id_ in [*reversed(chain), row.id][-4:])
            yield Mistake(
                where,
                f"the parents form a circle ({path})",
                "Leave the cell `parent` empty in one of these rows, so that the chain ends at the "
                "root.",
            )
        elif len(chain) > DEEPEST_CHAIN:
            problem = (
                f"the row has more than {DEEPEST_CHAIN} categories above it, or its parents "
                "form a circle"
            )
            remedy = "Leave the cell `parent` empty in the row of one of these categories."
            yield Mistake(where, problem, remedy)

    def check_output(self, row: Row, where: str) -> Iterator[Mistake]:
        """Yield a mistake if the row's id must name an output of the network, but does not.

        A row that is the parent of another row may have any id. If the network is not the set's
        own, the WordNet id of an ImageNet category is accepted as well, because a network may have
        only some of ImageNet's categories.
        """
        if self._outputs is None or not row.id or any(row.id in ids for ids in self._known):
            return
        seen = f"the id '{ellipsize(row.id)}' is not an output of the network"
        problem = f"{seen}, and is not the parent of a row"
        remedy = did_you_mean(self._find_nearest(row.id, self._outputs)) or "Remove the row."
        if self._outputs_are_numbers:
            remedy = "Write the number of an output (the first is 0) as the id, or remove the row."
        yield Mistake(where, problem, remedy)


def _check_texts(row: Row, where: str) -> Iterator[Mistake]:
    """Yield the mistakes in the texts of the cells, in all languages."""
    if set("/\\") & set(row.id) or row.id.startswith("."):
        problem = f"the id '{ellipsize(row.id)}' cannot be the name of a folder of pictures"
        yield Mistake(
            where, problem, "Change the id: it must not contain slashes or begin with a dot."
        )
    elif row.id != folder_name(row.id):
        problem = f"the id '{ellipsize(row.id)}' cannot be the name of a folder on Windows"
        yield Mistake(where, problem, f"Change the id to {folder_name(row.id) or 'another one'}.")
    if row.id != id_from_name(row.name):
        yield from _check_text(row.id, "the id", LONGEST_NAME, where)
    yield from _check_text(row.name, "the name", LONGEST_NAME, where)
    yield from _check_text(row.definition, "the definition", LONGEST_DEFINITION, where)
    yield from _check_text(row.looks_like, "looks_like", LONGEST_DESCRIPTION, where)
    yield from _check_text(row.defined_by, "defined_by", LONGEST_NAME, where)
    for language, words in row.wordings.items():
        yield from _check_text(words.name, f"name_{language}", LONGEST_NAME, where)
        name = f"definition_{language}"
        yield from _check_text(words.definition, name, LONGEST_DEFINITION, where)


def _check_choices(row: Row, where: str) -> Iterator[Mistake]:
    """Yield a mistake if hidden_because or is_background has an unknown value."""
    if row.hidden_because and row.hidden_because not in REASONS:
        problem = f"hidden_because is '{ellipsize(row.hidden_because)}' (expected a known reason)"
        remedy = did_you_mean(nearest(row.hidden_because, REASONS))
        yield Mistake(where, problem, remedy or f"Known: {', '.join(REASONS)}.")
    if row.is_background.casefold() not in (*YES, *NO):
        problem = (
            f"is_background is '{ellipsize(row.is_background)}' (expected yes, no or an empty cell)"
        )
        yield Mistake(
            where,
            problem,
            "Write yes if the row must never be shown as a label, otherwise leave the cell empty.",
        )


def orphans(rows: Sequence[Row], root: str) -> list[Row]:
    """Return the rows whose parent is neither a row nor the root, which has the id `root`.

    They are shown below the root. They are not mistakes, because rows are often deleted from a
    copied set.
    """
    ids = {row.id for row in rows} | {"", root}
    return [row for row in rows if row.parent not in ids]


def _check_text(text: str, name: str, longest: int, where: str) -> Iterator[Mistake]:
    """Yield the mistakes in the `text` of a setting or a cell that is called `name`.

    `longest` is the largest length, characters; `where` is the location in messages.
    """
    if len(text) <= longest and is_plain(text):
        return
    if len(text) > longest:
        problem = f"{name} has {len(text)} characters (expected at most {longest})"
        yield Mistake(where, problem, "Shorten it.")
    bad = next((letter for letter in text if _forbidden(letter)), None)
    if bad is not None:
        kind = "direction-changing" if bad in OVERRIDES else "control"
        problem = f"{name} contains a {kind} character (U+{ord(bad):04X})"
        yield Mistake(where, problem, "Remove it.")
    elif text.strip() and not is_visible(text):
        problem = f"{name} has no visible character (U+{ord(text[0]):04X})"
        yield Mistake(where, problem, "Write it with letters, or leave it empty.")
    elif damage := find_damage(text):
        yield Mistake(where, f"{name} {damage.problem}", damage.remedy)


def _forbidden(letter: str) -> bool:
    """Return whether `letter` is a control character or changes the direction of the text."""
    return letter in OVERRIDES or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
