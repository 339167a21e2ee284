from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.children import USERS, needs_guard, run_under_stage_one


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_no_program_is_reached_or_started_from_the_middle_stage_on(
    user: str, tmp_path: Path
) -> None:
    """After the middle stage no socket can be opened, and no program found or started."""
    program = """
    import os, shutil, socket
    from installation.guarding.layers.limits import memory_is_protected
    from installation.guarding.middle_stage import enter_middle_stage
    print(enter_middle_stage(), memory_is_protected(), shutil.which("true"))
    for attempt in (
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: socket.socket(socket.AF_UNIX),
        os.fork,
        lambda: os.execv("/bin/true", ["true"]),
    ):
        try:
            attempt()
            print("done")
        except OSError:
            print("refused")
    """
    lines = run_under_stage_one(program, user, tmp_path).splitlines()
    assert lines == ["[] True None", *["refused"] * 4]


@pytest.mark.parametrize("user", USERS)
@needs_guard
def test_memory_that_was_opened_to_others_is_protected_again(user: str, tmp_path: Path) -> None:
    """The middle stage closes memory that was opened to other processes, and keeps it closed."""
    program = """
    from installation.guarding.first_act import close_to_others
    from installation.guarding.layers import limits, syscalls
    from installation.guarding.middle_stage import enter_middle_stage
    PR_SET_DUMPABLE = 4
    close_to_others()
    syscalls.prctl(PR_SET_DUMPABLE, 1)
    print(limits.memory_is_protected())
    print(enter_middle_stage(), limits.memory_is_protected())
    try:
        syscalls.prctl(PR_SET_DUMPABLE, 1)
        print("done")
    except OSError:
        print("refused", limits.memory_is_protected())
    """
    lines = run_under_stage_one(program, user, tmp_path).splitlines()
    assert lines == ["False", "[] True", "refused True"]
