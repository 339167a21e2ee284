from __future__ import annotations

import os
import select
import socket
import threading
from pathlib import Path

import pytest

from installation.running.status_socket import StatusSocket, ask, find_sockets, remove_stale


def answer_one(listening: StatusSocket, answer: dict[str, object]) -> threading.Thread:
    """Answer the next client in a thread, and return the thread."""

    def work() -> None:
        select.select([listening], [], [], 10)
        listening.answer(answer)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_every_user_may_ask(tmp_path: Path) -> None:
    """The socket is open to all, whatever the umask of the supervisor is."""
    before = os.umask(0o777)
    try:
        listening = StatusSocket(tmp_path / "status")
    finally:
        os.umask(before)
    assert (tmp_path / "status").stat().st_mode & 0o777 == 0o666
    thread = answer_one(listening, {"state": "running"})
    assert ask(tmp_path / "status") == {"state": "running"}
    thread.join()
    listening.close()
    assert not (tmp_path / "status").exists()


def test_a_client_that_neither_asks_nor_reads_holds_nothing_up(tmp_path: Path) -> None:
    """The answer fits into the socket's buffer, and the connection is closed without waiting."""
    listening = StatusSocket(tmp_path / "status")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(tmp_path / "status"))
        listening.answer({"faults": ["x" * 100] * 20})
    listening.answer({})  # Nobody is waiting.
    listening.close()


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    """A supervisor that was killed leaves its socket; the next one listens at the same place."""
    first = StatusSocket(tmp_path / "status")
    second = StatusSocket(tmp_path / "status")
    first._listening.close()
    thread = answer_one(second, {})
    assert ask(tmp_path / "status") == {}
    thread.join()
    second.close()


def test_sockets_of_ended_supervisors_are_removed(tmp_path: Path) -> None:
    """Only sockets of running processes stay."""
    user = os.getuid()
    alive, dead = (tmp_path / f"kiosk-status-{user}-{pid}" for pid in (os.getpid(), 1 << 30))
    for path in (alive, dead):
        path.touch()
    remove_stale(tmp_path)
    assert find_sockets(tmp_path / "none", tmp_path) == [alive]


def test_without_a_place_for_it_there_is_no_socket(tmp_path: Path) -> None:
    """If the socket's folder does not exist, an error is raised, which the launcher logs."""
    with pytest.raises(OSError, match="No such file"):
        StatusSocket.open({"RUNTIME_DIRECTORY": str(tmp_path / "none")})
