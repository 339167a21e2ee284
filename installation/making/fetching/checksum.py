"""Computes, compares and records the SHA-256 of fetched files; the record is fetched.yaml."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import yaml

from installation.errors import FetchError, Mistake, display_path, ellipsize
from installation.making.atomic_write import replacing

RECORD = "fetched.yaml"
"""The file in the folder of the weights that records the SHA-256 of each weights file."""

RECORD_HEAD = """\
# Written by `kiosk fetch`. A file that the kiosk does not pin must keep the SHA-256 recorded here;
# to allow another file, give its SHA-256 with --sha256.
"""

SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 in lower-case hexadecimal."""


def compute_sha256(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; raises FetchError if it cannot be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as failure:
        problem = f"the file cannot be read ({failure.strerror})"
        raise FetchError(Mistake(display_path(file), problem, "Repair or delete it.")) from None


def parse_sha256(text: str) -> str:
    """Return the value of --sha256 in lower case; raises FetchError if it is not a SHA-256."""
    sha256 = text.strip().lower()
    if not SHA256_PATTERN.fullmatch(sha256):
        problem = f"'{ellipsize(text)}' is not a SHA-256 (expected 64 hexadecimal digits)"
        raise FetchError(Mistake("--sha256", problem, "Copy the whole SHA-256."))
    return sha256


def check_sha256(actual: str, expected: str, mistake: Mistake) -> None:
    """Raise FetchError with `mistake` and both values if `actual` is not `expected`."""
    if actual != expected:
        problem = f"{mistake.problem} (SHA-256 {actual}, expected {expected})"
        raise FetchError(Mistake(mistake.where, problem, mistake.remedy))


def read_record(folder: Path) -> dict[str, str]:
    """Return the recorded SHA-256 of each fetched file in `folder`, keyed by the file's name.

    Raises FetchError if the record cannot be read.
    """
    file = folder / RECORD
    if not file.exists():
        return {}
    try:
        entries = yaml.safe_load(file.read_bytes())
        found = {str(name): entry["sha256"] for name, entry in entries.items()}
        if all(SHA256_PATTERN.fullmatch(sha256) for sha256 in found.values()):
            return found
    except (
        OSError,
        ValueError,
        RecursionError,
        yaml.YAMLError,
        AttributeError,
        TypeError,
        KeyError,
    ):
        pass
    problem = "the file cannot be read (expected the record that `kiosk fetch` wrote)"
    remedy = "Delete it; the next fetch writes a new one, and takes the SHA-256 from Hugging Face."
    raise FetchError(Mistake(display_path(file), problem, remedy))


def record_sha256(folder: Path, name: str, sha256: str) -> None:
    """Record in `folder` the SHA-256 that the file `name` must have in later fetches."""
    recorded = read_record(folder)
    if recorded.get(name) != sha256:
        entries = {file: {"sha256": sha} for file, sha in (recorded | {name: sha256}).items()}
        text = RECORD_HEAD + yaml.safe_dump(entries, sort_keys=True)
        with replacing(folder / RECORD, FetchError) as file:
            file.write_text(text, encoding="utf-8")
