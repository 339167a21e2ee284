"""The first act of a show: makes its memory and its arguments unreadable for other programs.

A show could write pictures over its arguments, which every user can read unless they are hidden.
Executing a program makes the memory of the process readable again for other programs of the same
user, so the launcher cannot do this for the show. From the middle stage on, the show cannot undo
this.
"""

from __future__ import annotations

import contextlib
import sys


def close_to_others() -> None:
    """Protect the memory of this process, and tell the kernel that it has no arguments.

    Failures are reported later: `middle_stage` reports unprotected memory, and `host` reports
    readable arguments.
    """
    if sys.platform != "linux":
        return
    from installation.guarding.layers import limits

    for step in (limits.protect_memory, limits.empty_arguments):
        with contextlib.suppress(OSError, NotImplementedError):
            step()
