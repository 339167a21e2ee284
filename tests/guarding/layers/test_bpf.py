from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.guarding.layers.bpf import (
    Filter,
    Test,
    above,
    allow,
    at_most,
    family,
    has,
    lacks,
    none_of,
    nonzero,
    one_of,
    refuse,
    zero,
)
from tests.support.bpf import answer

NUMBERS = st.one_of(
    st.integers(0, 2**64 - 1), st.integers(0, 300), st.integers(2**32 - 2, 2**32 + 2)
)

TESTS: dict[str, tuple[Test, Callable[[int], bool]]] = {
    "one of several": (one_of(2, 3, 7, 200), lambda n: n % 2**32 in (3, 7, 200)),
    "one of several, masked": (one_of(2, 3, 7, mask=0x7F), lambda n: n & 0x7F in (3, 7)),
    "none of several": (none_of(2, 3, 7, 200), lambda n: n % 2**32 not in (3, 7, 200)),
    "one bit of several": (has(2, 0b1010), lambda n: bool(n & 0b1010)),
    "no bit of several": (lacks(2, 0b1010), lambda n: not n & 0b1010),
    "a given address": (nonzero(2), lambda n: n != 0),
    "a missing address": (zero(2), lambda n: n == 0),
    "a family": (family(2, 0x56), lambda n: n & 0xFF00 == 0x5600),
    "above a number": (above(2, 2**32 + 1), lambda n: n > 2**32 + 1),
    "above a small number": (above(2, 200), lambda n: n > 200),
    "at most a number": (at_most(2, 2**32 + 1), lambda n: n <= 2**32 + 1),
    "at most a small number": (at_most(2, 200), lambda n: n <= 200),
}


@pytest.mark.parametrize("name", TESTS)
@given(first=NUMBERS, second=NUMBERS)
def test_an_argument_is_tested(name: str, first: int, second: int) -> None:
    """Each test of an argument decides correctly, alone and together with another test."""
    test, expected = TESTS[name]
    for filter_, refused in (
        (Filter((refuse("ioctl", test),)), expected(first)),
        (Filter((refuse("ioctl", test, one_of(1, 5)),)), expected(first) and second % 2**32 == 5),
        (Filter((refuse("ioctl", one_of(1, 5), test),)), expected(first) and second % 2**32 == 5),
        (Filter((allow("ioctl", "", test),), otherwise=7), not expected(first)),
    ):
        assert (answer([filter_], 0, "ioctl", 0, second, first) is not None) == refused


@given(NUMBERS)
def test_the_first_rule_that_fits_decides(number: int) -> None:
    """A call with two rules is allowed if one of them fits; otherwise it is refused."""
    filter_ = Filter(
        (allow("ioctl", "", one_of(1, 3)), allow("ioctl", "", above(1, 99)), refuse("ioctl")),
        otherwise=38,
    )
    allowed = number % 2**32 == 3 or number > 99
    assert (answer([filter_], 0, "ioctl", 0, number) is None) == allowed
    assert answer([filter_], 0, "read") == 38
