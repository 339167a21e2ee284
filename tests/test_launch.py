from __future__ import annotations

from pathlib import Path

import pytest

from installation import launch


@pytest.mark.parametrize(
    ("text", "privacy"),
    [
        ("privacy: degraded\n", "degraded"),
        ("privacy: enforce\n", "enforce"),
        ("labels: persons\n", "enforce"),
        ("privacy: degradd\n", "enforce"),
        ("privacy: [degraded\n", "enforce"),
        ("camera: {privacy: degraded}\n", "enforce"),
        ("- privacy: degraded\n", "enforce"),
        ("[" * 5000, "enforce"),
        ("", "enforce"),
    ],
)
def test_only_the_plain_word_degraded_weakens_the_guard(
    text: str, privacy: str, tmp_path: Path
) -> None:
    """A file that is missing, wrong or says nothing is taken for one that says `enforce`."""
    file = tmp_path / "kiosk.yaml"
    assert launch.privacy_of(file) == "enforce"
    file.write_text(text)
    assert launch.privacy_of(file) == privacy
