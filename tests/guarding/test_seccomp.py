from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding import kernel
from installation.guarding.seccomp import FIRST, Instruction, Refusal, program, second

ARCHITECTURES = {0: 0xC000003E, 1: 0xC00000B7}
ALLOWED = 0x7FFF0000


def judged(
    code: list[Instruction], machine: int, number: int, arguments: tuple[int, ...] = ()
) -> int:
    """Return what the filter returns for a call: an interpreter of the kernel's small machine."""
    words = {0: number, 4: ARCHITECTURES[machine]}
    for index, argument in enumerate((*arguments, *(0,) * 6)[:6]):
        words[16 + 8 * index] = argument & 0xFFFFFFFF
        words[20 + 8 * index] = argument >> 32
    accumulator, at = 0, 0
    while True:
        what, if_true, if_false, value = code[at]
        at += 1
        if what == 0x06:
            return value
        if what == 0x20:
            accumulator = words[value]
            continue
        true = {
            0x15: accumulator == value,
            0x25: accumulator > value,
            0x45: bool(accumulator & value),
        }[what]
        at += if_true if true else if_false


def refused(error: int = errno.EPERM) -> int:
    """Return what a filter says to refuse with `error`."""
    return 0x00050000 | error


@pytest.mark.parametrize("machine", [0, 1])
@pytest.mark.parametrize("refusals", [FIRST, second()])
def test_what_is_listed_is_refused_on_both_machines(
    machine: int, refusals: tuple[Refusal, ...]
) -> None:
    """Each call that is refused as a whole is refused under its number on either machine."""
    code = program(refusals, machine)
    for refusal in refusals:
        number = kernel.NUMBERS[refusal.call][machine]
        if number is not None and refusal.argument is None:
            assert judged(code, machine, number) == refused(refusal.error), refusal.call


@given(st.sampled_from((0, 1)), st.integers(0, kernel.LAST_KNOWN))
def test_what_is_not_listed_is_allowed(machine: int, number: int) -> None:
    """The filter refuses what it names and nothing else."""
    for refusals in (FIRST, second()):
        named = {kernel.NUMBERS[refusal.call][machine] for refusal in refusals}
        if number not in named:
            assert judged(program(refusals, machine), machine, number) == ALLOWED


@given(st.integers(kernel.LAST_KNOWN + 1, 2**32 - 1))
def test_calls_that_came_later_do_not_exist(number: int) -> None:
    """A kernel newer than the list has no calls that nobody looked at."""
    assert judged(program(FIRST, 0), 0, number) == refused(errno.ENOSYS)


def test_another_architecture_ends_the_program() -> None:
    """Calls made as a 32-bit program makes them have other numbers; they end the process."""
    assert judged(program(FIRST, 0), 1, 1) == 0x80000000


@given(st.integers(0, 2**64 - 1))
def test_arguments_are_looked_at(value: int) -> None:
    """Threads may start and signals go to this process; processes and other targets are refused."""
    code = program((*FIRST, *second()), 0)

    def said(call: str, *arguments: int) -> bool:
        number = kernel.NUMBERS[call][0]
        assert number is not None
        return judged(code, 0, number, arguments) == ALLOWED

    low = value & 0xFFFFFFFF
    assert said("clone", value) == bool(low & 0x10000)
    assert said("kill", value, 9) == (low == os.getpid())
    assert said("sendto", 1, 2, 3, 4, value) == (value == 0)
    assert said("prlimit64", 0, 1, value) == (value == 0)


def test_only_unix_sockets_in_the_first_stage() -> None:
    """While the show starts it may reach the display and no network."""
    code = program(FIRST, 0)
    number = kernel.NUMBERS["socket"][0]
    assert number is not None
    families = [family for family in range(46) if judged(code, 0, number, (family,)) == ALLOWED]
    assert families == [1]
