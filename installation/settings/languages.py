"""The languages of a show: one for the kiosk's own words, one for the label set's names.

Only this module resolves them. The rest of the kiosk uses a `Language`, never the code that the
curator wrote.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from installation.errors import KioskError
from installation.settings.paths import MAX_TEXT_BYTES, MODELS, WORDS_FOLDER
from installation.settings.spreadsheet import read_records
from installation.settings.text_file import decode_start

ENGLISH = "en"
"""The language of the kiosk's own words if there is no file of words for kiosk.yaml's language."""

CODE = re.compile(r"[a-z]{2,3}")
"""Matches a language as written in kiosk.yaml: an ISO 639 code."""

NAMES = {"german": "de", "spanish": "es", "castellano": "es", "american": "en", "british": "en"}
NAMES |= {"deu": "de", "ger": "de", "spa": "es", "eng": "en", "fra": "fr", "fre": "fr"}
"""The two-letter code of a language, keyed by the language's name or three-letter code.

Names that begin with the two-letter code, such as 'deutsch', are not listed, because
`likely_language` compares the first two letters of a name.
"""

TRANSLATED = re.compile(r"(name|definition)_([a-z]{2,3})")
"""Matches the header of a column of translations in labels.csv. It ends with the language's ISO 639
code: for example `name_es`.
"""


@dataclass(frozen=True)
class Language:
    """The languages of a show, as ISO 639 codes: for the kiosk's own words, and for the labels."""

    words: str = ENGLISH
    """The language of the kiosk's own words; a file of words exists for it."""
    labels: str = ENGLISH
    """The language of names and definitions; a label without a translation keeps its own name."""
    translated: bool = False
    """Whether labels.csv has a column of names in the language whose code is `labels`."""
    second: Language | None = None
    """The second language of a show in two languages."""

    @property
    def second_labels(self) -> str | None:
        """The second language of names and definitions; None if the show has one language."""
        return None if self.second is None else self.second.labels


def resolve_language(code: str, translations: Collection[str] = ()) -> Language:
    """Return the languages of a show whose kiosk.yaml has the language `code`.

    `translations` are the codes of the languages in which the label set has names.
    """
    words = code if code in word_languages() else ENGLISH
    return Language(words, code, code in translations)


def likely_language(text: str, known: Collection[str]) -> str | None:
    """Return the code in `known` for the language that a curator calls `text`, or None.

    For example, 'de-CH' and 'deutsch' mean the code 'de'.
    """
    word = re.split(r"[-_ .,;/]", text.strip().casefold(), maxsplit=1)[0]
    guesses = (word, NAMES.get(word, ""), word[:2] if len(word) > len("deu") else "")
    return next((code for code in guesses if code in known), None)


def word_languages(folder: Path = WORDS_FOLDER) -> list[str]:
    """Return the codes of the languages of the kiosk's own words, sorted."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def label_languages(labels: str, models: Path = MODELS) -> list[str]:
    """Return the codes of the languages in which the label set `labels` has names, sorted.

    Only the header of labels.csv is read: mistakes in the rows are reported when the set is loaded.
    A set without this file has no translations.
    """
    path = models / labels / "labels.csv"
    try:
        with path.open("rb") as file:
            start = decode_start(file.read(MAX_TEXT_BYTES))
        header = next(read_records(start, path.name, KioskError), None)
    except (OSError, ValueError, KioskError):
        return []
    columns = [TRANSLATED.fullmatch(cell.casefold()) for cell in header.cells] if header else []
    return sorted({column[2] for column in columns if column and column[1] == "name"})
