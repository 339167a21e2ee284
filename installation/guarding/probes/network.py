"""Probes that open network connections, or sockets to other programs on this machine."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from installation.guarding.probes.action import system_call
from installation.guarding.probes.probe import Action, Probe
from installation.guarding.status import SECCOMP

FAMILIES = {
    "AF_UNIX": 1,
    "AF_INET": 2,
    "AF_INET6": 10,
    "AF_NETLINK": 16,
    "AF_PACKET": 17,
    "AF_CAN": 29,
    "AF_BLUETOOTH": 31,
    "AF_ALG": 38,
    "AF_VSOCK": 40,
}
"""The numbers of the socket families, from the kernel's include/linux/socket.h. Python's own
constants are not used, because some builds of Python lack some of them.
"""

_ADDRESS = struct.pack("=HHI8x", socket.AF_INET, 9, 0x0100007F)


def _open_socket(family: int, kind: int) -> Action:
    return lambda scratch_dir: socket.socket(family, kind).close()


def _open_pair(kind: int) -> Action:
    def action(scratch_dir: Path) -> None:
        for end in socket.socketpair(socket.AF_UNIX, kind):
            end.close()

    return action


PROBES: tuple[Probe, ...] = (
    *(
        Probe(
            f"open a socket: {name}",
            f"socket({family}, {kind.name})",
            SECCOMP,
            _open_socket(FAMILIES[family], kind),
        )
        for name, family, kind in (
            ("TCP", "AF_INET", socket.SOCK_STREAM),
            ("UDP", "AF_INET", socket.SOCK_DGRAM),
            ("TCP over IPv6", "AF_INET6", socket.SOCK_STREAM),
            ("UDP over IPv6", "AF_INET6", socket.SOCK_DGRAM),
            ("raw packets", "AF_INET", socket.SOCK_RAW),
            ("network card", "AF_PACKET", socket.SOCK_RAW),
            ("kernel", "AF_NETLINK", socket.SOCK_RAW),
            ("host of a virtual machine", "AF_VSOCK", socket.SOCK_STREAM),
            ("kernel's ciphers", "AF_ALG", socket.SOCK_SEQPACKET),
            ("Bluetooth", "AF_BLUETOOTH", socket.SOCK_SEQPACKET),
            ("CAN bus", "AF_CAN", socket.SOCK_RAW),
            ("local program", "AF_UNIX", socket.SOCK_STREAM),
            ("local program, by messages", "AF_UNIX", socket.SOCK_DGRAM),
        )
    ),
    Probe(
        "open a pair of sockets",
        "socketpair(SOCK_STREAM)",
        SECCOMP,
        _open_pair(socket.SOCK_STREAM),
    ),
    Probe(
        "open a pair of datagram sockets",
        "socketpair(SOCK_DGRAM)",
        SECCOMP,
        _open_pair(socket.SOCK_DGRAM),
    ),
    Probe("connect", "connect()", SECCOMP, system_call("connect", -1, _ADDRESS, 16)),
    Probe("bind to an address", "bind()", SECCOMP, system_call("bind", -1, _ADDRESS, 16)),
    Probe("listen", "listen()", SECCOMP, system_call("listen", -1, 1)),
    Probe("accept a connection", "accept4()", SECCOMP, system_call("accept4", -1, None, None, 0)),
    Probe(
        "send to an address",
        "sendto()",
        SECCOMP,
        system_call("sendto", -1, b"x", 1, 0, _ADDRESS, 16),
    ),
)
