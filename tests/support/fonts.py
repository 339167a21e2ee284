"""Simulates machines with other fonts: without any, or with only the tests' fonts."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.settings.paths import PROJECT
from installation.showing.type import font_files

TEST_FONTS = PROJECT / "tests" / "showing" / "fonts"
"""Noto Sans CJK JP Bold, cut down by fontTools to the letters of the Japanese golden screen.

No package has a face for Japanese, and each system's draws a little differently. The licence, the
SIL Open Font License 1.1, is in the file.
"""


def hide_system_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drop the fonts of the system that were found, and prevent new searches by fontconfig."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(font_files, "_system_faces", {})


def use_test_fonts(monkeypatch: pytest.MonkeyPatch, folder: Path, fonts: Path = TEST_FONTS) -> None:
    """Let fontconfig find the font files in `fonts` alone; `folder` is for its own files."""
    file = folder / "fonts.conf"
    file.write_text(
        f"<fontconfig><dir>{fonts}</dir><cachedir>{folder}/cache</cachedir></fontconfig>"
    )
    monkeypatch.setenv("FONTCONFIG_FILE", str(file))
    monkeypatch.setattr(font_files, "_system_faces", {})
