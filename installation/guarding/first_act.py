"""The first act of a show: makes its memory and its arguments unreadable for other programs.

Every user can read the arguments of a process. The kernel takes the arguments from the memory of
that process. So a show could replace its arguments with pictures, and other users could read them.

The launcher cannot do this for the show: executing a program sets new arguments, and makes the
memory of the process readable again for other programs of the same user.

When the window is open and fonts have been found, the middle stage of the sandbox adds a filter of
system calls. From then on, the show cannot undo what is done here.
"""

from __future__ import annotations

import contextlib
import sys


def close_to_others() -> None:
    """Protect the memory of this process from other programs, and hide its arguments.

    Failures are ignored here and reported later: `middle_stage` reports unprotected memory, and
    `host` reports readable arguments.
    """
    if sys.platform != "linux":
        return
    from installation.guarding.layers import limits

    for step in (limits.protect_memory, limits.empty_arguments):
        with contextlib.suppress(OSError, NotImplementedError):
            step()
