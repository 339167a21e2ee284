"""The middle stage of the sandbox, entered when the window is open and fonts have been found.

After this, the show loads torch, label sets and networks, which may contain dangerous code. The
code cannot contact another program through a socket, start a program, or leave a process behind.
So it cannot prepare anything that would keep working after stage two, and therefore the show may
enter stage two after the loading.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from installation.errors import Mistake
from installation.guarding.status import MEMORY_PROTECTION, SECCOMP, missing_layer


def enter_middle_stage() -> list[Mistake]:
    """Set up every layer of the middle stage, for all threads; return the layers that are missing.

    PATH is set to a missing folder, so that libraries find no program. Some libraries look for a
    program while they are imported; ctypes, for example, looks for a compiler. A library that finds
    its program writes files for the program. The sandbox refuses these files, so the import would
    fail.
    """
    os.environ["PATH"] = "/nonexistent"
    from installation.guarding.layers import limits, seccomp

    missing = []
    steps: list[tuple[str, Callable[[], object]]] = []
    # A show has done this in its first act already, but the child processes of tests have not.
    if not limits.memory_is_protected():
        steps.append((MEMORY_PROTECTION, limits.protect_memory))
    steps.append((SECCOMP, lambda: seccomp.install(seccomp.MIDDLE_STAGE, all_threads=True)))
    for layer, step in steps:
        try:
            step()
        except (OSError, NotImplementedError) as failure:
            missing.append(missing_layer(layer, failure, "Use a Linux kernel with seccomp."))
    return missing
