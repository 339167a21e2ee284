"""Whether a service manager keeps the show running, or a person has started it by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping


def started_by_systemd(environment: Mapping[str, str] = os.environ, pid: int | None = None) -> bool:
    """Return whether this process is the main process of a systemd unit.

    systemd 248 and later write the number of that process into its environment (systemd.exec(5)). A
    terminal inherits the variable from the desktop, with another number; `INVOCATION_ID`, which
    has no number, could not be told apart. `pid` is this process by default.
    """
    return environment.get("SYSTEMD_EXEC_PID") == str(os.getpid() if pid is None else pid)
