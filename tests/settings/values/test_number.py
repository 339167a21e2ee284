"""Tests of numbers as people write them; tests/settings/test_schema_words.py has their remedies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.settings.values.number import number_remedy

SECONDS = {"type": "number", "minimum": 0.5, "maximum": 3600}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}


@pytest.mark.parametrize(
    ("text", "option", "remedy"),
    [
        ("8 seconds", SECONDS, "Write 8."),
        ("8s", SECONDS, "Write 8."),
        ("1 h", SECONDS, "Write 3600."),
        ("2 h", SECONDS, ""),
        ("6e1", SECONDS, ""),
        ("60 Prozent", SHARE, "Write 0.6."),
        ("half", SHARE, ""),
    ],
)
def test_a_number_with_a_unit_is_written_in_the_settings_own(
    text: str, option: dict[str, object], remedy: str
) -> None:
    """Units of time become seconds, percentages become shares, and a word is not a number."""
    assert number_remedy(text, option) == remedy


@given(st.text("0123456789.,%' /½xhms-+", max_size=12))
def test_a_proposed_number_is_allowed(text: str) -> None:
    """Whatever is written, a number that a remedy proposes is within the bounds of the setting."""
    for option, low, high in ((SECONDS, 0.5, 3600), (SHARE, 0, 1)):
        remedy = number_remedy(text, option)
        if remedy.startswith("Write ") and "at " not in remedy:
            number = float(remedy.removeprefix("Write ").split(",")[0].rstrip("."))
            assert low <= number <= high
