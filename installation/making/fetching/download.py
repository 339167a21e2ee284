"""Downloads files over HTTP: resumes interrupted downloads, and explains network errors.

httpx2 is used, so that proxies and certificates come from the environment. Rejected: downloading
with huggingface_hub. Since its version 2, it deletes the bytes that an interrupted download has
fetched, and a gallery's network often interrupts a download of half a gigabyte. hub.py uses
huggingface_hub only to find a file's address, its SHA-256, and its copy in the cache.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx2
from tqdm import tqdm

from installation.errors import FetchError, Mistake
from installation.making.atomic_write import write_errors

RETRY_LATER = (408, 425, 429)
"""The HTTP statuses below 500 after which another attempt may succeed (RFC 9110, 6585, 8470)."""


class TemporaryError(FetchError):
    """A fetch failed for a temporary reason, so another attempt may succeed."""


@dataclass(frozen=True)
class Address:
    """The address of a file, and what its server states about it."""

    url: str | None
    """The file's address; None if the file is only in the cache."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers of the request; httpx2 does not send Authorization to other servers on
    redirects.
    """
    size: int | None = None
    """The size that the server states, bytes; None if it states none."""
    sha256: str | None = None
    cached: Path | None = None
    """A copy that another program has fetched. Its SHA-256 has not been checked."""


def download(address: Address, part: Path, limit: int, timeout_s: float, where: str) -> None:
    """Fetch the bytes that the file `part` lacks; `part` may reach at most `limit` bytes.

    `timeout_s` is the longest time without an answer, and `where` the location in messages. The
    content of `part` is kept if the server can continue after it. Raises TemporaryError or
    FetchError; the bytes that have arrived stay in `part`, unless they are too many.
    """
    assert address.url is not None, "a bug in kiosk: only a file with an address can be downloaded"
    count = part.stat().st_size if part.exists() else 0
    if count >= limit:
        count = 0
    headers = {**address.headers, "User-Agent": "kiosk", "Accept-Encoding": "identity"}
    if count:
        headers["Range"] = f"bytes={count}-"
    with (
        network_errors(where),
        _client(timeout_s, where) as client,
        client.stream("GET", address.url, headers=headers) as response,
    ):
        count = _first_byte(response, count, part, where)
        length = int(response.headers.get("Content-Length", 0))  # h11 accepts only digits here
        if count + length > limit:
            raise _too_long(f"{count + length:,}", limit, where)
        if (free := shutil.disk_usage(part.parent).free) < length:
            problem = (
                f"the disk of {part.parent} has {free / 1e6:,.0f} MB free (expected "
                f"{length / 1e6:,.0f} MB for this file)"
            )
            raise FetchError(Mistake(where, problem, "Free some space and run this again."))
        size = count + length if length else limit
        # The bar is shown only on a terminal.
        bar = tqdm(
            desc=part.stem, total=size, initial=count, unit="B", unit_scale=True, disable=None
        )
        with write_errors(part, FetchError), part.open("ab" if count else "wb") as file, bar:
            for chunk in response.iter_raw():
                count += len(chunk)
                if count > limit:
                    part.unlink()
                    raise _too_long(f"more than {limit:,}", limit, where)
                file.write(chunk)
                bar.update(len(chunk))


def _too_long(size: str, limit: int, where: str) -> FetchError:
    problem = f"the file has {size} bytes (expected at most {limit:,})"
    remedy = "Check whether you named the right file, or try another internet connection."
    return FetchError(Mistake(where, problem, remedy))


@contextmanager
def network_errors(where: str) -> Iterator[None]:
    """In the block, raise FetchError instead of the exceptions of httpx2 and huggingface_hub.

    The FetchError is a TemporaryError if another attempt may succeed.
    """
    try:
        yield
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError, ImportError) as error:
        # huggingface_hub raises ValueError for HF_ENDPOINT when it is imported; httpx2 raises
        # ImportError for a SOCKS proxy without the package for it.
        problem = f"an address or a proxy is not valid ({_words(error)})"
        remedy = "Check HF_ENDPOINT, HF_TOKEN and the proxies (http_proxy, https_proxy, all_proxy)."
        raise FetchError(Mistake(where, problem, remedy)) from None
    except httpx2.HTTPError as error:
        problem = f"the connection to {host_of(error.request.url)} failed ({_words(error)})"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):  # OpenSSL's name, which httpx2 passes on
            remedy = (
                "Check this machine's clock, and whether its internet connection needs a sign-in."
            )
            raise FetchError(Mistake(where, problem, remedy)) from None
        remedy = (
            "Check the internet connection and the proxies, and run this again: the download "
            "resumes. Or copy the file from a USB stick into models/weights/, and run this again "
            "(with --sha256 if the file is not pinned)."
        )
        raise TemporaryError(Mistake(where, problem, remedy)) from None


def host_of(url: httpx2.URL) -> str:
    """Return the host and port of `url`."""
    return url.netloc.decode("ascii", "replace")


def refusal(where: str, response: httpx2.Response) -> FetchError:
    """Return the error for a response that does not contain the file."""
    problem = f"{host_of(response.request.url)} answered {response.status_code} "
    problem += f"({httpx2.codes.get_reason_phrase(response.status_code)})"
    if response.status_code in RETRY_LATER or response.is_server_error:
        return TemporaryError(Mistake(where, problem, "Try again later."))
    remedy = (
        "Check HF_ENDPOINT and the proxies, or try another internet connection or a newer version "
        "of the kiosk."
    )
    return FetchError(Mistake(where, problem, remedy))


def _words(error: BaseException) -> str:
    """Return a library's message without error numbers, names and passwords."""
    message = re.sub(r"\[Errno -?\d+\] |[^\s/'\"]+@", "", str(error))
    return message.rstrip(".") or type(error).__name__


def _client(timeout_s: float, where: str) -> httpx2.Client:
    """Return a client that follows redirects, but not from https to http."""
    schemes: list[str] = []

    def refuse_downgrade(request: httpx2.Request) -> None:
        schemes.append(request.url.scheme)
        if schemes[0] == "https" != request.url.scheme:
            problem = f"the server redirects to {request.url.scheme}://{host_of(request.url)} "
            problem += "(expected https, so that nobody can change the file on its way)"
            raise FetchError(Mistake(where, problem, "Try another internet connection."))

    hooks = {"request": [refuse_downgrade]}
    return httpx2.Client(follow_redirects=True, timeout=timeout_s, event_hooks=hooks)


def _first_byte(response: httpx2.Response, wanted: int, part: Path, where: str) -> int:
    """Return the position in the file at which a response begins: `wanted` or 0.

    `part` is the partial file that the response continues, and `where` the location in messages.
    Raises FetchError if the response begins at another position or does not contain the file.
    """
    status = response.status_code
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {wanted}-")
    if status == HTTPStatus.OK or (status == HTTPStatus.PARTIAL_CONTENT and begins):
        return 0 if status == HTTPStatus.OK else wanted
    if status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
        part.unlink(missing_ok=True)
        problem = f"the server cannot resume the download after {wanted:,} bytes"
        raise TemporaryError(
            Mistake(where, problem, "Run this again: the download then starts from the beginning.")
        )
    raise refusal(where, response)
