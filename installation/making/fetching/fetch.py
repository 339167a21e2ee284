"""Downloads a file of the catalogue to models/weights/, and checks its SHA-256.

A download is written to NAME.part and resumes there after an interruption. The file is renamed to
NAME after the check, so a file called NAME is always complete. `fetched.yaml` in the same folder
records the SHA-256 that each file must have in later fetches.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from installation.errors import FetchError, KioskError, Mistake, display_path
from installation.making.atomic_write import rename_synced, write_errors
from installation.making.fetching.catalogue import HubFile, Item, WebFile
from installation.making.fetching.checksum import (
    check_sha256,
    compute_sha256,
    parse_sha256,
    read_record,
    record_sha256,
)
from installation.making.fetching.download import Address, TemporaryError, download, network_errors
from installation.settings.paths import WEIGHTS

TOLERANCE = 2
"""The largest size of a download, as a multiple of the approximate size in the catalogue."""

LARGEST = 8_000_000_000
"""The largest download, bytes, if a file's size is not known beforehand. The largest of timm's
networks with an ImageNet-21k head, resnetv2_152x4_bit.goog_in21k, has 4.4 GB of parameters.
"""


@dataclass(frozen=True)
class Fetched:
    """A file in models/weights/ that has been checked."""

    file: Path
    sha256: str
    was_present: bool
    """Whether the file was already present, so that nothing was fetched."""


@dataclass(frozen=True)
class Fetch:
    """The fetching of one file.

    Args:
        item: The item of the catalogue to fetch.
        folder: The folder of the weights; created if it is missing.
        attempts: The fetch fails after this many attempts in a row that bring no new byte.
        timeout_s: The most seconds without an answer from the server.
        wait: Called before each further attempt with the seconds to wait: 1, 2, 4, 8.
        log: Called with a sentence for each failed attempt and each replaced file.

    """

    item: Item
    folder: Path = WEIGHTS
    attempts: int = 5
    timeout_s: float = 30.0
    wait: Callable[[float], None] = time.sleep
    log: Callable[[str], None] = lambda _: None

    @property
    def _where(self) -> str:
        return f"kiosk fetch {self.item.name}"

    @property
    def _target(self) -> Path:
        return self.folder / self.item.file

    @property
    def _part(self) -> Path:
        return self.folder / f"{self.item.file}.part"

    def run(self, sha256: str | None = None) -> Fetched:
        """Return the file; if it is not present, it is fetched first.

        `sha256` is the SHA-256 that the venue states, if any.

        Raises FetchError with the mistakes of all origins that were tried. The bytes that have
        arrived are kept for the next run, unless they are found to be wrong.
        """
        sha256 = self._known_sha256(sha256)
        fetched = self._present(sha256)
        if fetched is None:
            with write_errors(self.folder, FetchError):
                self.folder.mkdir(parents=True, exist_ok=True)
            fetched = self._persist(sha256)
        record_sha256(self.folder, self.item.file, fetched.sha256)
        return fetched

    def state(self) -> str:
        """Return in a few words whether the file is present, and whether it is the right file.

        Hashes the whole file if the kiosk knows its SHA-256. Raises FetchError.
        """
        if not self._target.is_file():
            if not self._part.is_file():
                return "missing"
            return f"incomplete ({self._part.stat().st_size / 1e6:,.1f} MB downloaded)"
        sha256 = self._known_sha256(None)
        if sha256 is None:
            return "present, not checked"
        return "present" if compute_sha256(self._target) == sha256 else "another file"

    def _known_sha256(self, given: str | None) -> str | None:
        """Return the SHA-256 that the file must have; None if the kiosk knows none.

        Raises FetchError if `given` is not a SHA-256, or not the pinned one.
        """
        pinned = self.item.sha256
        if given is None:
            return pinned or read_record(self.folder).get(self.item.file)
        wanted = parse_sha256(given)
        if pinned not in (None, wanted):
            problem = f"{self.item.name} is pinned to another SHA-256, {pinned}"
            raise FetchError(Mistake("--sha256", problem, "Run the command without --sha256."))
        return wanted

    def _present(self, sha256: str | None) -> Fetched | None:
        """Return the file if it is present and valid; otherwise None.

        It is valid if it has `sha256` or, if that is None, the right format.
        """
        if not self._target.is_file():
            return None
        actual = compute_sha256(self._target)
        if sha256 is None and self.item.check_format and not self._format_mistakes(self._target):
            sha256 = actual
        return Fetched(self._target, actual, was_present=True) if actual == sha256 else None

    def _persist(self, sha256: str | None) -> Fetched:
        """Return the file, fetched from the first origin that succeeds.

        All origins are tried again after a temporary error. Raises FetchError after an error that
        is not temporary, or after `attempts` attempts in a row that bring no new bytes.
        """
        failures = 0
        while True:
            before = self._part.stat().st_size if self._part.exists() else 0
            errors: list[FetchError] = []
            for origin in self.item.origins:
                try:
                    return self._attempt(origin, sha256)
                except FetchError as error:
                    errors.append(error)
            has_grown = self._part.exists() and self._part.stat().st_size > before
            failures = 1 if has_grown else failures + 1
            is_temporary = any(isinstance(error, TemporaryError) for error in errors)
            if not is_temporary or failures >= self.attempts:
                mistakes = [mistake for error in errors for mistake in error.mistakes]
                if is_temporary and not before and not self._part.exists():
                    mistakes.append(self._by_hand())
                raise FetchError(*mistakes)
            pause_s = 2.0 ** (failures - 1)
            problem = errors[0].mistakes[0].problem
            self._log(f"{problem}; next attempt in {pause_s:g} s")
            self.wait(pause_s)

    def _attempt(self, origin: HubFile | WebFile, sha256: str | None) -> Fetched:
        """Fetch the file from `origin`, check it, rename it, and return it. Raises FetchError."""
        address = self._locate(origin)
        if sha256 is not None and address.sha256 is not None:
            problem = f"the file at {origin} has changed"
            check_sha256(address.sha256, sha256, self._other_file(problem))
        sha256 = sha256 or address.sha256
        if sha256 is None and isinstance(origin, HubFile):
            problem = "neither Hugging Face nor the kiosk knows the SHA-256 of this file"
            remedy = "Find out the SHA-256, and pass it with --sha256."
            raise FetchError(Mistake(self._where, problem, remedy))
        if sha256 is None:
            self._part.unlink(missing_ok=True)  # or it could become a mixture of two files
        elif present := self._present(sha256):
            return present
        resumed = self._part.exists()
        self._complete(address, sha256)
        actual = compute_sha256(self._part)
        try:
            problem = f"{origin} sent a different file"
            check_sha256(actual, sha256 or actual, self._other_file(problem))
        except FetchError as error:
            self._part.unlink()
            raise TemporaryError(*error.mistakes) if resumed else error from None
        if mistakes := self._format_mistakes(self._part):
            self._part.unlink()
            remedy = "Try another internet connection."
            raise FetchError(
                *(Mistake(self._where, mistake.problem, remedy) for mistake in mistakes)
            )
        if self._target.is_file() and (old := compute_sha256(self._target)) != actual:
            self._log(f"replacing {display_path(self._target)}, whose SHA-256 was {old}")
        with write_errors(self._target, FetchError):
            rename_synced(self._part, self._target)
        return Fetched(self._target, actual, was_present=False)

    def _by_hand(self) -> Mistake:
        """Return the `Mistake` to report if the file could not be downloaded from any address.

        Its remedy is to download the file on another computer, and to copy it from a USB stick.
        """
        problem = "the download failed from every address"
        remedy = (
            f"Or download {self.item.origins[-1]} on another computer, and copy it from a USB "
            f"stick to {display_path(self._target)}."
        )
        return Mistake(self._where, problem, remedy)

    def _log(self, sentence: str) -> None:
        self.log(f"{self.item.name}: {sentence}")

    def _locate(self, origin: HubFile | WebFile) -> Address:
        if isinstance(origin, WebFile):
            return Address(origin.url)
        with network_errors(self._where):  # huggingface_hub parses HF_ENDPOINT at its import
            from installation.making.fetching import hub
        return hub.locate(origin, self.timeout_s, self._where)

    def _other_file(self, problem: str) -> Mistake:
        remedy = "Try another internet connection or a newer version of the kiosk."
        if self.item.sha256 is None:
            remedy = "If you trust the new file, give its SHA-256 with --sha256."
        return Mistake(self._where, problem, remedy)

    def _complete(self, address: Address, sha256: str | None) -> None:
        """Complete the partial file, from the cache or by downloading the missing bytes.

        Raises FetchError.
        """
        if self._part.is_file() and compute_sha256(self._part) == sha256:
            return
        if address.cached is not None:
            if compute_sha256(address.cached) == sha256:
                with write_errors(self._part, FetchError):
                    shutil.copyfile(address.cached, self._part)
                return
            problem = f"{display_path(address.cached)} is damaged or not the right file "
            problem += f"(expected SHA-256 {sha256})"
            if address.url is None:
                remedy = "Delete it, and run this again, online and without HF_HUB_OFFLINE."
                raise FetchError(Mistake(self._where, problem, remedy))
            self._log(f"{problem}; the file is fetched from the internet instead")
        if self.item.sha256 and self.item.size:
            limit = self.item.size
        else:
            most = self.item.size * TOLERANCE if self.item.size else LARGEST
            limit = min(most, address.size or most)
        download(address, self._part, limit, self.timeout_s, self._where)

    def _format_mistakes(self, file: Path) -> tuple[Mistake, ...]:
        try:
            if self.item.check_format:
                self.item.check_format(file)
        except KioskError as error:
            return error.mistakes
        return ()
