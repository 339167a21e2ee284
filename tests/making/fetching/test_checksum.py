from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from installation.errors import FetchError, Mistake
from installation.making.fetching.checksum import (
    RECORD,
    check_sha256,
    compute_sha256,
    parse_sha256,
    read_record,
    record_sha256,
)

SHA256 = hashlib.sha256(b"weights").hexdigest()


def test_the_checksum_is_that_of_the_bytes(tmp_path: Path) -> None:
    """The SHA-256 of a file is computed from its content."""
    file = tmp_path / "net.bin"
    file.write_bytes(b"weights")
    assert compute_sha256(file) == SHA256


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """If a file cannot be read, the message names that file and the system's reason."""
    file = tmp_path / "net.bin"
    file.symlink_to("/proc/self/mem")
    with pytest.raises(FetchError, match=r"net.bin: the file cannot be read \(Input/output"):
        compute_sha256(file)


def test_a_checksum_may_be_typed_in_capitals() -> None:
    """--sha256 accepts upper and lower case, and refuses text that is too short."""
    assert parse_sha256(f" {SHA256.upper()}\n") == SHA256
    with pytest.raises(
        FetchError, match=r"'abc' is not a SHA-256 \(expected 64 hexadecimal digits"
    ):
        parse_sha256("abc")


def test_another_file_is_refused_with_both_checksums() -> None:
    """The message has the value seen and the value expected; an equal checksum is no mistake."""
    mistake = Mistake("here", "another file was sent", "Try again.")
    check_sha256(SHA256, SHA256, mistake)
    with pytest.raises(FetchError) as caught:
        check_sha256("0" * 64, SHA256, mistake)
    assert str(caught.value) == (
        f"here: another file was sent (SHA-256 {'0' * 64}, expected {SHA256}). Try again."
    )


def test_the_record_keeps_the_checksum_of_every_file(tmp_path: Path) -> None:
    """A checksum is read back as it was recorded, and a later one of the same file replaces it."""
    assert read_record(tmp_path) == {}
    record_sha256(tmp_path, "a.bin", "0" * 64)
    record_sha256(tmp_path, "b.bin", SHA256)
    record_sha256(tmp_path, "a.bin", SHA256)
    assert read_record(tmp_path) == {"a.bin": SHA256, "b.bin": SHA256}


@pytest.mark.parametrize(
    "content", ["[", "- 1", "thing.bin: {sha256: 5}", "a: b", "a: {sha256: x}", "\0"]
)
def test_a_damaged_record_is_an_error(tmp_path: Path, content: str) -> None:
    """A fetched.yaml that cannot be read is named, and not ignored."""
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(FetchError, match=r"fetched\.yaml: the file cannot be read"):
        read_record(tmp_path)
