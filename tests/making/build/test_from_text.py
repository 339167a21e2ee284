from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from installation.making.build.from_text import embed_labels
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.load import load_label_set
from installation.settings.kiosk import ContentSettings
from tests.support.label_sets import HEADER, write_label_set


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
def test_each_kind_of_row_has_its_sentences(row: Row, sentences: list[str]) -> None:
    """A background row is not described as a person, and no sentence has an empty part."""
    assert read_of(row) == sentences


def test_a_row_that_becomes_background_is_built_anew(tmp_path: Path) -> None:
    """Making a row background changes its sentences, so the fingerprint changes."""
    marks = {}
    for answer in ("", "no", "yes"):
        write_label_set(
            tmp_path, f"{HEADER},is_background", "a,air,thin,,,", f"b,a wall,bare,,,{answer}"
        )
        marks[answer] = load_label_set("weather", ContentSettings(), tmp_path).fingerprint
    assert marks[""] == marks["no"] != marks["yes"]
