"""Reads the valid parts of a kiosk.yaml that has mistakes, for the card that visitors see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from installation.settings.kiosk import OwnWords, ScreenSettings, Settings
from installation.settings.languages import likely_language, resolve_language, word_languages
from installation.settings.paths import MAX_TEXT_BYTES
from installation.settings.text_file import decode_start
from installation.settings.yaml_file import Loaded

M = TypeVar("M", bound=BaseModel)


def load_valid_parts(path: Path) -> Loaded[Settings]:
    """Return the valid settings of `language`, `words` and `screen` in the file `path`.

    All other settings have their defaults. A misspelt language is replaced by the language that is
    probably meant, because staff must be able to read the card. Mistakes are not reported, because
    `load_settings` has reported them.
    """
    document = _document(path)
    codes = document.get("language")
    code = codes[0] if isinstance(codes, list) and codes else codes
    settings = Settings(
        screen=_valid_part(ScreenSettings, document.get("screen")),
        words=_valid_part(OwnWords, document.get("words")),
    )
    known = word_languages()
    if code not in known and isinstance(code, str):
        code = likely_language(code, known)
    if code in known:
        settings = settings.model_copy(update={"language": resolve_language(code)})
    return Loaded(settings, path.name, {}, {})


def _document(path: Path) -> dict[Any, Any]:
    """Return the mapping in the file, or in its first lines if a later line is not valid YAML."""
    try:
        with path.open("rb") as file:
            text = decode_start(file.read(MAX_TEXT_BYTES))
    except (OSError, ValueError):
        return {}
    for beginning in _beginnings(text):
        try:
            document = yaml.safe_load(beginning)
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            return document
    return {}


def _beginnings(text: str) -> Iterator[str]:
    """Yield `text`, then its beginnings, the longest first.

    Each beginning ends before a line with a top-level setting.
    """
    yield text
    lines = text.splitlines()
    for number in reversed(range(1, len(lines))):
        if lines[number][:1].isalpha():
            yield "\n".join(lines[:number])


def _valid_part(model: type[M], values: object) -> M:
    """Return a `model` with the valid entries of `values`, and defaults for all other entries."""
    right: dict[str, object] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        try:
            model(**{str(key): value})
        except ValidationError:
            continue
        right[key] = value
    return model(**right)
