from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import yaml

from installation.errors import FetchError, LabelSetError, Mistake
from installation.making.fetching.catalogue import WebFile
from tests.support.fetching import CONTENT, OTHER, SHA256, Venue, open_venue
from tests.support.server import Deny, Drop, Fault, Refuse, Send

HALF = len(CONTENT) // 2


@pytest.fixture
def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    """Return a venue whose server has the file."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with open_venue(tmp_path) as venue:
        yield venue


def test_a_fetched_file_has_the_servers_bytes(venue: Venue) -> None:
    """A fetch leaves the file, readable for all, and the record, and nothing unfinished."""
    fetched = venue.fetch()
    assert fetched.file.read_bytes() == CONTENT
    assert (fetched.sha256, fetched.was_present) == (SHA256, False)
    assert sorted(os.listdir(venue.folder)) == ["fetched.yaml", "thing.bin"]
    assert fetched.file.stat().st_mode & 0o777 == 0o644
    assert not venue.pauses


def test_a_second_fetch_needs_no_network(venue: Venue) -> None:
    """A file that is present and valid causes no request."""
    venue.fetch()
    venue.server.requests.clear()
    assert venue.fetch().was_present
    assert venue.server.requests == []


def test_without_a_network_a_fetch_says_what_to_carry_on_a_stick(venue: Venue) -> None:
    """The message has the file's origin, and the name that it must have here."""
    venue.server.faults.extend([Refuse(503)] * 9)
    with pytest.raises(FetchError) as caught:
        venue.fetch(attempts=1)
    message = str(caught.value)
    assert f"Or download {venue.server.url}/thing on another computer" in message
    assert "thing.bin" in message


def test_a_pinned_file_from_a_stick_is_accepted(venue: Venue) -> None:
    """A venue without a network copies a pinned file into its place, and the kiosk checks it."""
    venue.put(CONTENT)
    assert venue.fetch().was_present
    assert venue.server.requests == []


def test_another_file_in_its_place_is_replaced_and_logged(venue: Venue) -> None:
    """A wrong file under the right name is replaced, and this is logged."""
    venue.put(OTHER)
    venue.fetch()
    assert venue.file.read_bytes() == CONTENT
    (line,) = venue.log
    assert line.endswith(f", whose SHA-256 was {hashlib.sha256(OTHER).hexdigest()}")


@pytest.mark.parametrize(("present", "lines"), [(OTHER, 1), (CONTENT, 0)], ids=["other", "same"])
def test_an_unpinned_file_is_replaced_and_logged(venue: Venue, present: bytes, lines: int) -> None:
    """At the first fetch of an unpinned file, a file in its place is replaced and logged."""
    venue.put(present)
    assert not venue.fetch(replace(venue.item, sha256=None)).was_present
    assert venue.file.read_bytes() == CONTENT
    assert len([line for line in venue.log if "replacing " in line]) == lines


@pytest.mark.parametrize(
    ("faults", "ranges", "pauses"),
    [
        ([Drop(HALF)], [None, f"bytes={HALF}-"], [1.0]),
        ([Drop(1000), Drop(2000)], [None, "bytes=1000-", "bytes=3000-"], [1.0, 1.0]),
        ([Refuse(503), Refuse(429), Refuse(500)], [None] * 4, [1.0, 2.0, 4.0]),
        ([Drop(HALF), Deny("whole")], [None, f"bytes={HALF}-"], [1.0]),
        ([Drop(HALF), Deny("other part")], [None, f"bytes={HALF}-", None], [1.0, 2.0]),
        ([Drop(HALF), Deny("not at all")], [None, f"bytes={HALF}-", None], [1.0, 2.0]),
    ],
    ids=["drop", "two drops", "busy", "ignores Range", "wrong Range", "refuses Range"],
)
def test_a_temporary_failure_is_tried_again(
    venue: Venue, faults: list[Fault], ranges: list[str | None], pauses: list[float]
) -> None:
    """After a temporary failure the download is tried again, and resumes if the server allows it.

    The pause before an attempt is 1 s after progress, and doubles while there is none.
    """
    venue.server.faults.extend(faults)
    assert venue.fetch().file.read_bytes() == CONTENT
    assert venue.server.ranges() == ranges
    assert venue.pauses == pauses
    assert len(venue.log) == len(pauses)


def test_five_attempts_without_progress_are_an_error(venue: Venue) -> None:
    """A server that stays busy is asked five times."""
    venue.server.faults.extend([Refuse(503)] * 9)
    message = venue.refuses()
    assert "answered 503 (Service Unavailable). Try again later." in message
    assert venue.pauses == [1.0, 2.0, 4.0, 8.0]


def test_an_interrupted_download_resumes_at_the_next_command(venue: Venue) -> None:
    """The bytes that an interrupted command has fetched are not fetched again by the next one."""
    venue.server.faults.append(Drop(HALF))
    with pytest.raises(FetchError, match="Check the internet connection"):
        venue.fetch(attempts=1)
    assert venue.part.read_bytes() == CONTENT[:HALF]
    assert venue.state() == "incomplete (0.5 MB downloaded)"
    venue.fetch()
    assert venue.server.ranges() == [None, f"bytes={HALF}-"]


def test_a_complete_download_without_its_name_is_not_repeated(venue: Venue) -> None:
    """If all bytes had arrived before a command ended, the next one only checks them."""
    venue.folder.mkdir(parents=True)
    venue.part.write_bytes(CONTENT)
    venue.fetch()
    assert venue.file.read_bytes() == CONTENT
    assert venue.server.requests == []


@pytest.mark.parametrize("how", ["other part", "not at all"])
def test_if_a_server_does_not_resume_the_next_command_starts_over(
    venue: Venue, how: Literal["other part", "not at all"]
) -> None:
    """A last attempt that cannot resume says that the next command starts from the beginning."""
    venue.folder.mkdir(parents=True)
    venue.part.write_bytes(CONTENT[:HALF])
    venue.server.faults.append(Deny(how))
    with pytest.raises(FetchError, match=r"the download then starts from the beginning\.$"):
        venue.fetch(attempts=1)
    assert venue.fetch().file.read_bytes() == CONTENT
    assert venue.server.ranges() == [f"bytes={HALF}-", None]


@pytest.mark.parametrize("begun", [OTHER[:HALF], OTHER, OTHER + b"more"])
def test_the_beginning_of_another_file_is_deleted(venue: Venue, begun: bytes) -> None:
    """If the partial file belongs to another file, the download starts over and succeeds."""
    venue.folder.mkdir(parents=True)
    venue.part.write_bytes(begun)
    assert venue.fetch().file.read_bytes() == CONTENT
    assert len(venue.pauses) <= 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Send(OTHER),
            f"expected {SHA256}). Try another internet connection or a newer",
        ),
        (Send(CONTENT + b"x"), "the file has 1,048,577 bytes (expected at most 1,048,576)"),
        (Send(CONTENT + b"x", silent=True), "has more than 1,048,576 bytes (expected at most"),
        (
            Send(CONTENT[:99]),
            f"sent a different file (SHA-256 {hashlib.sha256(CONTENT[:99]).hexdigest()}",
        ),
        (Refuse(404), "answered 404 (Not Found). Check HF_ENDPOINT"),
        (Refuse(403), "answered 403 (Forbidden). Check"),
        (Refuse(407), "answered 407 (Proxy Authentication Required). Check HF_ENDPOINT and the"),
        (Refuse(400), "answered 400 (Bad Request). Check"),
        (Refuse(499), "answered 499 (). Check"),
    ],
    ids=["bytes", "too long", "endless", "too short", "404", "403", "407", "400", "unknown"],
)
def test_a_wrong_file_never_gets_the_name(venue: Venue, fault: Fault, message: str) -> None:
    """A file with wrong bytes or a wrong length, or a refusal, is an error and not tried again."""
    venue.server.faults.append(fault)
    assert message in venue.refuses()
    assert venue.pauses == []
    assert not venue.part.exists()
    assert venue.fetch().file.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_named(venue: Venue) -> None:
    """If a file is in the place of the folder, the message names it."""
    venue.folder.parent.mkdir()
    venue.folder.write_text("a file")
    assert "weights: it cannot be written (File exists)" in venue.refuses()


def test_the_next_origin_is_tried(venue: Venue) -> None:
    """If the first origin has no such file, the second is asked; an error names both."""
    first = WebFile(f"{venue.server.url}/gone")
    item = replace(venue.item, origins=(first, *venue.item.origins))
    assert venue.fetch(item).file.read_bytes() == CONTENT
    venue.file.unlink()
    venue.server.files.clear()
    assert len(venue.refuses(item).splitlines()) == 2


def test_a_venue_states_what_an_unpinned_file_must_be(venue: Venue) -> None:
    """With --sha256 a file that the kiosk does not pin must be what the venue states."""
    item = replace(venue.item, sha256=None)
    assert f"expected {'0' * 64}" in venue.refuses(item, sha256="0" * 64)
    assert venue.fetch(item, sha256=SHA256.upper()).sha256 == SHA256


@pytest.mark.parametrize(
    ("sha256", "message"),
    [("abc", "'abc' is not a SHA-256"), ("0" * 64, "thing is pinned to")],
)
def test_a_wrong_sha256_is_refused_without_a_request(
    venue: Venue, sha256: str, message: str
) -> None:
    """Text that is not a SHA-256, or differs from the pin, is refused before any request."""
    assert message in venue.refuses(sha256=sha256)
    assert venue.server.requests == []


def test_an_unpinned_file_must_stay_what_it_was(venue: Venue) -> None:
    """An unpinned file is recorded at the first fetch, and another file is refused later."""
    item = replace(venue.item, sha256=None, size=100)
    assert "expected at most 200" in venue.refuses(item)
    item = replace(item, size=len(CONTENT))
    assert not venue.fetch(item).was_present
    record = yaml.safe_load((venue.folder / "fetched.yaml").read_text())
    assert record["thing.bin"]["sha256"] == SHA256
    assert venue.fetch(item).was_present
    venue.file.unlink()
    venue.server.files["/thing"] = OTHER
    message = venue.refuses(item)
    assert f"expected {SHA256})" in message
    assert "give its SHA-256 with --sha256." in message
    other = hashlib.sha256(OTHER).hexdigest()
    assert venue.fetch(item, sha256=other).file.read_bytes() == OTHER
    assert venue.fetch(item).sha256 == other


def test_a_file_in_the_wrong_format_never_gets_the_name(venue: Venue) -> None:
    """A sign-in page in place of a list is refused."""
    item = replace(venue.item, sha256=None, check_format=refuse_pages)
    venue.server.files["/thing"] = b"<html>Welcome</html>"
    assert "it is a page. Try another internet connection." in venue.refuses(item)
    assert not venue.part.exists()


def test_a_list_from_a_stick_is_accepted_by_its_format(venue: Venue) -> None:
    """An unpinned list from a stick is kept if its format is right, and replaced if not."""
    item = replace(venue.item, sha256=None, check_format=refuse_pages)
    venue.put(b"<html>Welcome</html>")
    assert not venue.fetch(item).was_present
    assert venue.file.read_bytes() == CONTENT
    (venue.folder / "fetched.yaml").unlink()
    venue.server.requests.clear()
    assert venue.fetch(item).was_present
    assert venue.server.requests == []


def refuse_pages(file: Path) -> None:
    """Raise an error if a file is a web page."""
    if file.read_bytes().startswith(b"<"):
        raise LabelSetError(Mistake(file.name, "it is a page", "Sign in."))


def test_the_state_tells_whether_a_file_is_there(venue: Venue) -> None:
    """The states are: missing, present, another file, or present and not checked."""
    assert venue.state() == "missing"
    venue.fetch()
    assert venue.state() == "present"
    venue.file.write_bytes(OTHER)
    assert venue.state() == "another file"
    (venue.folder / "fetched.yaml").unlink()
    assert venue.state(replace(venue.item, sha256=None)) == "present, not checked"
