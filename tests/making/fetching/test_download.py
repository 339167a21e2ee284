from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from installation.errors import FetchError
from installation.making.fetching import download
from installation.making.fetching.catalogue import Item, WebFile
from installation.making.fetching.download import Address, TemporaryError, network_errors
from tests.support.fetching import CONTENT, Venue, open_venue
from tests.support.server import Drop, Send, Stall, answering


@pytest.fixture
def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    """Return a venue whose server has the file."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with open_venue(tmp_path) as venue:
        yield venue


def at(venue: Venue, url: str) -> Item:
    """Return the venue's item, at another address."""
    return replace(venue.item, origins=(WebFile(url),))


def test_a_server_that_stops_sending_is_asked_again(venue: Venue) -> None:
    """If no byte arrives within the timeout, the download is continued with a new request."""
    venue.server.faults.append(Stall(1000))
    assert venue.fetch(timeout_s=0.2).file.read_bytes() == CONTENT
    assert "timed out" in venue.log[0]
    assert venue.server.ranges() == [None, "bytes=1000-"]


def test_a_download_ends_at_its_limit(venue: Venue) -> None:
    """An endless answer is refused after as many bytes as the file may have."""
    venue.server.faults.append(Send(CONTENT * 9, silent=True))
    message = venue.refuses(replace(venue.item, size=1000))
    assert "the file has more than 1,000 bytes (expected at most 1,000)" in message
    assert not venue.part.exists()


def test_without_a_network_the_message_says_how_to_bring_the_file(venue: Venue) -> None:
    """If no server answers, the message names it, and says how to bring the file on a stick."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        message = venue.refuses(at(venue, f"http://{address}/thing"))
    assert f"the connection to {address} failed (Connection refused). Check the" in message
    assert "copy the file from a USB stick into models/weights/" in message
    assert len(venue.pauses) == 4


def test_an_unknown_host_is_named(venue: Venue) -> None:
    """If a host cannot be resolved, the message names it and says to check the connection."""
    message = venue.refuses(at(venue, "http://kiosk.invalid/thing"))
    assert "the connection to kiosk.invalid failed (" in message
    assert "Check the internet connection and the proxies" in message


@pytest.mark.parametrize(
    ("proxy", "seen"),
    [
        ("socks5://127.0.0.1:9", "Using SOCKS proxy, but"),
        ("htp://127.0.0.1:9", "Unknown scheme for proxy URL URL('htp://127.0.0.1:9')"),
        ("http://127.0.0.1:9o", "Invalid port: '9o'"),
    ],
)
def test_a_proxy_that_is_not_valid_is_named(
    venue: Venue, monkeypatch: pytest.MonkeyPatch, proxy: str, seen: str
) -> None:
    """A mistyped proxy is an error that says where to look, and is not tried again."""
    monkeypatch.setenv("http_proxy", proxy)
    message = venue.refuses(at(venue, "http://weights.invalid/thing"))
    assert message.startswith("kiosk fetch thing: an address or a proxy is not valid (")
    assert seen in message
    assert "Check HF_ENDPOINT, HF_TOKEN and the proxies" in message
    assert venue.pauses == []


@pytest.mark.parametrize(
    "proxy", ["http:/127.0.0.1:9", "http://", "http:/somebody:secret@127.0.0.1:9", "a b"]
)
def test_a_proxy_without_a_host_is_an_error_without_its_password(
    venue: Venue, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """A proxy that leads nowhere fails as a connection, and the message shows no password."""
    monkeypatch.setenv("http_proxy", proxy)
    message = venue.refuses(at(venue, "http://weights.invalid/thing"))
    assert "the connection to weights.invalid failed" in message
    assert "Check the internet connection and the proxies" in message
    assert "secret" not in message


def test_no_message_holds_a_password() -> None:
    """User names and passwords in a library's message are left out."""
    with pytest.raises(FetchError) as caught, network_errors("here"):
        raise ValueError("Unknown scheme for proxy URL URL('htp://somebody:secret@127.0.0.1')")
    assert "secret" not in str(caught.value)
    assert "htp://127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://[::1/x", "http://127.0.0.1:x/", f"http://{'a' * 80}.invalid/", "ftp://a.b/"]
)
def test_a_redirect_to_what_is_not_an_address_is_an_error(venue: Venue, address: str) -> None:
    """A redirect to an address that is not valid, or not HTTP, is refused."""
    with (
        answering(f"Location: {address}", status=302) as url,
        pytest.raises(FetchError, match=r"Invalid URL|is not valid"),
    ):
        venue.fetch(at(venue, url), attempts=1)


def test_a_length_that_no_file_has_is_refused(venue: Venue) -> None:
    """A server that states a length of 5,000 digits is refused."""
    with (
        answering(f"Content-Length: {'9' * 5000}", body=CONTENT) as url,
        pytest.raises(FetchError, match="bad Content-Length"),
    ):
        venue.fetch(at(venue, url), attempts=1)


def test_a_file_without_room_is_not_begun(venue: Venue) -> None:
    """If the disk has less space than the server states, nothing is written."""
    with answering(f"Content-Length: {10**18}", body=CONTENT) as url:
        message = venue.refuses(replace(at(venue, url), size=10**18))
    assert " MB free (expected 1,000,000,000,000 MB for this file)" in message
    assert not venue.part.exists()


def test_a_disk_that_fills_up_is_named(venue: Venue) -> None:
    """If the disk fills up during the download, the message says so."""
    venue.folder.mkdir(parents=True)
    venue.part.symlink_to("/dev/full")
    message = venue.refuses()
    assert "it cannot be written (No space left on device)" in message
    assert "the free space" in message


class Redirecting(httpx2.BaseTransport):
    """Redirects from https to http."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the redirect, and the file at its end."""
        if request.url.scheme == "https":
            location = "http://cdn.invalid/thing?signature=1"
            return httpx2.Response(
                302, headers={"Location": location}, stream=httpx2.ByteStream(b"")
            )
        return httpx2.Response(200, stream=httpx2.ByteStream(CONTENT))


def test_a_redirect_from_https_to_http_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over http anybody could change the file, so such a redirect is not followed."""
    client = httpx2.Client

    def redirecting(**arguments: Any) -> httpx2.Client:
        return client(**arguments, transport=Redirecting())

    monkeypatch.setattr(httpx2, "Client", redirecting)
    address, part = Address("https://hub.invalid/thing"), tmp_path / "part"
    with pytest.raises(FetchError, match=r"^w: the server redirects to http://cdn.invalid \(exp"):
        download.download(address, part, len(CONTENT), 1.0, "w")
    assert not part.exists()
    download.download(Address("http://hub.invalid/thing"), part, len(CONTENT), 1.0, "w")
    assert part.read_bytes() == CONTENT


def test_a_certificate_that_does_not_verify_is_not_temporary() -> None:
    """A certificate that does not verify is a lasting error, and the message has two usual causes.

    These are a wrong clock, and a connection that needs a sign-in.
    """
    cause = ssl.SSLCertVerificationError(
        1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"
    )
    request = httpx2.Request("GET", "https://hub.invalid/thing")
    with pytest.raises(FetchError) as caught, network_errors("kiosk fetch yunet"):
        raise httpx2.ConnectError(str(cause), request=request)
    assert not isinstance(caught.value, TemporaryError)
    message = str(caught.value)
    assert message.startswith("kiosk fetch yunet: the connection to hub.invalid failed (")
    assert "certificate has expired" in message
    assert "Check this machine's clock" in message
    assert "needs a sign-in" in message


def test_a_server_without_tls_is_named_in_the_words_of_tls(venue: Venue) -> None:
    """OpenSSL's error is reported as it is, not as the system error of the same number."""
    message = venue.refuses(at(venue, venue.server.url.replace("http://", "https://")))
    assert "failed ([SSL" in message
    assert not any(os.strerror(number) in message for number in range(1, 20))


def test_the_proxies_of_the_environment_are_used(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue behind a proxy names it in the environment, as for every other program."""
    monkeypatch.setenv("http_proxy", venue.server.url)
    url = "http://weights.invalid/thing"
    venue.server.files[url] = CONTENT
    assert venue.fetch(at(venue, url)).file.read_bytes() == CONTENT


def test_what_has_arrived_before_an_error_stays(venue: Venue) -> None:
    """Every byte before the connection broke is on the disk."""
    venue.server.faults.append(Drop(12345))
    with pytest.raises(FetchError, match="the connection to 127"):
        venue.fetch(attempts=1)
    assert venue.part.read_bytes() == CONTENT[:12345]
