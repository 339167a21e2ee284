"""A process that the launcher has started, as the supervisor knows it.

This is a module of its own because the launcher starts the first process before it imports the
supervisor.
"""

from __future__ import annotations

import signal
from typing import NamedTuple

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end the show: Ctrl-C, systemd's, and that of a terminal that is closed."""


class Started(NamedTuple):
    """A process that was started: its number, the pipe that it writes to, and the one it reads."""

    pid: int
    reading: int
    writing: int
