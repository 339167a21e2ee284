"""Puts a child process that reads or runs a stranger's file under the sandbox of the show.

The child loads its libraries, and then enters all stages at once. It gets bytes through one pipe
and answers through another. It cannot change files, contact or start programs, or use more memory
and time than its limits allow.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys


def confine(memory: int, cpu_s: int) -> None:
    """Put this process under the sandbox, and limit its memory (bytes) and processor time (s).

    An OSError of Landlock is ignored, for two reasons. If a show started this process, stage one of
    that show already restricts it. If the kernel has no Landlock, the filters refuse the calls that
    Landlock would refuse. If another step fails on Linux, OSError or NotImplementedError is raised.
    On other systems only the limits apply.
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
