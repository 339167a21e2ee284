"""What is built from a label set's words: its file, and whether it is the one of these words.

Nothing here imports torch until tensors are read, so that `kiosk check` answers at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from installation.errors import LabelSetError, Mistake, display_path
from installation.naming.label_set.label_set import LabelSet
from installation.naming.lists import weights
from installation.naming.lists.safetensors_header import mismatch
from installation.naming.lists.weights import LITE

if TYPE_CHECKING:
    import torch

_OTHER = {
    "method": "another method",
    "labels_sha256": "other text in labels.csv, labelset.yaml or the kiosk itself",
    "encoder_sha256": "other weights of the network",
}
"""What has changed since, by the key of the built file that tells."""

PICTURES_KEY = "pictures_sha256"
"""The key under which the file says which of an artist's pictures it was built from."""

ROWS_TENSOR = "rows"
"""The tensor that tells which rows of labels.csv the file has, where it does not have all of them:
int64, ascending."""

HEADER_LENGTH = 8
"""Bytes before a safetensors file's header, which say how long it is."""

LARGEST_HEADER = 2**16
"""Bytes; that of two tensors has 500, and JSON takes many times its size in memory."""

LARGEST_NUMBER = 1e6
"""Of a built tensor; larger ones, and what is no number, would give scores that are none."""


class StaleBuildError(LabelSetError):
    """The built file is of other text or other labels than there are now: a build mends it."""


def expected_metadata(label_set: LabelSet, encoder: str | None = None) -> dict[str, str]:
    """Return what a built file says about itself: what it was built from, and the method.

    `encoder` is the SHA-256 of the encoder's weights.
    """
    expected = {
        "method": label_set.settings.method.name,
        "labels_sha256": label_set.fingerprint,
    }
    return expected if encoder is None else expected | {"encoder_sha256": encoder}


def checksum(file: Path) -> str:
    """Return the SHA-256 of the numbers in a safetensors file, and of where they stand.

    The words about them (`metadata`) take no part, as they hold this sum. Raises OSError, and
    ValueError where it is no such file.
    """
    digest = hashlib.sha256()
    with file.open("rb") as binary:
        length = int.from_bytes(binary.read(HEADER_LENGTH), "little")
        header = json.loads(binary.read(length))
        header.pop("__metadata__", None)
        digest.update(json.dumps(header, sort_keys=True).encode())
        while chunk := binary.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def open_built(label_set: LabelSet, framework: str, encoder: str | None = None) -> Iterator[Any]:
    """Open the built file, whose tensors come as those of `framework`: "pt" or "numpy".

    Raises LabelSetError where it is missing, damaged, or built from something else; without
    `encoder` it may have been built for any.
    """
    try:
        _check_header(label_set)
        with safe_open(label_set.built, framework=framework) as file:
            seen = file.metadata() or {}
            for key, expected in expected_metadata(label_set, encoder).items():
                if seen.get(key) != expected:
                    what = f"it was built for {_OTHER[key]} than there is now"
                    kind = StaleBuildError if key == "labels_sha256" else LabelSetError
                    raise misfit(label_set, what, kind)
            if seen.get("tensors_sha256") != checksum(label_set.built):
                raise misfit(label_set, "it is damaged (its numbers are not those that were built)")
            yield file
    except FileNotFoundError:
        raise misfit(label_set, "the label set is not built yet") from None
    except (SafetensorError, OSError):
        raise misfit(label_set, "it is damaged") from None


def read_metadata(label_set: LabelSet) -> dict[str, str]:
    """Return what the built file says about itself; raises LabelSetError as `opened` does."""
    with open_built(label_set, "numpy") as file:
        return dict(file.metadata())


def _check_header(label_set: LabelSet) -> None:
    """Raise LabelSetError where the built file's header is too long to be looked at."""
    with label_set.built.open("rb") as file:
        length = int.from_bytes(file.read(HEADER_LENGTH), "little")
    if length > LARGEST_HEADER:
        what = f"it is damaged (its header has {length} bytes, expected at most {LARGEST_HEADER})"
        raise misfit(label_set, what)


def read_tensors(
    label_set: LabelSet,
    encoder: str,
    kind: str,
    labels: Mapping[str, Sequence[int]],
    others: Mapping[str, Sequence[int]],
) -> dict[str, torch.Tensor]:
    """Return the built tensors of these names and shapes, all of a `kind` ("F16"), on the CPU.

    Those of `labels` have one such shape for each row, and come with the visible rows and then the
    background. All of that is checked before any number is read. `encoder` is the SHA-256 of the
    encoder's weights. Raises LabelSetError.
    """
    with open_built(label_set, "pt", encoder) as file:
        places = _places(label_set, file)
        shapes = dict(others) | {name: (len(places), *shape) for name, shape in labels.items()}
        for name, shape in shapes.items():
            if wrong := mismatch(file, name, kind, shape):
                raise misfit(label_set, wrong)
        tensors = {name: file.get_tensor(name) for name in shapes}
    for name, tensor in tensors.items():
        if not tensor.abs().max() <= LARGEST_NUMBER:  # what is no number is not smaller either
            what = f"the tensor '{name}' holds numbers beyond {LARGEST_NUMBER:,.0f}, or none"
            raise misfit(label_set, what)
    wanted = [places[row] for row in (*label_set.rows, *label_set.background)]
    return {name: of[wanted] if name in labels else of for name, of in tensors.items()}


def _places(label_set: LabelSet, file: Any) -> Mapping[int, int]:
    """Return where the file has each of its rows of labels.csv.

    Raises LabelSetError where it does not have all that the set shows.
    """
    if ROWS_TENSOR not in file.keys():  # noqa: SIM118  it is no mapping
        return {row: row for row in range(label_set.size)}
    shape = file.get_slice(ROWS_TENSOR).get_shape()
    count = shape[0] if len(shape) == 1 else 0
    if wrong := mismatch(file, ROWS_TENSOR, "I64", [min(count, label_set.size)]):
        raise misfit(label_set, wrong)
    rows = file.get_tensor(ROWS_TENSOR).tolist()
    if rows != sorted(set(rows) & set(range(label_set.size))):
        raise misfit(label_set, f"the tensor '{ROWS_TENSOR}' tells rows that cannot be")
    if missing := {*label_set.rows, *label_set.background} - set(rows):
        what = f"labels that were hidden when it was built are to be shown now ({len(missing):,})"
        raise misfit(label_set, what, StaleBuildError)
    return {row: place for place, row in enumerate(rows)}


def check_built(label_set: LabelSet) -> None:
    """Raise LabelSetError where a set that must be built is not, or not for what it says now.

    Whether it fits the network too is for `open_classifier`, which loads torch, to say.
    """
    if label_set.is_built:
        with open_built(label_set, "numpy") as file:
            _places(label_set, file)


def check_ready(label_set: LabelSet) -> None:
    """Raise LabelSetError as `check` does, and WeightsError where its network is not fetched."""
    check_built(label_set)
    if label_set.encoder not in (LITE, ""):
        weights.check_fetched(label_set.encoder, label_set.weights_folder)


def misfit(
    label_set: LabelSet, what: str, kind: type[LabelSetError] = LabelSetError
) -> LabelSetError:
    """Return the error that says `what` is wrong with the built file, and how it is built anew."""
    return kind(Mistake(display_path(label_set.built), what, label_set.build_remedy))
