"""The supervisor's record of a process that the launcher has started.

This module is separate because the launcher starts the first process before it imports the
supervisor.
"""

from __future__ import annotations

import signal
from typing import NamedTuple

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end the show: sent by Ctrl-C, by systemd, and by a terminal that is closed."""


class Started(NamedTuple):
    """A process that was started: its ID, the pipe it writes to, and the pipe it reads."""

    pid: int
    reading: int
    writing: int
