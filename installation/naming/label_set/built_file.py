"""The built file of a label set: its tensors, and the check that they fit the current set.

The file's metadata state what it was built from, and contain a checksum of its tensors. The tensors
are read as arrays, so nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from installation.errors import LabelSetError, Mistake, counted, display_path
from installation.naming.label_set.label_set import LabelSet
from installation.naming.lists import weights
from installation.naming.lists.safetensors_header import (
    LENGTH_BYTES,
    header_length,
    mismatch,
)
from installation.naming.lists.weights import LITE

_CHANGES = {
    "method": "this file was built for another method",
    "labels_sha256": "labels.csv, labelset.yaml or the kiosk's own sentences have changed since "
    "this file was built",
    "encoder_sha256": "this file was built for other weights of the network",
}
"""The mistake to report for each metadata key whose value is not the expected one."""

PICTURES_KEY = "pictures_sha256"
"""The metadata key for the fingerprint of the artist's pictures that the file was built from."""

ROWS_TENSOR = "rows"
"""The name of the tensor (int64, ascending) that lists which rows of labels.csv are in the file. A
file with all rows does not have this tensor.
"""

MAX_HEADER_BYTES = 2**16
"""The longest header that is read, bytes. The header of a file with two tensors has 500 bytes, and
JSON takes many times its size in memory when it is parsed.
"""

MAX_NUMBER = 1e6
"""The largest absolute value of a number in a built tensor. Larger numbers or NaN would make the
scores NaN.
"""


class StaleBuildError(LabelSetError):
    """The set's words, settings or visible labels have changed, so the set must be built again."""


def expected_metadata(label_set: LabelSet, encoder: str | None = None) -> dict[str, str]:
    """Return the metadata that the built file of `label_set` must have.

    `encoder` is the SHA-256 of the encoder's weights; if it is None, the key for it is left out.
    """
    expected = {
        "method": label_set.settings.method.name,
        "labels_sha256": label_set.fingerprint,
    }
    return expected if encoder is None else expected | {"encoder_sha256": encoder}


def checksum(file: Path) -> str:
    """Return the SHA-256 of the tensors in a safetensors file and of their header.

    The metadata are left out, because they contain this checksum. Raises OSError, or ValueError if
    `file` is not a safetensors file.
    """
    digest = hashlib.sha256()
    with file.open("rb") as binary:
        length = int.from_bytes(binary.read(LENGTH_BYTES), "little")
        header = json.loads(binary.read(length))
        header.pop("__metadata__", None)
        digest.update(json.dumps(header, sort_keys=True).encode())
        while chunk := binary.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def open_built(label_set: LabelSet, encoder: str | None = None) -> Iterator[Any]:
    """Yield the built file, which is open in the `with` block for reading its tensors as arrays.

    `encoder` is the SHA-256 of the encoder's weights; None if it need not be compared. Raises
    LabelSetError if the file is missing or damaged, or if it was built for another method, other
    words or settings, or other weights.
    """
    try:
        _check_header(label_set)
        with safe_open(label_set.built, framework="numpy") as file:
            seen = file.metadata() or {}
            for key, expected in expected_metadata(label_set, encoder).items():
                if seen.get(key) != expected:
                    kind = StaleBuildError if key == "labels_sha256" else LabelSetError
                    raise misfit(label_set, _CHANGES[key], kind)
            if seen.get("tensors_sha256") != checksum(label_set.built):
                raise misfit(
                    label_set, "the file is damaged (the checksum does not match the numbers)"
                )
            yield file
    except FileNotFoundError:
        raise misfit(label_set, "the label set is not built yet") from None
    except (SafetensorError, OSError):
        raise misfit(label_set, "the file is damaged") from None


def read_metadata(label_set: LabelSet) -> dict[str, str]:
    """Return the metadata of the built file; raises LabelSetError as `open_built` does."""
    with open_built(label_set) as file:
        return dict(file.metadata())


def _check_header(label_set: LabelSet) -> None:
    """Raise LabelSetError if the built file's header is too long to be read."""
    length = header_length(label_set.built)
    if length > MAX_HEADER_BYTES:
        problem = (
            f"the file is damaged (the header has {length} bytes, expected at most "
            f"{MAX_HEADER_BYTES})"
        )
        raise misfit(label_set, problem)


def read_tensors(
    label_set: LabelSet,
    encoder: str,
    kind: str,
    labels: Mapping[str, Sequence[int]],
    others: Mapping[str, Sequence[int]],
) -> dict[str, npt.NDArray[Any]]:
    """Return the built tensors that `labels` and `others` name, all of the dtype `kind`.

    The tensors in `labels` have a row per label; `labels` maps a tensor's name to the shape of one
    row. These tensors are returned with the visible rows first, and then the background rows.
    `others` maps the name of each other tensor to the shape of the whole tensor. `kind` is
    safetensors' name of the dtype, such as "F16". `encoder` is the SHA-256 of the encoder's
    weights. All shapes are checked before any number is read. Raises LabelSetError.
    """
    with open_built(label_set, encoder) as file:
        tensor_rows = _tensor_rows(label_set, file)
        shapes = dict(others) | {name: (len(tensor_rows), *shape) for name, shape in labels.items()}
        for name, shape in shapes.items():
            if wrong := mismatch(file, name, kind, shape):
                raise misfit(label_set, wrong)
        tensors = {name: file.get_tensor(name) for name in shapes}
    for name, tensor in tensors.items():
        if not float(np.abs(tensor).max()) <= MAX_NUMBER:  # true for NaN too
            problem = f"the tensor '{name}' has NaN or numbers beyond ±{MAX_NUMBER:,.0f}"
            raise misfit(label_set, problem)
    wanted = [tensor_rows[row] for row in (*label_set.rows, *label_set.background)]
    return {name: tensor[wanted] if name in labels else tensor for name, tensor in tensors.items()}


def _tensor_rows(label_set: LabelSet, file: Any) -> Mapping[int, int]:
    """Return each row's index in the built tensors, keyed by its index among labels.csv's rows.

    Raises LabelSetError if the file lacks rows that the set shows.
    """
    if ROWS_TENSOR not in file.keys():  # noqa: SIM118  not a mapping
        return {row: row for row in range(label_set.row_count)}
    shape = file.get_slice(ROWS_TENSOR).get_shape()
    count = shape[0] if len(shape) == 1 else 0
    if wrong := mismatch(file, ROWS_TENSOR, "I64", [min(count, label_set.row_count)]):
        raise misfit(label_set, wrong)
    rows = file.get_tensor(ROWS_TENSOR).tolist()
    if rows != sorted(set(rows) & set(range(label_set.row_count))):
        raise misfit(
            label_set, f"the tensor '{ROWS_TENSOR}' lists rows that labels.csv does not have"
        )
    if missing := {*label_set.rows, *label_set.background} - set(rows):
        problem = (
            "some labels are shown now, but were hidden when this file was built, so it does not "
            f"contain them ({counted(len(missing), 'label')})"
        )
        raise misfit(label_set, problem, StaleBuildError)
    return {row: tensor_row for tensor_row, row in enumerate(rows)}


def check_built(label_set: LabelSet) -> None:
    """Raise LabelSetError if the set has to be built, but its built file is missing or outdated.

    `open_classifier` checks whether the file fits the network.
    """
    if label_set.is_built:
        with open_built(label_set) as file:
            _tensor_rows(label_set, file)


def check_ready(label_set: LabelSet) -> None:
    """Raise as `check_built` does, or WeightsError if the network's weights are not fetched."""
    check_built(label_set)
    if label_set.encoder not in (LITE, ""):
        weights.check_fetched(label_set.encoder, label_set.weights_folder)


def misfit(
    label_set: LabelSet, problem: str, kind: type[LabelSetError] = LabelSetError
) -> LabelSetError:
    """Return an error of the class `kind` for a built file with the mistake `problem`.

    The error's remedy is a new build.
    """
    return kind(Mistake(display_path(label_set.built), problem, label_set.build_remedy))
