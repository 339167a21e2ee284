"""Confines a child process that reads or runs what a stranger made, as the show itself is confined.

Both stages at once: the child has loaded its libraries and opened nothing, gets bytes through a
pipe, and answers through another one. It can change no file, reach no program and start none, and
takes no more memory and time than it was given.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys


def confine(memory: int, cpu_s: int) -> None:
    """Limit this process to `memory`, bytes, and `cpu_s` of processor time, and to the sandbox.

    A child of a show is under stage one already; elsewhere a kernel without Landlock leaves the
    filters, which refuse the same. Raises OSError or NotImplementedError if a Linux cannot do that;
    other systems have the limits only.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        from installation.guarding.layers import landlock, limits, seccomp

        landlock.set_no_new_privileges()
        with contextlib.suppress(OSError):
            landlock.restrict([])
        if os.geteuid() == 0:
            limits.drop_capabilities()
        filters = (seccomp.STAGE_ONE, seccomp.MIDDLE_STAGE, seccomp.stage_two())
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        for each in filters:
            seccomp.install(each, all_threads=True)
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
