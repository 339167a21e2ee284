"""Label sets of a few rows, written into a new folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings
from installation.settings.reasons import REASONS

YAML = """\
title: Weather
credit: Written for a test
root: {id: somebody, name: somebody, definition: a person}
method: text
"""


HEADER = "id,name,definition,parent,hidden_because"


ROWS = (HEADER, "sun,sunny one,brings the light,,", "rain,rainy one,waters the plants,sun,")


def write_label_set(
    models: Path, *rows: str | bytes, yaml: str = YAML, name: str = "weather"
) -> Path:
    """Write a label set of these rows into `models` and return its folder."""
    folder = models / name
    folder.mkdir(exist_ok=True)
    (folder / "labelset.yaml").write_text(yaml, encoding="utf-8")
    lines = [row.encode() if isinstance(row, str) else row for row in rows or ROWS]
    (folder / "labels.csv").write_bytes(b"\n".join(lines))
    return folder


def load_weather(models: Path, *hide: str, name: str = "weather") -> LabelSet:
    """Return the label set with only the reasons `hide` hidden; by default all reasons."""
    shown_because = "I decided this for a test here."
    content = ContentSettings.model_validate(
        {"hide": hide or REASONS, "acknowledged": shown_because}
    )
    return load_label_set(name, content, models)


def mistakes(models: Path) -> list[str]:
    """Return the mistakes of the label set, one line each."""
    with pytest.raises(LabelSetError) as caught:
        load_weather(models)
    return [str(mistake).replace(f"{models}/", "") for mistake in caught.value.mistakes]
