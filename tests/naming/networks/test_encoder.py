from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from installation.naming.networks.encoder import BATCH, fingerprint, in_parts


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 1])
def test_a_batch_goes_through_the_network_in_parts(count: int) -> None:
    """No part has more than BATCH crops, and the rows keep their order; no crop gives no row."""
    parts: list[int] = []

    def double(part: torch.Tensor) -> torch.Tensor:
        parts.append(len(part))
        return 2 * part.half()

    batch = torch.arange(3.0 * count).reshape(count, 3)
    output = in_parts(double, batch, 3)
    assert output.dtype == torch.float32
    assert torch.equal(output, 2 * batch)
    assert sum(parts) == count
    assert max(parts, default=0) <= BATCH


def test_a_fingerprint_is_the_sha_256_of_the_file(tmp_path: Path) -> None:
    """The fingerprint of weights changes with any byte of their file."""
    file = tmp_path / "weights"
    file.write_bytes(b"numbers")
    assert fingerprint(file) == hashlib.sha256(b"numbers").hexdigest()
