from __future__ import annotations

from pathlib import Path

import pytest

from installation.guarding.layers.bpf import REFUSED_ERRNO
from tests.support.children import (
    USERS,
    needs_guard,
    run_under_stage_one,
)


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_a_thread_outside_stage_two_is_found(user: str, tmp_path: Path) -> None:
    """A thread that is only under the filter of stage one is found."""
    program = """
    import os, threading
    from installation.guarding.layers import seccomp
    seccomp.install(seccomp.MIDDLE_STAGE, all_threads=True)
    end = threading.Event()
    earlier = threading.Thread(target=end.wait)
    earlier.start()
    print(seccomp.all_threads_filtered())
    seccomp.install(seccomp.stage_two(), all_threads=False)
    print(seccomp.all_threads_filtered())
    end.set()
    earlier.join()
    # Python's thread has ended; the kernel's may take a moment longer.
    while len(os.listdir("/proc/self/task")) > 1:
        os.sched_yield()
    print(seccomp.all_threads_filtered())
    """
    assert run_under_stage_one(program, user, tmp_path) == "False\nFalse\nTrue\n"


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_no_lock_is_left(user: str, tmp_path: Path) -> None:
    """From stage two on the show can set no locks, of which the kernel would list 16 bytes each."""
    program = """
    import fcntl, os
    from installation.guarding.layers import seccomp
    own = f" {os.getpid()} "
    with open("/etc/passwd") as file:
        fcntl.lockf(file, fcntl.LOCK_SH, 12345, 67890)
        print(any(own in line and "67890" in line for line in open("/proc/locks")))
        seccomp.install(seccomp.stage_two(), all_threads=True)
        for lock in (fcntl.lockf, fcntl.flock):
            try:
                lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as failure:
                print(failure.errno)
    """
    assert (
        run_under_stage_one(program, user, tmp_path) == f"True\n{REFUSED_ERRNO}\n{REFUSED_ERRNO}\n"
    )


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_other_programs_keep_their_settings(user: str, tmp_path: Path) -> None:
    """From stage two on the show cannot change another process's scheduling or a pipe's size.

    The control: before stage two the same calls succeed.
    """
    program = """
    import fcntl, os
    from installation.guarding.layers import seccomp
    read, write = os.pipe()
    other = os.fork()
    set_size = 1031
    if not other:
        os.read(read, 1)
        print(os.getpriority(os.PRIO_PROCESS, 0), fcntl.fcntl(read, set_size + 1), flush=True)
        os._exit(0)
    def mark(value):
        for call, arguments in (
            (os.setpriority, (os.PRIO_PROCESS, other, value)),
            (os.sched_setscheduler, (other, os.SCHED_BATCH, os.sched_param(0))),
            (os.sched_setaffinity, (other, os.sched_getaffinity(other))),
            (fcntl.fcntl, (write, set_size, value * 4096)),
        ):
            try:
                call(*arguments)
            except OSError as failure:
                print(failure.errno, flush=True)
    mark(15)
    seccomp.install(seccomp.stage_two(), all_threads=True)
    mark(19)
    os.write(write, b"x")
    os.wait()
    """
    refused = f"{REFUSED_ERRNO}\n" * 4
    assert run_under_stage_one(program, user, tmp_path) == f"{refused}15 65536\n"
