"""Reads the files of a network only if they have the pinned SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from installation.errors import Mistake, WeightsError


def read_pinned(file: Path, sha256: str, remedy: str) -> bytes:
    """Return the content of `file` after checking that its SHA-256 is `sha256`.

    Raises WeightsError with `remedy` if the file is missing or truncated, or is another file.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(
            Mistake(str(file), f"the file cannot be read ({error.strerror})", remedy)
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        problem = (
            f"the file is truncated or not the expected one (SHA-256 {digest}, "
            f"{len(data)} bytes; expected {sha256})"
        )
        raise WeightsError(Mistake(str(file), problem, remedy))
    return data
