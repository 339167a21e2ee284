"""Rules about system calls, and their translation to classic BPF for seccomp.

A filter is a list of rules. The first rule that names the call, and whose tests are all true,
decides. The kernel runs the instructions at each system call. They can compare numbers but cannot
read memory, so a rule can test a flag or a length, but not a path or other data behind a pointer.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from installation.guarding.layers import syscalls

REFUSED_ERRNO = errno.ECANCELED
"""The error number with which the filters refuse; the kernel never returns it for these calls.

EPERM would not show that a filter refused the call, because the kernel itself returns EPERM to
ordinary users.
"""

Instruction = tuple[int, int, int, int]
"""An instruction of classic BPF: (code, jump if true, jump if false, value)."""

# Constants of classic BPF and seccomp; from include/uapi/linux/bpf_common.h, seccomp.h and audit.h.
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_ARCHITECTURES = (0xC000003E, 0xC00000B7)
_LOW = 0xFFFFFFFF

Test = Callable[[int], list[Instruction]]
"""A function that takes a number N, and returns the instructions for a test of one argument of a
system call. If the test is true, execution continues with the instruction after them. If it is
false, execution skips N further instructions.
"""


@dataclass(frozen=True)
class Rule:
    """The decision about the system call `call` if all `tests` are true.

    The call fails with `error`. If `error` is 0, the call has no effect, but returns 0 as after
    success. If `error` is None, the call is made. `reason` says who needs the call, or why it is
    refused.
    """

    call: str
    tests: tuple[Test, ...] = ()
    error: int | None = REFUSED_ERRNO
    reason: str = ""


@dataclass(frozen=True)
class Filter:
    """The `rules` of one filter; calls without a matching rule fail with the error `otherwise`.

    If `otherwise` is None, the kernel makes these calls.
    """

    rules: tuple[Rule, ...]
    otherwise: int | None = None


def refuse(call: str, *tests: Test, error: int = REFUSED_ERRNO) -> Rule:
    """Return the rule that refuses `call` with `error` if all `tests` are true."""
    return Rule(call, tests, error)


def allow(call: str, reason: str, *tests: Test) -> Rule:
    """Return the rule that allows `call` if all `tests` are true.

    `reason` says what needs the call.
    """
    return Rule(call, tests, None, reason)


def one_of(argument: int, *values: int, mask: int = _LOW) -> Test:
    """Return a test that is true if the bits of `argument` in `mask` equal one of `values`."""

    def test(missed: int) -> list[Instruction]:
        *others, last = values
        equal = [(_EQUAL, len(others) - n, 0, value) for n, value in enumerate(others)]
        return [*_masked(argument, mask), *equal, (_EQUAL, 0, missed, last)]

    return test


def none_of(argument: int, *values: int, mask: int = _LOW) -> Test:
    """Return a test that is true if the bits of `argument` in `mask` equal none of `values`."""

    def test(missed: int) -> list[Instruction]:
        last = len(values) - 1
        equal = [(_EQUAL, last - n + missed, 0, value) for n, value in enumerate(values)]
        return [*_masked(argument, mask), *equal]

    return test


def has(argument: int, bits: int) -> Test:
    """Return the test that `argument` has at least one of `bits`."""
    return lambda missed: [_low(argument), (_ANY_BIT, 0, missed, bits)]


def lacks(argument: int, bits: int) -> Test:
    """Return the test that `argument` has none of `bits`."""
    return lambda missed: [_low(argument), (_ANY_BIT, missed, 0, bits)]


def nonzero(argument: int) -> Test:
    """Return the test that `argument`, such as an address, is not zero."""
    return lambda missed: [
        *(_low(argument), (_EQUAL, 0, 2, 0)),
        *(_high(argument), (_EQUAL, missed, 0, 0)),
    ]


def zero(argument: int) -> Test:
    """Return the test that `argument`, such as an address, is zero."""
    return lambda missed: [
        *(_low(argument), (_EQUAL, 0, missed + 2, 0)),
        *(_high(argument), (_EQUAL, 0, missed, 0)),
    ]


def family(argument: int, byte: int) -> Test:
    """Return the test that the second byte of `argument`, the family of an ioctl, is `byte`."""
    return one_of(argument, byte << 8, mask=0xFF00)


def above(argument: int, limit: int) -> Test:
    """Return a test that is true if `argument`, as a 64-bit number, is greater than `limit`."""
    high, low = limit >> 32, limit & _LOW
    return lambda missed: [
        *(_high(argument), (_GREATER, 3, 0, high), (_EQUAL, 0, missed + 2, high)),
        *(_low(argument), (_GREATER, 0, missed, low)),
    ]


def at_most(argument: int, limit: int) -> Test:
    """Return a test that is true if `argument`, as a 64-bit number, is at most `limit`."""
    high, low = limit >> 32, limit & _LOW
    return lambda missed: [
        *(_high(argument), (_GREATER, missed + 3, 0, high), (_EQUAL, 0, 2, high)),
        *(_low(argument), (_GREATER, missed, 0, low)),
    ]


def program(filter_: Filter, machine: int) -> list[Instruction]:
    """Return the instructions of `filter_` for `machine`, a column of `syscalls.NUMBERS`.

    Calls of another architecture, calls with a number above `syscalls.LAST_KNOWN`, and calls by
    x86-64's second set of numbers (x32) fail as if they did not exist. If the filter killed the
    process instead, the kernel would log the number of the call and an address. The show could
    choose both, and so write data into the kernel's log.
    """
    does_not_exist = (_RETURN, 0, 0, _FAIL | errno.ENOSYS)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        does_not_exist,
        (_LOAD, 0, 0, _NUMBER_AT),
        (_GREATER, 0, 1, syscalls.LAST_KNOWN),
        does_not_exist,
    ]
    for rule in filter_.rules:
        number = syscalls.NUMBERS[rule.call][machine]
        if number is not None:
            block = _block(rule)
            code += [(_LOAD, 0, 0, _NUMBER_AT), (_EQUAL, 0, len(block), number), *block]
    return [*code, (_RETURN, 0, 0, _answer(filter_.otherwise))]


def _block(rule: Rule) -> list[Instruction]:
    """Return the instructions for the tests and the decision of `rule`.

    `program` adds the check that the call is the one that `rule` names. If a test is false, the
    rest of these instructions is skipped.
    """
    code: list[Instruction] = [(_RETURN, 0, 0, _answer(rule.error))]
    for test in reversed(rule.tests):
        code = [*test(len(code)), *code]
    return code


def _answer(error: int | None) -> int:
    return _ALLOW if error is None else _FAIL | error


def _low(argument: int) -> Instruction:
    """Return the instruction that loads the low half of `argument`, on little-endian machines."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)


def _high(argument: int) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument + 4)


def _masked(argument: int, mask: int) -> list[Instruction]:
    return [_low(argument)] if mask == _LOW else [_low(argument), (_AND, 0, 0, mask)]
