"""The first act of a show: makes its memory, and what it writes over its arguments, unreadable.

Other programs of the same user can read the memory of a newly executed program, so the launcher
cannot do this for the show. After `middle_stage` it cannot be undone.
"""

from __future__ import annotations

import contextlib
import sys


def close_to_others() -> None:
    """Protect the memory of this process, and tell the kernel that it has no arguments.

    Failures are reported later: `middle_stage` reports unprotected memory, and `host` readable
    arguments.
    """
    if sys.platform != "linux":
        return
    from installation.guarding.layers import limits

    for step in (limits.protect_memory, limits.empty_arguments):
        with contextlib.suppress(OSError, NotImplementedError):
            step()
