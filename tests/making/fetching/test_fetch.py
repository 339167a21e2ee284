from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import Request

import pytest
import yaml

from installation.errors import FetchError, LabelSetError, Mistake
from installation.making.fetching import catalogue
from installation.making.fetching.catalogue import Item, Web
from installation.making.fetching.download import PassingError, SafeRedirects, copy, unreachable
from installation.making.fetching.fetch import Effort, Fetched, fetch, state
from installation.seeing.faces import yunet
from tests.support.server import Deny, Drop, Fault, Refuse, Send, Server, Stall, answering, running

CONTENT = bytes(range(256)) * 4096
"""A megabyte: more than one chunk."""
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]
HALF = len(CONTENT) // 2


@dataclass
class Venue:
    """A kiosk's weights folder, a server, and what the fetching said and waited for."""

    folder: Path
    server: Server
    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def item(self) -> Item:
        """A file on the server, pinned."""
        return Item(
            name="thing",
            purpose="the test",
            file="thing.bin",
            licence="MIT",
            sources=(Web(f"{self.server.url}/thing"),),
            size=len(CONTENT),
            sha256=SHA256,
        )

    @property
    def file(self) -> Path:
        """Where it will be."""
        return self.folder / "thing.bin"

    @property
    def part(self) -> Path:
        """Where it grows."""
        return self.folder / "thing.bin.part"

    def fetch(
        self,
        item: Item | None = None,
        *,
        sha256: str | None = None,
        attempts: int = 5,
        timeout_s: float = 10,
    ) -> Fetched:
        """Fetch, and note the pauses instead of waiting."""
        effort = Effort(attempts=attempts, timeout_s=timeout_s, wait=self.pauses.append)
        return fetch(
            item or self.item, self.folder, sha256=sha256, effort=effort, say=self.said.append
        )

    def refuses(self, item: Item | None = None, sha256: str | None = None) -> str:
        """Return the error of a fetch that fails, in which no file got its name."""
        with pytest.raises(FetchError) as caught:
            self.fetch(item, sha256=sha256)
        assert not self.file.exists()
        for mistake in caught.value.mistakes:
            assert mistake.where
            assert mistake.remedy.endswith(".")
        return str(caught.value)


@pytest.fixture
def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    """Return a venue whose server has the file."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running() as server:
        server.files["/thing"] = CONTENT
        yield Venue(tmp_path / "models" / "weights", server)


def test_a_file_is_fetched_whole_and_named_last(venue: Venue) -> None:
    """What was fetched is byte for byte what the server has, and nothing unfinished stays."""
    fetched = venue.fetch()
    assert fetched.file.read_bytes() == CONTENT
    assert (fetched.size, fetched.pin.sha256, fetched.pin.by) == (len(CONTENT), SHA256, "table")
    assert sorted(os.listdir(venue.folder)) == ["fetched.yaml", "thing.bin"]
    assert fetched.file.stat().st_mode & 0o777 == 0o644
    assert not venue.pauses


def test_what_is_there_is_checked_and_not_fetched_again(venue: Venue) -> None:
    """A file that is there and right costs no request: a second `fetch` needs no network."""
    venue.fetch()
    venue.server.asked.clear()
    assert venue.fetch().was_there
    assert venue.server.asked == []


def test_a_file_brought_on_a_stick_is_accepted(venue: Venue) -> None:
    """A venue without a network puts a pinned file in place by hand, and the kiosk checks it."""
    venue.folder.mkdir(parents=True)
    venue.file.write_bytes(CONTENT)
    assert venue.fetch().was_there
    assert venue.server.asked == []


def test_another_file_in_its_place_is_replaced(venue: Venue) -> None:
    """A file with the right name and wrong contents is named and replaced by the right one."""
    venue.folder.mkdir(parents=True)
    venue.file.write_bytes(OTHER)
    venue.fetch()
    assert venue.file.read_bytes() == CONTENT
    assert len(venue.said) == 1
    assert f"another file, SHA-256 {hashlib.sha256(OTHER).hexdigest()}; it" in venue.said[0]


@pytest.mark.parametrize(("there", "said"), [(OTHER, 1), (CONTENT, 0)], ids=["other", "same"])
def test_what_is_fetched_for_the_first_time_replaces_nothing_unsaid(
    venue: Venue, there: bytes, said: int
) -> None:
    """A file that nobody vouches for gives way to the one that is fetched, and is named."""
    venue.folder.mkdir(parents=True)
    venue.file.write_bytes(there)
    assert not venue.fetch(replace(venue.item, sha256=None)).was_there
    assert venue.file.read_bytes() == CONTENT
    assert len([words for words in venue.said if words.endswith("it is replaced")]) == said


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
def test_what_passes_is_tried_again(
    venue: Venue, faults: list[Fault], ranges: list[str | None], pauses: list[float]
) -> None:
    """After a fault that may pass the download goes on where it stopped, after growing pauses."""
    venue.server.faults.extend(faults)
    assert venue.fetch().file.read_bytes() == CONTENT
    assert venue.server.gets() == ranges
    assert venue.pauses == pauses
    assert len(venue.said) == len(pauses)


def test_it_gives_up_after_five_attempts_without_progress(venue: Venue) -> None:
    """A server that stays busy is asked five times, and then somebody is told."""
    venue.server.faults.extend([Refuse(503)] * 9)
    message = venue.refuses()
    assert "cannot serve it now (HTTP 503). Try again later." in message
    assert venue.pauses == [1.0, 2.0, 4.0, 8.0]


def test_an_interrupted_download_goes_on_at_the_next_command(venue: Venue) -> None:
    """What had come when a command ended is not fetched again by the next one."""
    venue.server.faults.append(Drop(HALF))
    with pytest.raises(FetchError, match=f"the connection broke after {HALF:,} bytes"):
        venue.fetch(attempts=1)
    assert venue.part.read_bytes() == CONTENT[:HALF]
    assert state(venue.item, venue.folder) == "begun, 0.5 MB"
    venue.fetch()
    assert venue.server.gets() == [None, f"bytes={HALF}-"]


def test_a_server_that_falls_silent_is_asked_again(venue: Venue) -> None:
    """A connection over which nothing comes any more is given up and taken up anew."""
    venue.server.faults.append(Stall(HALF))
    assert venue.fetch(timeout_s=0.2).file.read_bytes() == CONTENT
    assert "it took too long to answer" in venue.said[0]
    assert venue.server.gets() == [None, f"bytes={HALF}-"]


def test_a_download_that_only_lacked_its_name_is_not_repeated(venue: Venue) -> None:
    """Where all bytes had come before the end of the command, the next one only checks them."""
    venue.folder.mkdir(parents=True)
    venue.part.write_bytes(CONTENT)
    venue.fetch()
    assert venue.file.read_bytes() == CONTENT
    assert venue.server.asked == []


@pytest.mark.parametrize("how", ["other part", "not at all"])
def test_where_it_cannot_go_on_the_next_command_begins_anew(
    venue: Venue, how: Literal["other part", "not at all"]
) -> None:
    """A last attempt that cannot go on says what to do, as nothing happens by itself any more."""
    venue.folder.mkdir(parents=True)
    venue.part.write_bytes(CONTENT[:HALF])
    venue.server.faults.append(Deny(how))
    with pytest.raises(FetchError, match=r"Run this again; it begins anew\.$"):
        venue.fetch(attempts=1)
    assert venue.fetch().file.read_bytes() == CONTENT
    assert venue.server.gets() == [f"bytes={HALF}-", None]


@pytest.mark.parametrize("begun", [OTHER[:HALF], OTHER, OTHER + b"more"])
def test_a_wrong_beginning_is_thrown_away(venue: Venue, begun: bytes) -> None:
    """Where what had come belongs to another file, the download begins anew and succeeds."""
    venue.folder.mkdir(parents=True)
    venue.part.write_bytes(begun)
    assert venue.fetch().file.read_bytes() == CONTENT
    assert len(venue.pauses) <= 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Send(OTHER), f"expected {SHA256}, as the kiosk pins it"),
        (Send(CONTENT + b"x"), "the file has 1,048,577 bytes (expected 1,048,576)"),
        (Send(CONTENT + b"x", silent=True), "has more than 1,048,576 bytes (expected 1,048,576)"),
        (Send(CONTENT[:99]), "the file has 99 bytes (expected 1,048,576)"),
        (Refuse(404), "has no such file (HTTP 404). It has moved"),
        (Refuse(403), "refuses to give it (HTTP 403). Ask"),
        (Refuse(407), "the proxy asks who is there (HTTP 407). Put"),
        (Refuse(400), "does not understand (HTTP 400). Check"),
    ],
    ids=["bytes", "too long", "endless", "too short", "404", "403", "407", "400"],
)
def test_what_is_wrong_never_gets_the_name(venue: Venue, fault: Fault, message: str) -> None:
    """A server with other bytes, more or fewer of them, or none is told from the right one."""
    venue.server.faults.append(fault)
    assert message in venue.refuses()
    assert venue.pauses == []
    assert not venue.part.exists() or venue.part.stat().st_size == 0
    assert venue.fetch().file.read_bytes() == CONTENT


def test_a_file_may_not_grow_beyond_what_was_said(venue: Venue) -> None:
    """An endless answer is left after as many bytes as the table says, long before a full disk."""
    venue.server.faults.append(Send(CONTENT * 9, silent=True))
    item = replace(venue.item, size=1000)
    assert "has more than 1,000 bytes (expected 1,000)" in venue.refuses(item)


def test_without_a_network_the_words_are_clear(venue: Venue) -> None:
    """Where no server answers, the message says so and how to bring the file by hand."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/thing"
        message = venue.refuses(replace(venue.item, sources=(Web(url),)))
    assert "cannot be reached (Connection refused). Connect this machine to a network" in message
    assert len(venue.pauses) == 4


def test_without_a_name_server_the_words_are_clear(venue: Venue) -> None:
    """A host that cannot be found is told as the missing network that it mostly is."""
    item = replace(venue.item, sources=(Web("http://kiosk.invalid/thing"),))
    assert "kiosk.invalid cannot be found: there is no network" in venue.refuses(item)


WRONG_PROXIES = [
    ("socks5://127.0.0.1:9", "unknown url type: socks5"),
    ("htp://127.0.0.1:9", "unknown url type: htp"),
    ("http:/127.0.0.1:9", "proxy URL with no authority"),
    ("http://127.0.0.1:9o", "nonnumeric port: '9o'"),
    ("http://", "no host given"),
    ("http:/somebody:secret@127.0.0.1:9", "no authority: 'http:/…@127.0.0.1:9'"),
    ("a b", "URL can't contain control characters"),
]


@pytest.mark.parametrize(("proxy", "seen"), WRONG_PROXIES)
def test_a_proxy_that_is_none_is_told(
    venue: Venue, monkeypatch: pytest.MonkeyPatch, proxy: str, seen: str
) -> None:
    """A mistyped proxy is a sentence that says where to look, and is not tried again."""
    monkeypatch.setenv("http_proxy", proxy)
    message = venue.refuses(replace(venue.item, sources=(Web("http://weights.invalid/thing"),)))
    assert message.startswith("kiosk fetch thing: the address or a proxy is no right one (")
    assert seen in message
    assert "secret" not in message
    assert "Check HF_ENDPOINT and the proxies" in message
    assert venue.pauses == []


@pytest.mark.parametrize(
    "address", ["http://[::1/x", "http://127.0.0.1:x/", f"http://{'a' * 80}.invalid/"]
)
def test_a_server_that_leads_nowhere_is_told(venue: Venue, address: str) -> None:
    """An address that is none, to which a server leads, is a sentence like a mistyped one."""
    with answering(f"Location: {address}", status=302) as url:
        message = venue.refuses(replace(venue.item, sources=(Web(url),)))
    assert "the address or a proxy is no right one (" in message
    assert "Check HF_ENDPOINT and the proxies" in message


def test_a_length_that_no_file_has_is_not_believed(venue: Venue) -> None:
    """A server that states a length of 5,000 digits has its file measured instead."""
    with answering(f"Content-Length: {'9' * 5000}", body=CONTENT) as url:
        assert venue.fetch(replace(venue.item, sources=(Web(url),))).file.read_bytes() == CONTENT


def test_what_cannot_be_read_is_told_from_what_cannot_be_written(tmp_path: Path) -> None:
    """Where the file of another program cannot be read, the message names that file."""
    with pytest.raises(FetchError, match=r"^w: /proc/self/mem cannot be read \(Input/output"):
        copy(Path("/proc/self/mem"), tmp_path / "part", "w")
    (tmp_path / "source").write_bytes(CONTENT)
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(FetchError, match=r"^w: the disk of .* is full"):
        copy(tmp_path / "source", tmp_path / "full", "w")


def test_a_full_disk_is_named_before_anything_is_fetched(venue: Venue) -> None:
    """A file for which there is no room is not begun."""
    message = venue.refuses(replace(venue.item, size=10**18))
    assert "is full" in message
    assert "1,000,000,000,000 MB are needed" in message
    assert venue.server.asked == []


def test_a_disk_that_fills_up_is_named(venue: Venue) -> None:
    """Where the disk fills up during the download, the message says that, and not 'error 28'."""
    venue.folder.mkdir(parents=True)
    venue.part.symlink_to("/dev/full")
    assert "is full" in venue.refuses()


def test_a_folder_that_cannot_be_written_is_named(venue: Venue) -> None:
    """Where something is in the way of the folder, the message names it."""
    venue.folder.parent.mkdir()
    venue.folder.write_text("a file")
    assert "the folder cannot be made (File exists)" in venue.refuses()


def test_the_next_source_is_tried(venue: Venue) -> None:
    """Where the first source has no such file, the second is asked; a failure names both."""
    first = Web(f"{venue.server.url}/gone")
    item = replace(venue.item, sources=(first, *venue.item.sources))
    assert venue.fetch(item).file.read_bytes() == CONTENT
    venue.file.unlink()
    venue.server.files.clear()
    assert len(venue.refuses(item).splitlines()) == 2


def test_nobody_is_followed_from_a_safe_address_to_an_unsafe_one() -> None:
    """A server that leads from https to http is not followed: anybody could change the file."""
    request = Request("https://hub.invalid/thing")
    where = "http://cdn.invalid/thing?signature=1"
    words = r"^kiosk fetch thing: hub.invalid leads to http://cdn.invalid, where"
    with pytest.raises(FetchError, match=words):
        SafeRedirects("hub.invalid", "kiosk fetch thing").redirect_request(
            request, BytesIO(), 302, "", HTTPMessage(), where
        )


def test_a_server_that_does_not_prove_who_it_is_is_not_asked_again() -> None:
    """A wrong certificate is told with its usual causes, the clock and a sign-in page."""
    reason = ssl.SSLCertVerificationError(1, "certificate verify failed")
    reason.verify_message = "certificate has expired"
    error = unreachable("kiosk fetch yunet", "hub.invalid", URLError(reason))
    assert not isinstance(error, PassingError)
    assert str(error).startswith(
        "kiosk fetch yunet: hub.invalid does not prove who it is (TLS: certificate has expired). "
        "Check this machine's clock"
    )


def test_a_server_without_tls_is_told_in_the_words_of_tls(venue: Venue) -> None:
    """What TLS finds wrong is told in its own words, and not in the system's for that number."""
    url = venue.server.url.replace("http://", "https://")
    message = venue.refuses(replace(venue.item, sources=(Web(f"{url}/thing"),)))
    assert "cannot be reached (TLS: " in message
    assert not any(os.strerror(number) in message for number in range(1, 20))


def test_proxies_of_the_environment_are_respected(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue behind a proxy names it in the environment, as for every other program."""
    monkeypatch.setenv("http_proxy", venue.server.url)
    url = "http://weights.invalid/thing"
    venue.server.files[url] = CONTENT
    assert venue.fetch(replace(venue.item, sources=(Web(url),))).file.read_bytes() == CONTENT


def test_a_venue_says_what_an_unpinned_file_must_be(venue: Venue) -> None:
    """With --sha256 a file that the kiosk does not pin is held to what the venue knows."""
    item = replace(venue.item, sha256=None)
    assert "as --sha256 says" in venue.refuses(item, sha256="0" * 64)
    assert venue.fetch(item, sha256=SHA256.upper()).pin.by == "venue"


@pytest.mark.parametrize(
    ("sha256", "message"),
    [("abc", "'abc' is no SHA-256"), ("0" * 64, "thing is pinned to")],
)
def test_a_wrong_sha256_is_refused_at_once(venue: Venue, sha256: str, message: str) -> None:
    """What cannot be a SHA-256, or contradicts the table, is refused before anybody is asked."""
    assert message in venue.refuses(sha256=sha256)
    assert venue.server.asked == []


def test_the_record_holds_a_file_to_what_it_was(venue: Venue) -> None:
    """An unpinned file is written down at the first fetch; another one is refused ever after."""
    item = replace(venue.item, sha256=None, size=100)
    assert "expected at most 200" in venue.refuses(item)
    item = replace(item, size=len(CONTENT))
    assert venue.fetch(item).pin.by == "first fetch"
    record = yaml.safe_load((venue.folder / "fetched.yaml").read_text())
    assert record["thing.bin"]["sha256"] == SHA256
    assert venue.fetch(item).pin.by == "record"
    venue.file.unlink()
    venue.server.files["/thing"] = OTHER
    message = venue.refuses(item)
    assert "as it was when it was first fetched (fetched.yaml)" in message
    assert "give its SHA-256 with --sha256." in message
    other = hashlib.sha256(OTHER).hexdigest()
    assert venue.fetch(item, sha256=other).file.read_bytes() == OTHER
    assert venue.fetch(item).pin.sha256 == other


@pytest.mark.parametrize("content", ["[", "- 1", "thing.bin: {sha256: 5}", "a: b", "\0"])
def test_a_damaged_record_is_named(venue: Venue, content: str) -> None:
    """A fetched.yaml that somebody has broken is named, and not passed over."""
    venue.folder.mkdir(parents=True)
    (venue.folder / "fetched.yaml").write_text(content)
    assert "fetched.yaml: it cannot be read" in venue.refuses(replace(venue.item, sha256=None))


def test_a_file_is_read_before_it_is_named(venue: Venue) -> None:
    """A list whose form is wrong, such as a sign-in page, never gets the list's name."""
    item = replace(venue.item, sha256=None, read=refuse_pages)
    venue.server.files["/thing"] = b"<html>Welcome</html>"
    assert "it is a page. Fetch it over another network." in venue.refuses(item)
    assert not venue.part.exists()


def test_a_list_brought_on_a_stick_is_accepted_by_its_form(venue: Venue) -> None:
    """A list that nobody pins is taken from a stick if its form is right, and replaced if not."""
    item = replace(venue.item, sha256=None, read=refuse_pages)
    venue.folder.mkdir(parents=True)
    venue.file.write_bytes(b"<html>Welcome</html>")
    assert not venue.fetch(item).was_there
    assert venue.file.read_bytes() == CONTENT
    (venue.folder / "fetched.yaml").unlink()
    venue.server.asked.clear()
    assert venue.fetch(item).was_there
    assert venue.server.asked == []


def refuse_pages(file: Path) -> None:
    """Raise an error where a file is a page of the web."""
    if file.read_bytes().startswith(b"<"):
        raise LabelSetError(Mistake(file.name, "it is a page", "Sign in."))


def test_state_says_what_is_there(venue: Venue) -> None:
    """The table tells what is there, whole, begun or damaged."""
    assert state(venue.item, venue.folder) == "not there"
    venue.fetch()
    assert state(venue.item, venue.folder) == "there"
    venue.file.write_bytes(OTHER)
    assert state(venue.item, venue.folder) == "another file"
    (venue.folder / "fetched.yaml").unlink()
    assert state(replace(venue.item, sha256=None), venue.folder) == "there, not checked"


def test_the_table_is_sound() -> None:
    """Every entry of the table has a name, a file and a source of its own, over https."""
    for values in ([item.name for item in catalogue.ITEMS], [i.file for i in catalogue.ITEMS]):
        assert len(set(values)) == len(values)
    for item in catalogue.ITEMS:
        assert catalogue.find(item.name) is item
        assert "/" not in item.file
        for source in item.sources:
            assert not isinstance(source, Web) or source.url.startswith("https://")
        assert item.sha256 is None or len(item.sha256) == 64


def test_the_table_pins_the_detector_that_the_show_accepts() -> None:
    """What `kiosk fetch yunet` brings is what the show's detector takes."""
    item = catalogue.find("yunet")
    assert (item.file, item.sha256) == (yunet.FILE.name, yunet.SHA256)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yunnet", "nothing is called 'yunnet'. Did you mean 'yunet'?"),
        ("qqq", "There are: yunet, persons-21k, clip, imagenet-safety, all, timm/NAME."),
        ("timm/vit_base_patch16_224.augreg_in21", "timm has no network of that name"),
        ("timm/qqq", "with weights. They are at https://huggingface.co/timm."),
        ("timm/gcvit_tiny.in1k", "its weights are not on Hugging Face"),
    ],
)
def test_what_cannot_be_fetched_is_named(name: str, message: str) -> None:
    """A name that stands for nothing, or for weights that are elsewhere, is refused."""
    with pytest.raises(FetchError) as caught:
        catalogue.find(name)
    assert message in str(caught.value)


def test_any_network_of_timms_can_be_fetched() -> None:
    """timm/NAME stands for the hub's file of that network; the default one is persons-21k."""
    for name in ("convnext_tiny.fb_in22k", "resnet50.a1_in1k"):
        item = catalogue.find(f"timm/{name}")
        assert item.file == f"{name}.safetensors"
        assert str(item.sources[0]) == f"Hugging Face timm/{name}, model.safetensors"
    default = catalogue.find("timm/vit_base_patch16_224.augreg_in21k")
    assert default is catalogue.find("persons-21k")
