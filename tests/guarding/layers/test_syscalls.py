from __future__ import annotations

import re
from pathlib import Path

import pytest

from installation.guarding.layers import syscalls


@pytest.mark.parametrize(
    ("machine", "header"),
    [(0, "x86_64-linux-gnu/asm/unistd_64.h"), (1, "asm-generic/unistd.h")],
)
def test_the_numbers_are_those_of_the_kernel(machine: int, header: str) -> None:
    """Each number is that of the kernel's own header, as far as the installed header goes."""
    file = Path("/usr/include", header)
    if not file.exists():
        pytest.skip(f"the kernel's header {file} is not installed")
    defined = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", file.read_text(), re.MULTILINE)
    numbers = {name: int(number) for name, number in defined}
    newest = max(numbers.values())
    for name, columns in syscalls.NUMBERS.items():
        known = columns[machine]
        assert numbers.get(name) == known or (known or 0) > newest, name
    assert len(numbers) > 200
