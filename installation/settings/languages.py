"""The languages of the screen's words and of the labels."""

from __future__ import annotations

import re
from pathlib import Path

from installation.settings.paths import MODELS, WORDS_FOLDER

LONGEST_HEADER = 4096
"""Characters of the first line of labels.csv: its columns in some hundred languages."""


def languages(words: Path = WORDS_FOLDER) -> list[str]:
    """Return the codes of the languages that the kiosk's own words are in, in order."""
    return sorted(file.stem for file in words.glob("*.yaml"))


def label_languages(labels: str, models: Path = MODELS) -> list[str]:
    """Return the codes of the languages that the label set `labels` has names in, in order.

    Only the header of its labels.csv is read, so that a mistake further down is no matter here.
    """
    try:
        with (models / labels / "labels.csv").open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline(LONGEST_HEADER)
    except OSError:
        return []
    return sorted(set(re.findall(r"\bname_([a-z]{2,3})\b", header.casefold())))
