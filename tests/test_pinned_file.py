from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from installation.errors import WeightsError
from installation.pinned_file import read_pinned

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_the_pinned_file_is_read(tmp_path: Path) -> None:
    """A file with the pinned SHA-256 is returned byte for byte."""
    file = tmp_path / "net.pt"
    file.write_bytes(CONTENT)
    assert read_pinned(file, SHA256, "Fetch it again.") == CONTENT


def test_another_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    """The message has the value seen, the value expected, and the remedy."""
    file = tmp_path / "net.pt"
    file.write_bytes(b"other")
    with pytest.raises(WeightsError, match=r"net\.pt: .*5 bytes.*Fetch it again\.") as caught:
        read_pinned(file, SHA256, "Fetch it again.")
    assert SHA256 in str(caught.value)
    assert hashlib.sha256(b"other").hexdigest() in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The operating system's reason is given in one line, with the remedy."""
    with pytest.raises(WeightsError, match=r"net\.pt: .*cannot be read.*Fetch it again\."):
        read_pinned(tmp_path / "net.pt", SHA256, "Fetch it again.")
