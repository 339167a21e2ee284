from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from installation.naming.label_set import built_file
from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.label_set import LabelSet
from installation.naming.label_set.load import load_label_set
from installation.naming.scoring.linear import LinearScorer
from tests.support.fuzzing import (
    FUZZERS,
    NUMBERS,
    Fuzz,
    FuzzTarget,
    WatchedFolder,
    chance,
    mutate,
    try_seeded,
)
from tests.support.tensors import score

pytestmark = pytest.mark.slow

ENCODER = "e" * 64
WIDTH = 4
SETTINGS = """\
title: Weather
credit: Written for a test
root: {id: somebody, name: somebody, definition: a person}
method: examples
"""
LABELS = "id,name,definition,parent,hidden_because\nsun,sun,,,\nrain,rain,,,\nsnow,snow,,,insult\n"
SHAPES: dict[str, list[int]] = {"weight": [3, WIDTH], "bias": [3]}
ROWS = ((0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 2, 1), (0, 0, 1), (0, 1, 3), (-1, 0, 1), (0, 1, 2**62))
"""Values of the rows in a file's header; a valid file has all three in this order."""
FLOATS = (0.0, -1.0, 1e38, -1e38, 3.4e38, 1e-45, float("inf"), float("-inf"), float("nan"))
WRONG: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 1e300, "1", "", [], {}, [[]], [0], [3, 4, 1], [2**60, 2**60], [-3, -4]),
    *([2**32, 2**32], [12], [4, 3], [0, 0], [0, 2**63], ["3", 4], [1.0, 2.0], *NUMBERS),
    *("F32", "F16", "BF16", "F64", "I64", "BOOL", "U8", "F8_E4M3", "C64", "f32", "F4", "X" * 999),
)


def header() -> dict[str, Any]:
    """Return the header of a valid built file, except for its checksums."""
    return {
        "weight": {"dtype": "F32", "shape": SHAPES["weight"], "data_offsets": [0, 48]},
        "bias": {"dtype": "F32", "shape": SHAPES["bias"], "data_offsets": [48, 60]},
    }


def add_rows(random: Random, tensors: dict[str, Any]) -> bytes:
    """Describe random rows in the header's `tensors`; return their bytes, which end the file."""
    rows = random.choice(ROWS)[: random.choice((3, 3, 3, 2, 0))]
    end = 60 + 8 * len(rows)
    tensors["rows"] = {"dtype": "I64", "shape": [len(rows)], "data_offsets": [60, end]}
    return struct.pack(f"<{len(rows)}q", *rows)


def tensors_file(random: Random, label_set: LabelSet) -> bytes:
    """Return a safetensors file, more or less valid, and in a third of all cases damaged.

    Its checksums are valid, as a stranger can compute them.
    """
    tensors = header()
    numbers = [random.uniform(-2, 2) for _ in range(15)]
    if chance(random, 0.2):
        numbers[random.randrange(15)] = random.choice(FLOATS)
    data = struct.pack("<15f", *numbers)
    if chance(random, 0.4):
        data += add_rows(random, tensors)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        _damage(random, tensors)
    if chance(random, 0.1):
        data = random.choice((b"", data[:-4], data + bytes(4), data * 2, data[:1]))
    sums = json.dumps(tensors, sort_keys=True).encode() + data
    metadata: dict[str, Any] = built_file.expected_metadata(label_set, ENCODER)
    metadata["tensors_sha256"] = hashlib.sha256(sums).hexdigest()
    if chance(random, 0.15):
        metadata[random.choice([*metadata, "more"])] = random.choice(WRONG)
    words = json.dumps({"__metadata__": metadata, **tensors}).encode()
    if chance(random, 0.15):
        words = _reformatted(random, words)
    length = len(words)
    if chance(random, 0.1):
        length = random.choice((*NUMBERS, length - 1, length + 1, length + len(data)))
    content = struct.pack("<Q", length) + words + data
    return (
        mutate(random, content, (b'"', b"{", b"}", b"[", b",", b"\xff"))
        if chance(random, 0.3)
        else content
    )


def _damage(random: Random, tensors: dict[str, Any]) -> None:
    """Make a header wrong: in a tensor's description, or by another tensor."""
    names = [name for name, entry in tensors.items() if isinstance(entry, dict)]
    if not names or chance(random, 0.2):
        entry: Any = random.choice((header()["bias"], header()["weight"], *WRONG))
        tensors[random.choice(("more", "weight", "bias", "", "../x", "__metadata__"))] = entry
        return
    name = random.choice(names)
    match random.randrange(5):
        case 0:
            del tensors[name]
        case 1:
            tensors[name].pop(random.choice(("dtype", "shape", "data_offsets")), None)
        case 2:
            start = random.choice((0, 47, 48, 49, 60, *NUMBERS))
            tensors[name]["data_offsets"] = [
                start,
                random.choice((0, 48, 60, start, start + 12, 2**60)),
            ]
        case _:
            key = random.choice(("dtype", "shape", "data_offsets", "more"))
            tensors[name][key] = random.choice(WRONG)


def _reformatted(random: Random, words: bytes) -> bytes:
    """Return a header's JSON in an unusual form."""
    return random.choice(
        (
            words.replace(b'"bias"', b'"weight"'),
            words.replace(b"}", b',"dtype":"F32"}', 1),
            words.replace(b"48", b"48.0"),
            words.replace(b"48", b"4.8e1"),
            words.replace(b"48", b"0" * 5000 + b"48"),
            words.replace(b"48", b"9" * 5000),
            words.replace(b"60", b"NaN"),
            words.replace(b"{", b"[" * 100_000, 1),
            words.replace(b"{", b'{"a":' * 100_000, 1),
            words.replace(b"bias", b"\\ud800"),
            words.replace(b"bias", b"b\xff"),
            words.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + words,
            b" " * 2_000_000 + words,
            words + b" " * 2_000_000,
            words + words,
            b'{"__metadata__":{' + b",".join(b'"%d":""' % n for n in range(20_000)) + b"}}",
            b"{"
            + b",".join(
                b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(5000)
            )
            + b"}",
        )
    )


def write_set(models: Path) -> LabelSet:
    """Write a set that is not built."""
    folder = models / "weather"
    folder.mkdir()
    (folder / "labelset.yaml").write_text(SETTINGS)
    (folder / "labels.csv").write_text(LABELS)
    (folder / "built.safetensors").touch()
    return load_label_set("weather", EVERYTHING, models)


def put(label_set: LabelSet, content: bytes) -> None:
    """Write a new built file; a file that is mapped into memory is not changed."""
    fresh = label_set.folder / "fresh"
    fresh.write_bytes(content)
    os.replace(fresh, label_set.built)


def read(label_set: LabelSet) -> None:
    """Open the built file as the show does, and use it for a reading."""
    built_file.check_built(label_set)
    scorer = LinearScorer.from_built(label_set, ENCODER, WIDTH)
    scores = score(scorer, torch.eye(WIDTH))
    assert scores.shape == (WIDTH, 3)
    assert bool(((scores >= 0) & (scores <= 1.0001)).all()), "every score is a share"


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFolder:
    """Return a watched folder without label sets."""
    return WatchedFolder(tmp_path)


def fuzz_target(
    watched: WatchedFolder, label_set: LabelSet, read: Callable[[], object]
) -> FuzzTarget[bytes]:
    """Return the target for built files."""
    return FuzzTarget(
        watched,
        lambda random: tensors_file(random, label_set),
        lambda content: put(label_set, content),
        read,
    )


@pytest.mark.parametrize(("fuzz", "cases"), FUZZERS)
def test_no_built_file_gives_a_traceback(watched: WatchedFolder, fuzz: Fuzz, cases: int) -> None:
    """Each of thousands of built files results in scores in 0–1, or in a message."""
    label_set = write_set(watched.models)
    tally = fuzz(fuzz_target(watched, label_set, lambda: read(label_set)), cases)
    assert tally.cases >= cases
    assert tally.accepted > cases // 20, "files that are right are among them"
    assert len(tally.refused) >= min(6, cases // 50), "most of the mistakes are made"


def trusting(file: Path) -> None:
    """Read tensors without checking their header."""
    content = file.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name != "__metadata__":
            torch.zeros(entry["shape"])


def test_a_reader_that_trusts_the_file_is_found(watched: WatchedFolder) -> None:
    """The control: the same files crash a reader without checks."""
    label_set = write_set(watched.models)
    with pytest.raises(AssertionError, match="case"):
        try_seeded(fuzz_target(watched, label_set, lambda: trusting(label_set.built)), 100)
