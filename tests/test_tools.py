from __future__ import annotations

import pytest

from tests.support.tools import PACKAGES, header, tool


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_program_fails_the_test(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs a program is not skipped without it, and names its package."""
    monkeypatch.setenv("PATH", "/nonexistent")
    message = f"{name} is not installed. Run: apt-get install {PACKAGES[name]}"
    with pytest.raises(pytest.fail.Exception, match=f"^{message}$"):
        tool(name)


def test_a_missing_header_fails_the_test() -> None:
    """A missing header of the kernel fails the test as well."""
    with pytest.raises(pytest.fail.Exception, match="apt-get install linux-libc-dev"):
        header("asm-generic/missing.h")
