"""What the table offers, brought into models/weights/ and given its name only when it is right.

A download grows in NAME.part and goes on from there when it was interrupted. Its size and SHA-256
are checked before it is renamed, so that a file with its proper name is always a whole one.
`fetched.yaml` beside the files says what each must be from then on.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from installation.errors import FetchError, KioskError, Mistake, display_path, ellipsize
from installation.making.atomic_write import give_name
from installation.making.fetching.catalogue import Hub, Item, Source
from installation.making.fetching.download import (
    Address,
    Cached,
    Limit,
    PassingError,
    copy,
    download,
    mistyped,
)
from installation.settings.paths import WEIGHTS

PART = ".part"
"""At the end of the name of what has not come whole."""

RECORD = "fetched.yaml"

RECORD_HEAD = """\
# Written by `kiosk fetch`: what each file was when it was fetched, and who said so. A file that is
# not pinned by the kiosk itself must stay what it was; to allow another, give its SHA-256 with
# --sha256.
"""

LARGEST_RECORD = 256 * 1024
"""Bytes of fetched.yaml; a thousand files' worth."""

LOOSE = 2
"""How many times the size that is only about known a file may have."""

LARGEST = 8_000_000_000
"""Bytes of a file whose size nobody has said; the largest of timm's networks with such a head,
resnetv2_152x4_bit.goog_in21k, has 4.4 GB of parameters."""

SHA256 = re.compile(r"[0-9a-f]{64}")

Voucher = Literal["table", "venue", "record", "hub", "first fetch"]
"""Who says what the SHA-256 must be: the table of the kiosk, --sha256, an earlier fetch as
fetched.yaml has it, Hugging Face at this moment, or nobody, and it is what came first."""


@dataclass(frozen=True)
class Effort:
    """How hard to try: attempts in a row that bring nothing, and seconds without an answer."""

    attempts: int = 5
    timeout_s: float = 30.0
    wait: Callable[[float], None] = time.sleep
    """Passes so many seconds between two attempts: 1, 2, 4, 8."""


ONCE = Effort(attempts=1, timeout_s=5.0)


@dataclass(frozen=True)
class Pin:
    """What a file must be, and who says so."""

    sha256: str
    by: Voucher


@dataclass(frozen=True)
class Fetched:
    """A file that is in models/weights/ and has been checked."""

    file: Path
    size: int
    """Bytes."""
    pin: Pin
    was_there: bool
    """Whether it was there already, and right."""


def fetch(
    item: Item,
    folder: Path = WEIGHTS,
    *,
    sha256: str | None = None,
    effort: Effort | None = None,
    say: Callable[[str], None],
) -> Fetched:
    """Bring `item` into `folder` unless it is there already, and return what is there.

    `sha256` is what a venue knows the file must have. Raises FetchError with a line for each source
    that was tried; what has come until then stays in `folder` for the next time.
    """
    pin = _pin(item, folder, sha256)
    fetched = _there(item, folder / item.file, pin)
    if fetched is None:
        _make_folder(folder)
        fetched = _persist(item, folder, pin, effort or Effort(), say)
    _write_down(folder, item, fetched)
    return fetched


def state(item: Item, folder: Path = WEIGHTS) -> str:
    """Return in a few words what is there of `item`; reads the whole file. Raises FetchError."""
    target = folder / item.file
    part = _part(target)
    if target.is_file():
        pin = _pin(item, folder, None)
        if pin is None:
            return "there, not checked"
        return "there" if digest(target) == pin.sha256 else "another file"
    if part.is_file():
        return f"begun, {part.stat().st_size / 1e6:,.1f} MB"
    return "not there"


def digest(file: Path) -> str:
    """Return the SHA-256 of a file; raises FetchError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as failure:
        what = f"it cannot be read ({failure.strerror})"
        raise FetchError(Mistake(display_path(file), what, "Mend or delete it.")) from None


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}{PART}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        what = f"the folder cannot be made ({failure.strerror})"
        remedy = "Give whoever runs the kiosk the right to write there."
        raise FetchError(Mistake(display_path(folder), what, remedy)) from None


def _pin(item: Item, folder: Path, sha256: str | None) -> Pin | None:
    """Return what the file must be as far as it is known before anybody is asked."""
    if sha256 is not None:
        wanted = sha256.strip().lower()
        if not SHA256.fullmatch(wanted):
            what = f"'{ellipsize(sha256)}' is no SHA-256 (expected 64 digits from 0 to f)"
            raise FetchError(Mistake("--sha256", what, "Copy it whole."))
        if item.sha256 not in (None, wanted):
            what = f"{item.name} is pinned to {item.sha256}, and this is another"
            raise FetchError(Mistake("--sha256", what, "Leave it out."))
        return Pin(wanted, "venue")
    if item.sha256 is not None:
        return Pin(item.sha256, "table")
    entry = _recorded(folder).get(item.file)
    return Pin(str(entry["sha256"]), "record") if entry else None


def _there(item: Item, target: Path, pin: Pin | None) -> Fetched | None:
    """Return the file where it is there already and known to be right without asking anybody."""
    if not target.is_file():
        return None
    seen = digest(target)
    if pin is None and item.read is not None and not _mistakes_of_form(item, target):
        pin = Pin(seen, "first fetch")
    if pin is None or seen != pin.sha256:
        return None
    return Fetched(target, target.stat().st_size, pin, was_there=True)


def _persist(
    item: Item, folder: Path, pin: Pin | None, effort: Effort, say: Callable[[str], None]
) -> Fetched:
    """Bring the file from one of its sources, with as many attempts in a row as `effort` says."""
    part = _part(folder / item.file)
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        mistakes: list[Mistake] = []
        passing = False
        for source in item.sources:
            try:
                return _attempt(item, source, folder, pin, effort.timeout_s, say)
            except FetchError as error:
                mistakes += error.mistakes
                passing |= isinstance(error, PassingError)
        grown = part.exists() and part.stat().st_size > before
        failures = 1 if grown else failures + 1
        if not passing or failures >= effort.attempts:
            raise FetchError(*mistakes)
        pause_s = 2.0 ** (failures - 1)
        say(f"{item.name}: {mistakes[0].what}; trying again in {pause_s:g} s")
        effort.wait(pause_s)


def _attempt(
    item: Item,
    source: Source,
    folder: Path,
    pin: Pin | None,
    timeout_s: float,
    say: Callable[[str], None],
) -> Fetched:
    """Bring the file from `source`, check it, and give it its name."""
    where = f"kiosk fetch {item.name}"
    target = folder / item.file
    part = _part(target)
    found = _locate(source, timeout_s, where)
    pin = _agree(source, pin, found.sha256, where)
    if pin is not None and target.is_file() and digest(target) == pin.sha256:
        return Fetched(target, target.stat().st_size, pin, was_there=True)
    if isinstance(found, Cached) and pin is not None and digest(found.file) != pin.sha256:
        found = _elsewhere(item, found, pin, where, say)
    if pin is None:
        # What is begun anew cannot be a mixture of two files.
        part.unlink(missing_ok=True)
    resumed = part.exists()
    if isinstance(found, Cached):
        copy(found.file, part, where)
    else:
        download(found, part, _limit(item, found, where), timeout_s, where)
    seen = digest(part)
    if pin is not None and seen != pin.sha256:
        part.unlink()
        what = f"what came from {source} is another file "
        what += f"(SHA-256 {seen}; expected {pin.sha256}, {SAYS[pin.by]})"
        kind = PassingError if resumed else FetchError
        raise kind(Mistake(where, what, MENDS[pin.by]))
    if mistakes := _mistakes_of_form(item, part):
        part.unlink()
        raise FetchError(
            *(Mistake(where, mistake.what, MENDS["first fetch"]) for mistake in mistakes)
        )
    size = part.stat().st_size
    if target.is_file() and (old := digest(target)) != seen:
        say(f"{item.name}: {display_path(target)} is another file, SHA-256 {old}; it is replaced")
    _give_name(part, target, where)
    return Fetched(target, size, pin or Pin(seen, "first fetch"), was_there=False)


def _elsewhere(
    item: Item, cached: Cached, pin: Pin, where: str, say: Callable[[str], None]
) -> Address:
    """Return where the file is beside a cache that holds another; raises FetchError if nowhere."""
    what = f"{display_path(cached.file)} is damaged or another file "
    what += f"(expected SHA-256 {pin.sha256}, {SAYS[pin.by]})"
    if cached.elsewhere is None:
        remedy = "Delete it, and run this again with a network and without HF_HUB_OFFLINE."
        raise FetchError(Mistake(where, what, remedy))
    say(f"{item.name}: {what}; it is fetched from the network")
    return cached.elsewhere


def _locate(source: Source, timeout_s: float, where: str) -> Address | Cached:
    if isinstance(source, Hub):
        try:
            from installation.making.fetching import hub
        except ValueError as error:  # Hugging Face's library judges HF_ENDPOINT at its import
            raise mistyped(where, str(error)) from None
        return hub.locate(source, timeout_s, where)
    return Address(source.url)


def _agree(source: Source, pin: Pin | None, stated: str | None, where: str) -> Pin | None:
    """Return what the file must be, now that its source has been asked and has `stated` it.

    Raises FetchError where the source has another file, before any of it is fetched.
    """
    if pin is None:
        if stated is None and isinstance(source, Hub):
            what = "neither Hugging Face nor the kiosk says which SHA-256 this file must have"
            raise FetchError(Mistake(where, what, "Find out what it is; give it with --sha256."))
        return Pin(stated, "hub") if stated else None
    if stated not in (None, pin.sha256):
        what = f"{source} is another file now (SHA-256 {stated}; expected {pin.sha256}, "
        raise FetchError(Mistake(where, f"{what}{SAYS[pin.by]})", MENDS[pin.by]))
    return pin


SAYS: dict[Voucher, str] = {
    "table": "as the kiosk pins it",
    "venue": "as --sha256 says",
    "record": f"as it was when it was first fetched ({RECORD})",
    "hub": "as Hugging Face states it; nobody else vouches for it",
    "first fetch": "as it came; nobody vouches for it, but its form is right",
}
"""For the end of a sentence."""

MENDS: dict[Voucher, str] = {
    "table": "Fetch it over another network, or take a newer kiosk, which may know the new file.",
    "venue": "Check the figure with whoever gave it.",
    "record": "If the new file is to be trusted, give its SHA-256 with --sha256.",
    "hub": "Fetch it over another network.",
    "first fetch": "Fetch it over another network.",
}


def _mistakes_of_form(item: Item, file: Path) -> tuple[Mistake, ...]:
    """Return why the file cannot be what it should be, as far as its form tells."""
    if item.read is None:
        return ()
    try:
        item.read(file)
    except KioskError as error:
        return error.mistakes
    return ()


def _limit(item: Item, found: Address, where: str) -> Limit:
    """Return how long the file may become: exactly what is known, or not much more."""
    stated = found.size
    if item.sha256 is not None and item.size is not None:
        if stated not in (None, item.size):
            what = f"its source has {stated:,} bytes (expected {item.size:,})"
            raise FetchError(Mistake(where, what, MENDS["table"]))
        return Limit(item.size, exact=True)
    most = LARGEST if item.size is None else LOOSE * item.size
    if stated is None:
        return Limit(most, exact=False)
    if stated > most:
        what = f"its source has {stated:,} bytes (expected at most {most:,})"
        raise FetchError(Mistake(where, what, "Look whether this is the network you mean."))
    return Limit(stated, exact=True)


def _give_name(part: Path, target: Path, where: str) -> None:
    """Give what has come its name in one step, once all of it is on the disk."""
    try:
        give_name(part, target)
    except OSError as failure:
        what = f"{display_path(target)} cannot be written ({failure.strerror})"
        raise FetchError(Mistake(where, what, "Mend what is in the way.")) from None


def _recorded(folder: Path) -> dict[str, dict[str, object]]:
    """Return what earlier fetches wrote down, by file; raises FetchError where it is damaged."""
    file = folder / RECORD
    if not file.exists():
        return {}
    try:
        with file.open("rb") as opened:
            entries = yaml.safe_load(opened.read(LARGEST_RECORD))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        entries = None
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        what = "it cannot be read (expected what `kiosk fetch` wrote there)"
        remedy = "Delete it; the next fetch writes a new one and takes Hugging Face's word again."
        raise FetchError(Mistake(display_path(file), what, remedy))
    return entries


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    sha256 = entry.get("sha256")
    return isinstance(sha256, str) and SHA256.fullmatch(sha256) is not None


def _write_down(folder: Path, item: Item, fetched: Fetched) -> None:
    """Write into fetched.yaml what the file is, for the next time."""
    entries = _recorded(folder)
    if entries.get(item.file, {}).get("sha256") == fetched.pin.sha256:
        return
    entries[item.file] = {
        "name": item.name,
        "sha256": fetched.pin.sha256,
        "bytes": fetched.size,
        "sources": [str(source) for source in item.sources],
        "vouched": SAYS[fetched.pin.by],
    }
    file = folder / RECORD
    new = file.with_name(f"{RECORD}{PART}")
    try:
        new.write_text(RECORD_HEAD + yaml.safe_dump(entries, sort_keys=True), encoding="utf-8")
        new.replace(file)
    except OSError as failure:
        what = f"it cannot be written ({failure.strerror})"
        raise FetchError(Mistake(display_path(file), what, "Mend what is in the way.")) from None
