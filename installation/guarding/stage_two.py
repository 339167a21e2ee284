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
    """Return one mistake if any thread lacks a seccomp filter of the sandbox; otherwise none."""
    from installation.guarding.layers.seccomp import all_threads_filtered

    if all_threads_filtered():
        return []
    problem = "at least one thread lacks a seccomp filter of the sandbox"
    return [Mistake(SECCOMP, problem, "Report this as a bug.")]
