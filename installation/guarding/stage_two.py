"""Stage two of the sandbox: the show keeps only the rights that it needs to run.

From here on no file can grow, and the last seccomp filter allows the system calls of a running show
(`layers.show_calls`) and no others. The filter covers all threads at once.
"""

from __future__ import annotations

from collections.abc import Callable

from installation.errors import Mistake
from installation.guarding.status import FILE_SIZE_LIMIT, SECCOMP, missing_layer


def enter_stage_two(landlock_version: int) -> list[Mistake]:
    """Set up every layer of stage two and return the layers that are missing.

    Without Landlock (version 0), no file may be opened for writing, not even a device.
    """
    from installation.guarding.layers import limits, seccomp

    missing = []
    filter_ = seccomp.stage_two(writes_devices=landlock_version > 0)
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        (FILE_SIZE_LIMIT, limits.forbid_file_growth),
        (SECCOMP, lambda: seccomp.install(filter_, all_threads=True)),
    )
    for layer, step in steps:
        try:
            step()
        except (OSError, NotImplementedError, ValueError) as failure:
            missing.append(missing_layer(layer, failure, "Use a Linux kernel with seccomp."))
    return missing


def unfiltered_threads() -> list[Mistake]:
    """Return a mistake if the filters of all stages do not cover every thread."""
    from installation.guarding.layers.seccomp import all_threads_filtered

    if all_threads_filtered():
        return []
    problem = "the filters of all stages do not cover every thread"
    return [Mistake(SECCOMP, problem, "Report this as a bug.")]
