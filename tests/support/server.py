"""Web servers on this machine, with what real ones do wrong; one answers as the hub does."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import unquote

COMMIT = "8d2b7c1f0e9a4b5c6d7e8f90123456789abcdef0"
"""Which every branch of every repository of the hub is at."""


@dataclass(frozen=True)
class Refuse:
    """Answers with a status and no file."""

    status: int


@dataclass(frozen=True)
class Drop:
    """Breaks the connection after so many bytes of the body."""

    after: int


@dataclass(frozen=True)
class Stall:
    """Falls silent after so many bytes of the body, until the server ends."""

    after: int


@dataclass(frozen=True)
class Send:
    """Sends other bytes than the file's; without saying how many, if `silent`."""

    body: bytes
    silent: bool = False


@dataclass(frozen=True)
class Deny:
    """Does not go on from where it is asked to: sends the whole file, or another part."""

    how: Literal["whole", "other part", "not at all"]


Fault = Refuse | Drop | Stall | Send | Deny


@dataclass(frozen=True)
class Asked:
    """What somebody asked a server for."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    agent: str


@dataclass
class Server:
    """A server's files by path, what is wrong with its next answers, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    hub: dict[str, bytes] = field(default_factory=dict)
    """Large files as Hugging Face has them, by 'owner/name/file'."""
    elsewhere: Server | None = None
    """Where the hub keeps the contents of large files."""
    silent: threading.Event = field(default_factory=threading.Event)
    """Set when the server has fallen silent."""
    ended: threading.Event = field(default_factory=threading.Event)

    def gets(self) -> list[str | None]:
        """Return the Range of each GET that was made."""
        return [asked.range for asked in self.asked if asked.method == "GET"]


class _Answers(BaseHTTPRequestHandler):
    server: _WithShelf

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        shelf = self.server.shelf
        shelf.asked.append(
            Asked(
                self.command,
                self.path,
                self.headers.get("Range"),
                self.headers.get("Authorization"),
                self.headers.get("User-Agent", ""),
            )
        )
        fault = shelf.faults.popleft() if shelf.faults else None
        path = unquote(self.path)
        if isinstance(fault, Refuse):
            self._end(fault.status)
        elif path in shelf.files:
            self._send(shelf.files[path], fault)
        elif "/resolve/" in path:
            self._redirect(path, shelf)
        else:
            self._end(404)

    def _end(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, path: str, shelf: Server) -> None:
        """Answer as the hub does for a large file: what it is, and where its contents are."""
        repo, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        name = f"{repo}/{file}"
        commit = COMMIT if revision == "main" else revision
        if name not in shelf.hub:
            self._end(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
            return
        content = shelf.hub[name]
        sha256 = hashlib.sha256(content).hexdigest()
        assert shelf.elsewhere is not None
        shelf.elsewhere.files[f"/{sha256}"] = content
        self._end(
            302,
            Location=f"{shelf.elsewhere.url}/{sha256}",
            ETag='"0123456789abcdef0123456789abcdef01234567"',
            X_Repo_Commit=commit,
            X_Linked_Etag=f'"{sha256}"',
            X_Linked_Size=str(len(content)),
            Accept_Ranges="bytes",
        )

    def _send(self, content: bytes, fault: Fault | None) -> None:
        start = 0
        asked = self.headers.get("Range")
        if asked is not None and not isinstance(fault, Deny | Send):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if isinstance(fault, Deny) and fault.how == "not at all":
            self._end(416)
            return
        body = fault.body if isinstance(fault, Send) else content[start:]
        if start or (isinstance(fault, Deny) and fault.how == "other part"):
            self.send_response(206)
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        else:
            self.send_response(200)
        if not (isinstance(fault, Send) and fault.silent):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: fault.after] if isinstance(fault, Drop | Stall) else body)
        if isinstance(fault, Stall):
            self.server.shelf.silent.set()
            self.server.shelf.ended.wait()


@contextmanager
def answering(*headers: str, status: int = 200, body: bytes = b"") -> Iterator[str]:
    """Answer one request with exactly these headers, however wrong, and yield the address."""
    head = "\r\n".join((f"HTTP/1.1 {status} so", *headers, "", ""))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head.encode() + body)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/thing"
        thread.join()


class _WithShelf(ThreadingHTTPServer):
    daemon_threads = False
    shelf: Server

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def running() -> Iterator[Server]:
    """Run a server while the block runs."""
    with _WithShelf(("127.0.0.1", 0), _Answers) as listening:
        listening.shelf = Server(url=f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listening.shelf
        finally:
            listening.shelf.ended.set()
            listening.shutdown()
            thread.join()
