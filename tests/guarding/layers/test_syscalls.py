from __future__ import annotations

import re

import pytest

from installation.guarding.layers import syscalls
from tests.support.tools import header


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        pytest.param(
            0,
            "x86_64-linux-gnu/asm/unistd_64.h",
            marks=pytest.mark.skipif(syscalls.MACHINE != 0, reason="a header of x86-64"),
        ),
        (1, "asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernel(machine: int, name: str) -> None:
    """Each number equals the number in the installed kernel header, if the header has the call."""
    definition = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)
    numbers = {call: int(number) for call, number in definition.findall(header(name))}
    # The generic header lacks the prefix that other machines have.
    numbers.setdefault("newfstatat", numbers.get("fstatat", -1))
    newest = max(numbers.values())
    for call, columns in syscalls.NUMBERS.items():
        known = columns[machine]
        assert numbers.get(call) == known or (known or 0) > newest, call
    assert len(numbers) > 200
