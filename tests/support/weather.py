"""A small label set that needs no files."""

from __future__ import annotations

from pathlib import Path

from installation.naming.label_set.label_set import Label, LabelSet
from installation.naming.label_set.settings import LabelSetSettings, RootSettings
from installation.naming.methods import TEXT

NAMES = ("air", "breeze", "cloud", "dew", "east wind", "fog")
PERSON = Label("p", "person", "a human being", ())
WEATHER = LabelSet(
    name="weather",
    folder=Path("weather"),
    settings=LabelSetSettings(
        title="Weather",
        credit="a test",
        root=RootSettings(id="p", name="person", definition="a human being"),
        method=TEXT,
        min_score=0.2,
    ),
    root=PERSON,
    labels=tuple(Label(name, name, "", ("person",)) for name in NAMES),
    rows=tuple(range(len(NAMES))),
    background=(),
    row_count=len(NAMES),
    size=len(NAMES),
    unknown=0,
    hidden={},
    fingerprint="",
)
"""Six labels below the root, `PERSON`."""
