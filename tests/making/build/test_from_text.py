from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from installation.making.build.from_text import embed_labels
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings
from tests.naming.label_set.test_label_set import HEADER, write


def read_of(row: Row) -> list[str]:
    """Return the sentences that stand for a row."""
    read: list[str] = []

    def embed(texts: Sequence[str]) -> torch.Tensor:
        read.extend(texts)
        return torch.ones(len(texts), 2)

    embed_labels([row], embed)
    return read


@pytest.mark.parametrize(
    ("row", "sentences"),
    [
        (
            Row(2, "1", "baker", "somebody who bakes"),
            ["baker", "baker: somebody who bakes", "a person who is a baker, somebody who bakes"],
        ),
        (Row(2, "1", "baker", ""), ["baker", "a person who is a baker"]),
        (
            Row(2, "1", "an empty room", "nobody is there", is_background="yes"),
            ["an empty room", "nobody is there"],
        ),
        (Row(2, "1", "an empty room", "", is_background="yes"), ["an empty room"]),
        (
            Row(2, "1", "baker", "bakes", looks_like="an apron | flour", is_background="yes"),
            ["an apron", "flour"],
        ),
    ],
    ids=["person", "no definition", "background", "background by name", "own sentences"],
)
def test_a_row_is_read_as_what_it_is(row: Row, sentences: list[str]) -> None:
    """A background is no person, and what a row does not say is in no sentence."""
    assert read_of(row) == sentences


def test_a_row_that_becomes_background_is_built_anew(tmp_path: Path) -> None:
    """What is built from other sentences than the row's present ones does not fit any more."""
    marks = {}
    for said in ("", "no", "yes"):
        write(tmp_path, f"{HEADER},is_background", "a,air,thin,,,", f"b,a wall,bare,,,{said}")
        marks[said] = load_label_set("weather", ContentSettings(), tmp_path).fingerprint
    assert marks[""] == marks["no"] != marks["yes"]
