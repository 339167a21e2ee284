"""Bytes from a web server into a file that is not finished yet, and that goes on where it stopped.

By the standard library: proxies come from the environment, as usual. Hugging Face's library knows
where a file is and what it should be (`hub`), but since its version 2 it throws away what an
interrupted download has brought; half a gigabyte over a gallery's network needs better.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Never
from urllib.parse import urlsplit

from tqdm import tqdm

from installation.errors import FetchError, Mistake

CHUNK = 256 * 1024
"""Bytes taken at a time."""

BUSY = (408, 425, 429)
"""Statuses, beside those from 500, after which another try may succeed (RFC 9110, 6585, 8470)."""

LONGEST_LENGTH = 18
"""Digits of a Content-Length; with more it is none, and `int` refuses some thousands."""

BY_HAND = (
    "Connect this machine to a network, or bring the file on a stick into models/weights/ and run "
    "this again, with --sha256 where the kiosk does not know the file."
)


ANEW = "Run this again; it begins anew."


class PassingError(FetchError):
    """What went wrong may pass: another try may succeed."""


@dataclass(frozen=True)
class Address:
    """Where a file is, and what its server has said of it."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent to the server of `url` and to no other it may lead to."""
    size: int | None = None
    """Bytes."""
    sha256: str | None = None


@dataclass(frozen=True)
class Cached:
    """A file that another program has fetched."""

    file: Path
    sha256: str | None
    """What its server has said that it has."""
    elsewhere: Address | None
    """Where it is, too; None: there is nobody to ask."""


@dataclass(frozen=True)
class Limit:
    """How long a file may become."""

    size: int
    """Bytes."""
    exact: bool
    """Whether it must become so long."""


def download(address: Address, part: Path, limit: Limit, timeout_s: float, where: str) -> None:
    """Bring what is missing in `part`.

    What it already holds is kept if the server agrees to go on from there. Raises PassingError
    where another try may succeed, and FetchError where none will; what came stays in `part`.
    """
    have = part.stat().st_size if part.exists() else 0
    if limit.exact and have == limit.size:
        return
    if have >= limit.size:
        part.unlink()
        have = 0
    request = _request(address, have, where)
    _check_room(part.parent, limit.size - have if limit.exact else 0, where)
    with _open(request, timeout_s, where, part) as response:
        if response.status != http.client.PARTIAL_CONTENT:
            have = 0
        elif not _goes_on(response, have):
            part.unlink()
            what = "the server goes on from another place than it was asked to"
            raise PassingError(Mistake(where, what, ANEW))
        told = response.headers.get("Content-Length", "")
        is_length = told.isdecimal() and len(told) <= LONGEST_LENGTH
        expected = have + int(told) if is_length else None
        if expected is not None and _misfits(expected, limit):
            raise FetchError(_wrong_size(where, f"{expected:,}", limit))
        total = expected or limit.size
        with _writable(part, have, where) as file, _bar(part, total, have) as bar:
            for chunk in _chunks(response, where):
                have += len(chunk)
                if have > limit.size:
                    file.truncate(0)
                    raise FetchError(_wrong_size(where, f"more than {limit.size:,}", limit))
                file.write(chunk)
                bar.update(len(chunk))
    if have < (limit.size if limit.exact else expected or 0):
        what = f"the connection broke after {have:,} bytes"
        raise PassingError(Mistake(where, what, "Run this again; it goes on from there."))


def copy(source: Path, part: Path, where: str) -> None:
    """Copy a file of this machine to `part`; raises FetchError."""
    with _writable(part, 0, where) as file:
        for chunk in _contents(source, where):
            file.write(chunk)


def _contents(source: Path, where: str) -> Iterator[bytes]:
    """Yield what is in a file; raises FetchError where it cannot be read."""
    try:
        with source.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                yield chunk
    except OSError as failure:
        what = f"{source} cannot be read ({failure.strerror})"
        raise FetchError(Mistake(where, what, "Mend or delete it.")) from None


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to another address, but never from https to what others can change."""

    def __init__(self, host: str, where: str) -> None:
        self.host = host
        """The one that was asked last."""
        self._where = where

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request; raises FetchError where it would be unsafe."""
        new = urlsplit(newurl)
        if req.type == "https" and new.scheme != "https":
            what = f"{req.host} leads to {new.scheme}://{new.netloc}, "
            what += "where anybody can change the file"
            raise FetchError(Mistake(self._where, what, "Fetch it over another network."))
        self.host = new.netloc
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _request(address: Address, have: int, where: str) -> urllib.request.Request:
    """Return the request for what follows the first `have` bytes."""
    if urlsplit(address.url).scheme not in ("http", "https"):
        what = f"{address.url} is no address on the web (expected http or https)"
        raise FetchError(Mistake(where, what, "Check HF_ENDPOINT."))
    request = urllib.request.Request(  # noqa: S310 - the scheme has just been checked
        address.url, headers={"User-Agent": "kiosk", "Accept-Encoding": "identity"}
    )
    for name, value in address.headers.items():
        request.add_unredirected_header(name, value)
    if have:
        request.add_header("Range", f"bytes={have}-")
    return request


@contextmanager
def _open(
    request: urllib.request.Request, timeout_s: float, where: str, part: Path
) -> Iterator[http.client.HTTPResponse]:
    redirects = SafeRedirects(request.host, where)
    try:
        response = urllib.request.build_opener(redirects).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and part.exists():
                part.unlink()
                what = "the server does not go on from where the last download stopped"
                raise PassingError(Mistake(where, what, ANEW)) from None
            raise refused(where, redirects.host, error.code) from None
    except http.client.InvalidURL as error:
        raise mistyped(where, str(error)) from None
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.URLError) and isinstance(error.reason, str):
            raise mistyped(where, error.reason) from None
        raise unreachable(where, redirects.host, error) from None
    except ValueError as error:
        raise mistyped(where, str(error)) from None
    with response:
        yield response


def _goes_on(response: http.client.HTTPResponse, have: int) -> bool:
    """Tell whether a partial answer begins where `have` bytes end."""
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _chunks(response: http.client.HTTPResponse, where: str) -> Iterator[bytes]:
    """Yield what the server sends; raises PassingError where the connection fails."""
    while True:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            what = f"the connection broke ({_words(error)})"
            remedy = "Run this again; it goes on from there."
            raise PassingError(Mistake(where, what, remedy)) from None
        if not chunk:
            return
        yield chunk


@contextmanager
def _writable(part: Path, have: int, where: str) -> Iterator[BinaryIO]:
    """Open `part` behind its first `have` bytes; raises FetchError where it cannot be written."""
    try:
        with part.open("ab") as file:
            if file.tell() != have:
                file.truncate(have)
            yield file
    except OSError as failure:
        if failure.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(where, part.parent) from None
        what = f"{part} cannot be written ({failure.strerror})"
        remedy = "Give whoever runs the kiosk the right to write there."
        raise FetchError(Mistake(where, what, remedy)) from None


def _check_room(folder: Path, needed: int, where: str) -> None:
    if shutil.disk_usage(folder).free < needed:
        raise _full(where, folder, needed)


def _full(where: str, folder: Path, needed: int | None = None) -> FetchError:
    free = shutil.disk_usage(folder).free
    more = f", {needed / 1e6:,.0f} MB are needed" if needed else ""
    what = f"the disk of {folder} is full ({free / 1e6:,.0f} MB are free{more})"
    return FetchError(
        Mistake(where, what, "Make room; what has come is kept, and the rest follows.")
    )


def _misfits(size: int, limit: Limit) -> bool:
    return size > limit.size or (limit.exact and size != limit.size)


def _wrong_size(where: str, seen: str, limit: Limit) -> Mistake:
    most = "" if limit.exact else "at most "
    what = f"the file has {seen} bytes (expected {most}{limit.size:,})"
    remedy = "It is not what it should be: try another network, or wait until its source is mended."
    return Mistake(where, what, remedy)


def _bar(part: Path, total: int, have: int) -> tqdm[Never]:
    """Return a progress bar, which only a terminal sees."""
    return tqdm(desc=part.stem, total=total, initial=have, unit="B", unit_scale=True, disable=None)


def refused(where: str, host: str, status: int) -> FetchError:
    """Return the error for a server that answers with `status`, 400 or more."""
    if status in BUSY or status >= http.client.INTERNAL_SERVER_ERROR:
        what = f"{host} cannot serve it now (HTTP {status})"
        return PassingError(Mistake(where, what, "Try again later."))
    if status == http.client.PROXY_AUTHENTICATION_REQUIRED:
        what = f"the proxy asks who is there (HTTP {status})"
        return FetchError(Mistake(where, what, "Put name and password into HTTPS_PROXY."))
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        what = f"{host} refuses to give it (HTTP {status})"
        return FetchError(Mistake(where, what, "Ask who runs the network or the server."))
    if status in (http.client.NOT_FOUND, http.client.GONE):
        what = f"{host} has no such file (HTTP {status})"
        return FetchError(Mistake(where, what, "It has moved; a newer kiosk may know where to."))
    what = f"{host} does not understand (HTTP {status})"
    return FetchError(Mistake(where, what, "Check HF_ENDPOINT and the proxy."))


def mistyped(where: str, said: str) -> FetchError:
    """Return the error for an address or a proxy that is none, with what a library `said` of it.

    Names and passwords in it are left out.
    """
    what = f"the address or a proxy is no right one ({_CREDENTIALS.sub('…@', said).rstrip('.')})"
    return FetchError(Mistake(where, what, "Check HF_ENDPOINT and the proxies, and HF_TOKEN."))


_CREDENTIALS = re.compile(r"[^\s/'\"]+@")
"""What an address has before its host: a name and a password."""


def unreachable(where: str, host: str, error: BaseException) -> FetchError:
    """Return the error for a server that cannot be reached, in the words of its first cause."""
    causes = list(_causes(error))
    if unproven := [c for c in causes if isinstance(c, ssl.SSLCertVerificationError)]:
        what = f"{host} does not prove who it is ({_words(unproven[0])})"
        remedy = "Check this machine's clock, and that the network wants no sign-in first."
        return FetchError(Mistake(where, what, remedy))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        what = f"{host} cannot be found: there is no network, or no name server"
    else:
        what = f"{host} cannot be reached ({_words(causes[-1])})"
    return PassingError(Mistake(where, what, BY_HAND))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what led to it, the first cause last."""
    next_: object = error
    while isinstance(next_, BaseException):
        yield next_
        reason = getattr(next_, "reason", None)
        next_ = (
            reason if isinstance(reason, BaseException) else next_.__cause__ or next_.__context__
        )


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long to answer"
    if isinstance(error, ssl.SSLError):
        # Its errno is OpenSSL's, and means something else to the system.
        reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
        said = getattr(error, "verify_message", None) or reason or str(error)
        return f"TLS: {said.rstrip('.')}"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    return str(error).rstrip(".") or type(error).__name__
