"""The facts that the tests check for each language of the kiosk's own words.

A new language is one file in installation/showing/words/ and one entry here. Its golden screens are
then stored with `pytest tests/showing --update-goldens`, and looked at.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LanguageFacts:
    """The facts about one language's words, from a native speaker."""

    name: str
    """The language's name for itself."""
    privacy: str
    """The sentence about pictures before the self-test, word for word."""
    tested: str
    """The words that only the sentences after a self-test may use."""
    technical: tuple[str, ...]
    """Words that visitors did not understand, in lower case; only the staff's card may have them.
    """
    never: tuple[str, ...]
    """Parts of words, in lower case, that no sentence may have, because they promise too much."""
    thousand: str
    """The number 1889 as the language writes it."""
    morning: str
    """The time 9:05 as the language writes it."""
    may_first: str
    """The day 1 May 2026 as the language writes it."""
    september_twelfth: str
    """The day 12 September 2026 as the language writes it."""


LANGUAGES = {
    "de": LanguageFacts(
        name="Deutsch",
        privacy="Es bleibt kein Bild.",
        tested="geprüft",
        technical=("kern", "kernel", "wege", "ki-system", "kategorie", "punktzahl"),
        never=("garant", "anonym", "beweis", "sicher"),
        thousand="1.889",
        morning="09:05 Uhr",
        may_first="1. Mai 2026",
        september_twelfth="12. September 2026",
    ),
    "en": LanguageFacts(
        name="English",
        privacy="No picture is kept.",
        tested="tested",
        technical=("kernel", "ways", "system", "categor", "label", "score"),
        never=("guarantee", "anonym", "proof", "safe"),
        thousand="1,889",
        morning="09:05",
        may_first="1 May 2026",
        september_twelfth="12 September 2026",
    ),
    "es": LanguageFacts(
        name="Español",
        privacy="No se guardan imágenes.",
        tested="probado",
        technical=("núcleo", "kernel", "vías", "sistema", "categor", "etiqueta", "puntuación"),
        never=("garant", "anónim", "prueba", "segur"),
        thousand="1.889",
        morning="09:05 h",
        may_first="1 de mayo de 2026",
        september_twelfth="12 de septiembre de 2026",
    ),
    "fr": LanguageFacts(
        name="Français",
        privacy="Aucune image n’est gardée.",
        tested="testé",
        technical=("noyau", "kernel", "voies", "système", "catégor", "étiquette", "score"),
        never=("garant", "anonym", "preuve", "sûr"),
        thousand="1 889",
        morning="9 h 05",
        may_first="1er mai 2026",
        september_twelfth="12 septembre 2026",
    ),
}
"""The facts, keyed by the code that `language` has in kiosk.yaml."""
