"""A machine without fonts of its own."""

from __future__ import annotations

import pytest

from installation.showing.type import font_files


def hide_system_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the fonts of the system that were found, and let fontconfig not be asked again."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(font_files, "_system_faces", {})
