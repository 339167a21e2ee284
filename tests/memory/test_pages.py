from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from installation.memory.pages import allocate_pages
from installation.memory.pool import Pool
from tests.support.children import USERS, run

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how memory is kept")


def flags(address: int) -> set[str]:
    """Return the kernel's flags for the memory at `address`; see VmFlags in proc_pid_smaps(5)."""
    here = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            first, last = (int(end, 16) for end in name.split("-"))
            here = first <= address < last
        elif here and name == "VmFlags:":
            return set(rest.split())
    raise AssertionError("the address lies in no memory")


def test_memory_is_zero_and_as_large_as_it_should_be() -> None:
    """A new block contains zeros, and has the requested size."""
    memory, _ = allocate_pages(10_000)
    assert bytes(memory) == bytes(10_000)


@on_linux
def test_a_picture_is_in_no_core_dump_and_no_child() -> None:
    """The kernel leaves a picture's pages out of core dumps and out of forked processes."""
    picture = Pool().take(90, 160)
    assert {"dd", "dc"} <= flags(picture.ctypes.data)
    elsewhere = np.zeros((9000, 160, 3), np.uint8)
    assert not {"dd", "dc", "lo"} & flags(elsewhere.ctypes.data), "the control: others are in both"


@on_linux
def test_memory_that_counts_as_locked_is_locked() -> None:
    """Pages that are reported as locked are never written to swap."""
    pool = Pool()
    picture = pool.take(90, 160)
    assert ("lo" in flags(picture.ctypes.data)) is bool(pool.locked)
    assert pool.locked == 1, "each user may lock 8 MiB, and this is 42 KiB"


@on_linux
def test_memory_that_may_not_be_locked_does_not_count_as_locked(tmp_path: Path) -> None:
    """For a user who may not lock memory the show runs, and reports that no page is locked."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0));"
        "from installation.memory.pages import allocate_pages; print(allocate_pages(4096)[1])"
    )
    assert run("-c", program, user=USERS[-1], folder=tmp_path).stdout == "False\n"
