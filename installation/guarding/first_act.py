"""The first act of a show: nobody else can read its memory, nor what it writes over its arguments.

A program that is executed can be read by every other program of its user again, so the launcher
cannot do this for it. `middle_stage` refuses to undo it.
"""

from __future__ import annotations

import contextlib
import sys


def close_to_others() -> None:
    """Protect the memory of this process, and tell the kernel that it has no arguments.

    What fails is found later: `middle_stage` reports unprotected memory, and `host` arguments.
    """
    if sys.platform != "linux":
        return
    from installation.guarding.layers import limits

    for step in (limits.protect_memory, limits.empty_arguments):
        with contextlib.suppress(OSError, NotImplementedError):
            step()
