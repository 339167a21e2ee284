"""Finds out whether systemd started this process, and sends the messages that systemd expects.

sd_notify(3) describes the protocol: each message is a datagram to the socket that `NOTIFY_SOCKET`
names.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
"""The environment variables in which systemd passes the address of its socket, the interval of the
watchdog (µs), and the ID of the process that the watchdog watches.
"""


def started_by_systemd(environment: Mapping[str, str] = os.environ, pid: int | None = None) -> bool:
    """Return whether this process is the main process of a systemd unit.

    systemd 248 and later write the ID of that process into its environment, as `SYSTEMD_EXEC_PID`
    (systemd.exec(5)). A terminal inherits this variable from the desktop, but with another
    process's ID. Rejected:
    `INVOCATION_ID`, which a terminal inherits too, and which contains no process ID. `pid` is this
    process by default.
    """
    return environment.get("SYSTEMD_EXEC_PID") == str(os.getpid() if pid is None else pid)


class ServiceManager:
    """Sends messages to systemd; without systemd it sends nothing."""

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        """Send messages to the socket `address`; send none if it is None.

        `watchdog_s` is the time after which systemd ends a service that sends no message, s; None:
        no limit.
        """
        self._address = address
        self.watchdog_s = watchdog_s

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, pid: int | None = None
    ) -> ServiceManager:
        """Return the service manager of this process; without systemd, one that sends nothing."""
        usec = environment.get(WATCHDOG_USEC, "")
        meant = environment.get(WATCHDOG_PID, str(os.getpid() if pid is None else pid))
        is_meant = meant == str(os.getpid() if pid is None else pid)
        watchdog_s = int(usec) / 1e6 if usec.isdecimal() and is_meant else None
        return cls(environment.get(NOTIFY_SOCKET), watchdog_s)

    def ready(self) -> None:
        """Tell systemd that the service has started."""
        self._send("READY=1")

    def extend_start(self, seconds: float) -> None:
        """Tell systemd to wait for `ready` at least `seconds` from now on.

        systemd ends a service that is not ready after TimeoutStartSec. This message extends that
        time. If the service is not ready then and has not sent the message again, systemd ends it
        (sd_notify(3)).
        """
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def alive(self) -> None:
        """Tell systemd that the service is alive."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell systemd that the service is stopping."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Set the status line that `systemctl status` prints."""
        self._send(f"STATUS={text}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # An address that begins with @ is an abstract one, which begins with a zero byte.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            sender.sendto(message.encode(), address)
