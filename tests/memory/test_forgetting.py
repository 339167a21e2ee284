from __future__ import annotations

import pytest

from installation.memory.forgetting import forget_all


class Holder:
    """Holds a picture; with a `failure`, cannot forget it."""

    def __init__(self, failure: str | None = None) -> None:
        self.holds = True
        self._failure = failure

    def forget(self) -> None:
        if self._failure:
            raise RuntimeError(self._failure)
        self.holds = False


def test_all_parts_forget_even_if_one_of_them_fails() -> None:
    """A network that has failed does not keep the other parts from forgetting a visitor."""
    first, broken, last = Holder(), Holder("out of memory"), Holder()
    with pytest.raises(RuntimeError, match="out of memory"):
        forget_all([first, broken, last])
    assert not first.holds
    assert not last.holds
