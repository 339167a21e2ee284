"""The Unix socket through which the supervisor reports the kiosk's health to all local users.

A client that connects gets one JSON object, and the connection is closed; nothing is read from the
client. The socket is in a folder in memory: in the unit's runtime directory, or else in /dev/shm.
Rejected: a file, which would be written to a disk on some machines.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the name of the socket holds this process's number
UNIT_SOCKET = Path("/run/kiosk/status")
"""The socket of a show that runs under the unit that `kiosk service` prints."""

LARGEST_ANSWER = 8192
TIMEOUT_S = 2.0


class StatusSocket:
    """Listens for clients that ask for the health."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`. Raises OSError."""
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listening.setblocking(False)
            self._listening.bind(str(path))
            path.chmod(0o666)
            self._listening.listen(8)
        except OSError:
            self._listening.close()
            raise

    @classmethod
    def open(cls, environment: Mapping[str, str] = os.environ) -> StatusSocket:
        """Return the open socket of this process. Raises OSError if no suitable folder exists."""
        if folder := environment.get("RUNTIME_DIRECTORY"):
            return cls(Path(folder.split(":")[0], "status"))
        remove_stale()
        return cls(SHARED_MEMORY / f"kiosk-status-{os.getuid()}-{os.getpid()}")

    def fileno(self) -> int:
        """Return the socket's file descriptor, so that a selector can wait for connections."""
        return self._listening.fileno()

    def answer(self, snapshot: Mapping[str, object]) -> None:
        """Send `snapshot` to all waiting clients; does not block."""
        with contextlib.suppress(OSError):
            connection, _ = self._listening.accept()
            with connection:
                connection.setblocking(False)
                # It fits into the socket's buffer, so a client that never reads blocks nothing.
                connection.send(json.dumps(snapshot).encode())

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._listening.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def ask(path: Path) -> dict[str, object]:
    """Return the answer of the supervisor whose socket is `path`. Raises OSError or ValueError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(TIMEOUT_S)
        asking.connect(str(path))
        data = b""
        while len(data) < LARGEST_ANSWER and (more := asking.recv(LARGEST_ANSWER)):
            data += more
    answer = json.loads(data)
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer


def find_sockets(unit_socket: Path = UNIT_SOCKET, folder: Path = SHARED_MEMORY) -> Sequence[Path]:
    """Return the sockets of the kiosks running on this machine, the unit's socket first."""
    found = sorted(folder.glob("kiosk-status-*-*"), key=pid_of)
    # This user may have no permission to use the unit's folder; then `ask` raises OSError.
    return [unit_socket, *found] if os.path.lexists(unit_socket) else found


def pid_of(path: Path) -> int:
    """Return the supervisor's process ID from the name of its socket; 0 for the unit's socket."""
    number = re.search(r"-(\d+)$", path.name)
    return int(number[1]) if number else 0


def remove_stale(folder: Path = SHARED_MEMORY) -> None:
    """Remove each socket of this user whose supervisor no longer runs."""
    for path in folder.glob(f"kiosk-status-{os.getuid()}-*"):
        if not Path(f"/proc/{pid_of(path)}").exists():
            with contextlib.suppress(OSError):
                path.unlink()
