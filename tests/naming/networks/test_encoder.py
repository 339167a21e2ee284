from __future__ import annotations

import hashlib
from pathlib import Path

from installation.naming.networks.encoder import fingerprint


def test_a_fingerprint_is_the_sha_256_of_the_file(tmp_path: Path) -> None:
    """The fingerprint of weights changes with any byte of their file."""
    file = tmp_path / "weights"
    file.write_bytes(b"numbers")
    assert fingerprint(file) == hashlib.sha256(b"numbers").hexdigest()
