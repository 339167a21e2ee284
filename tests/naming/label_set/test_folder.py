"""What a stranger's label set may claim, and what that may cost."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from installation.errors import MAX_MISTAKES, LabelSetError
from installation.making.build import build
from installation.making.build.result import BuildResult
from installation.naming.label_set import built_file, csv_file
from installation.naming.label_set.checks import DEEPEST_CHAIN
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.scoring.linear import LinearScorer
from tests.naming.label_set.test_label_set import HEADER, YAML, mistakes, write

CPU = torch.device("cpu")
ENCODER = "e" * 64


@pytest.mark.parametrize(
    "parent", ["id{next}", "nobody{number}", "id{number}"], ids=["deep", "unknown", "own"]
)
def test_wrong_parents_do_not_keep_the_kiosk_busy(tmp_path: Path, parent: str) -> None:
    """As many rows as there may be, each with a wrong parent, are judged within seconds."""
    count = csv_file.MOST_ROWS
    rows = [
        f"id{n},name {n},,{parent.format(next=(n + 1) % count, number=n)}," for n in range(count)
    ]
    write(tmp_path, HEADER, *rows)
    start = time.process_time()
    assert len(mistakes(tmp_path)) == MAX_MISTAKES + 1
    assert time.process_time() - start < 10


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    """Fifty categories above a label are let through, and one more is a mistake."""
    rows = [f"id{n},name {n},,id{n + 1}," for n in range(DEEPEST_CHAIN + 1)]
    write(tmp_path, HEADER, *rows, f"id{len(rows)},top,,,")
    (mistake,) = mistakes(tmp_path)
    assert "labels.csv:2: more than 50 categories are above it" in mistake


def test_a_spreadsheet_has_bounds(tmp_path: Path) -> None:
    """More rows or columns than any set has are one mistake, whatever is in them."""
    write(tmp_path, HEADER, *(f"id{n},name {n},,," for n in range(csv_file.MOST_ROWS + 1)))
    (mistake,) = mistakes(tmp_path)
    assert "labels.csv:25002: there are more than 25000 rows" in mistake
    write(tmp_path, f"{HEADER}{',note' * csv_file.MOST_COLUMNS}", "a,air,,,")
    (mistake,) = mistakes(tmp_path)
    assert "labels.csv:1: there are 405 columns" in mistake


@pytest.mark.parametrize("line", [r'title: "\UFFFFFFFF"', f"%YAML 1.{'9' * 5000}\n---"])
def test_what_the_yaml_parser_chokes_on_is_a_sentence(tmp_path: Path, line: str) -> None:
    """A letter that no alphabet has, and a version that no number holds, are mistakes."""
    write(tmp_path, yaml=f"{line}\n{YAML}")
    (mistake,) = mistakes(tmp_path)
    assert "labelset.yaml: this is not well-formed YAML" in mistake


def test_no_message_repeats_what_moves_a_cursor(tmp_path: Path) -> None:
    """What a stranger wrote stands in a message only as far as it can be printed."""
    write(tmp_path, "id,name,\x1bdefinition,parent,hidden_because", "a,air,,,")
    strange = YAML.replace(
        "person}", 'person, translations: {"\\e[2J": {name: "", definition: x}}}'
    )
    (tmp_path / "weather" / "labelset.yaml").write_text(strange)
    assert len(said := mistakes(tmp_path)) == 2
    assert "\x1b" not in "".join(said)


@pytest.fixture
def linear(tmp_path: Path) -> LabelSet:
    """A set of two labels that reads features, built."""
    write(tmp_path, HEADER, "a,air,,,", "b,breeze,,,", yaml=YAML.replace("text", "examples"))
    tensors = {"weight": torch.ones(2, 4), "bias": torch.zeros(2)}
    build.build("weather", tmp_path, lambda *_: BuildResult(tensors, ENCODER, ()))
    return load_label_set("weather", EVERYTHING, tmp_path)


@pytest.mark.parametrize("claim", [2**17, 2**60, 2**64 - 1])
def test_a_header_that_claims_too_much_is_not_read(linear: LabelSet, claim: int) -> None:
    """How long a built file's header says it is does not decide how much memory it gets."""
    linear.built.write_bytes(struct.pack("<Q", claim) + linear.built.read_bytes()[8:])
    with pytest.raises(LabelSetError, match=f"its header has {claim} bytes"):
        built_file.check_built(linear)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), -3e38])
def test_numbers_that_give_no_scores_are_refused(linear: LabelSet, number: float) -> None:
    """A built file whose sums are right and whose numbers are not is still not shown."""
    tensors = {"weight": torch.ones(2, 4), "bias": torch.zeros(2)}
    tensors["weight"][1, 2] = number
    said = built_file.expected_metadata(linear, ENCODER)
    save_file(tensors, linear.built, said)
    save_file(tensors, linear.built, said | {"tensors_sha256": built_file.checksum(linear.built)})
    with pytest.raises(LabelSetError, match="'weight' holds numbers beyond 1,000,000, or none"):
        LinearScorer.from_built(linear, ENCODER, 4, CPU)
