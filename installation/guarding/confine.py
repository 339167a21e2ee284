"""Confines a child process that reads or runs a stranger's file, with the sandbox of the show.

The child enters all stages at once. Before that, it has loaded its libraries and opened nothing; it
gets bytes through one pipe and answers through another. It cannot change files, contact programs or
start them, or use more memory and time than its limits allow.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys


def confine(memory: int, cpu_s: int) -> None:
    """Limit this process's memory, bytes, and processor time, s, and put it under the sandbox.

    An OSError of Landlock is ignored: a child of a show is already restricted by stage one, and on
    a kernel without Landlock the filters refuse the same calls. Raises OSError or
    NotImplementedError if another step fails on Linux; on other systems only the limits apply.
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
