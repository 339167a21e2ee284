"""An interpreter of classic BPF, for tests of the filters."""

from __future__ import annotations

from collections.abc import Sequence

from installation.guarding.layers import syscalls
from installation.guarding.layers.bpf import REFUSED_ERRNO, Filter, Instruction, program

ARCHITECTURES = {0: 0xC000003E, 1: 0xC00000B7}
ALLOWED = 0x7FFF0000


def filter_result(
    code: list[Instruction], machine: int, number: int, arguments: tuple[int, ...] = ()
) -> int:
    """Return what the filter `code` returns for a system call; an interpreter of classic BPF."""
    words = {0: number, 4: ARCHITECTURES[machine]}
    for index, argument in enumerate((*arguments, *(0,) * 6)[:6]):
        words[16 + 8 * index] = argument & 0xFFFFFFFF
        words[20 + 8 * index] = argument >> 32
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            accumulator = words[value]
            continue
        if operation == 0x54:
            accumulator &= value
            continue
        holds = {
            0x15: accumulator == value,
            0x25: accumulator > value,
            0x45: bool(accumulator & value),
        }[operation]
        at += if_true if holds else if_false


def refused(error: int = REFUSED_ERRNO) -> int:
    """Return the filter result that refuses a call with `error`."""
    return 0x00050000 | error


def answer(filters: Sequence[Filter], machine: int, call: str, *arguments: int) -> int | None:
    """Return the error with which `filters`, the newest last, refuse `call`; None if they do not.

    As the kernel does it: of several that refuse, the newest decides.
    """
    number = syscalls.NUMBERS[call][machine]
    assert number is not None
    for each in reversed(filters):
        result = filter_result(program(each, machine), machine, number, arguments)
        if result != ALLOWED:
            return result & 0xFFFF
    return None
