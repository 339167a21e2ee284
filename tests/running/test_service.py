from __future__ import annotations

import socket
from pathlib import Path

import pytest

from installation.running.service import ServiceManager, started_by_systemd


@pytest.mark.parametrize(
    ("environment", "service"),
    [
        ({"SYSTEMD_EXEC_PID": "7"}, True),
        ({"SYSTEMD_EXEC_PID": "70", "INVOCATION_ID": "a terminal of the desktop"}, False),
        ({"INVOCATION_ID": "a terminal of the desktop"}, False),
        ({}, False),
    ],
)
def test_only_the_process_that_systemd_started_is_a_service(
    environment: dict[str, str], service: bool
) -> None:
    """A terminal, which inherits systemd's variables from the desktop, is not a service."""
    assert started_by_systemd(environment, pid=7) is service


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_of_start_life_and_end(abstract: bool, tmp_path: Path) -> None:
    """The messages are those of sd_notify, to a socket in a folder or an abstract one."""
    name = f"@kiosk-test-{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0", 1))
        manager = ServiceManager.from_environment({"NOTIFY_SOCKET": name})
        manager.extend_start(90)
        manager.ready()
        manager.alive()
        manager.status("running")
        manager.stopping()
        told = [systemd.recv(100) for _ in range(5)]
    assert told == [
        b"EXTEND_TIMEOUT_USEC=90000000",
        b"READY=1",
        b"WATCHDOG=1",
        b"STATUS=running",
        b"STOPPING=1",
    ]


def test_without_systemd_nobody_is_told(tmp_path: Path) -> None:
    """Without systemd's variable or socket no message is sent, and no error is raised."""
    ServiceManager.from_environment({}).ready()
    ServiceManager(str(tmp_path / "gone")).ready()


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    """A watchdog that is meant for another process is ignored."""
    assert ServiceManager.from_environment(environment, pid=7).watchdog_s == watchdog_s
