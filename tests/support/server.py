"""Web servers on this machine, with the faults of real ones; one answers as the hub does."""

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
"""The commit of every branch of every repository of the hub."""


@dataclass(frozen=True)
class Refuse:
    """Answers with a status and no file."""

    status: int


@dataclass(frozen=True)
class Drop:
    """Breaks the connection after a number of bytes of the body."""

    after: int


@dataclass(frozen=True)
class Stall:
    """Sends nothing after a number of bytes of the body, until the server ends."""

    after: int


@dataclass(frozen=True)
class Send:
    """Sends other bytes than the file's; if `silent`, without stating their number."""

    body: bytes
    silent: bool = False


@dataclass(frozen=True)
class Deny:
    """Does not resume: sends the whole file, another part, or status 416."""

    how: Literal["whole", "other part", "not at all"]


Fault = Refuse | Drop | Stall | Send | Deny


@dataclass(frozen=True)
class Request:
    """What a client requested."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    agent: str


@dataclass
class Server:
    """A server's files by path, the faults of its next answers, and the requests that it got."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    hub_files: dict[str, bytes] = field(default_factory=dict)
    """Large files as Hugging Face has them, by 'owner/name/file'."""
    store: Server | None = None
    """The server to which the hub redirects for the contents of large files."""
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set when the server has stopped in the middle of an answer."""
    ended: threading.Event = field(default_factory=threading.Event)

    def ranges(self) -> list[str | None]:
        """Return the Range of each GET request."""
        return [request.range for request in self.requests if request.method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server = self.server.content
        server.requests.append(
            Request(
                self.command,
                self.path,
                self.headers.get("Range"),
                self.headers.get("Authorization"),
                self.headers.get("User-Agent", ""),
            )
        )
        fault = server.faults.popleft() if server.faults else None
        path = unquote(self.path)
        if isinstance(fault, Refuse):
            self._end(fault.status)
        elif path in server.files:
            self._send(server.files[path], fault)
        elif "/resolve/" in path:
            self._redirect(path, server)
        else:
            self._end(404)

    def _end(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, path: str, hub: Server) -> None:
        """Answer as the hub does for a large file: what it is, and where its contents are."""
        repo, _, rest = path.strip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        name = f"{repo}/{file}"
        commit = COMMIT if revision == "main" else revision
        if name not in hub.hub_files:
            self._end(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
            return
        content = hub.hub_files[name]
        sha256 = hashlib.sha256(content).hexdigest()
        assert hub.store is not None
        hub.store.files[f"/{sha256}"] = content
        self._end(
            302,
            Location=f"{hub.store.url}/{sha256}",
            ETag='"0123456789abcdef0123456789abcdef01234567"',
            X_Repo_Commit=commit,
            X_Linked_Etag=f'"{sha256}"',
            X_Linked_Size=str(len(content)),
            Accept_Ranges="bytes",
        )

    def _send(self, content: bytes, fault: Fault | None) -> None:
        start = 0
        wanted = self.headers.get("Range")
        if wanted is not None and not isinstance(fault, Deny | Send):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
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
            self.server.content.stalled.set()
            self.server.content.ended.wait()


@contextmanager
def answering(*headers: str, status: int = 200, body: bytes = b"") -> Iterator[str]:
    """Answer one request with exactly these headers, valid or not, and yield the address."""
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


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False
    content: Server

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing about clients that hang up."""


@contextmanager
def running() -> Iterator[Server]:
    """Run a server while the block runs."""
    with _HttpServer(("127.0.0.1", 0), _Handler) as listening:
        listening.content = Server(url=f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listening.content
        finally:
            listening.content.ended.set()
            listening.shutdown()
            thread.join()
