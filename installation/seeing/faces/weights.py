"""Network weights as they were pinned."""

from __future__ import annotations

import hashlib
from pathlib import Path

from installation.errors import Mistake, WeightsError


def pinned(file: Path, sha256: str, remedy: str) -> bytes:
    """Return the bytes of `file`, which are the ones that were pinned.

    Raises WeightsError where the file is missing, truncated or another one, with `remedy`.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(
            Mistake(str(file), f"the weights cannot be read ({error.strerror})", remedy)
        ) from None
    seen = hashlib.sha256(data).hexdigest()
    if seen != sha256:
        what = (
            f"the weights are truncated or not the ones that were pinned (SHA-256 {seen}, "
            f"{len(data)} bytes; expected {sha256})"
        )
        raise WeightsError(Mistake(str(file), what, remedy))
    return data
