from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Return a function that writes kiosk.yaml; models/ contains `persons` and `victorian`."""
    monkeypatch.chdir(tmp_path)
    for name in ("persons", "victorian"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "labelset.yaml").touch()

    def write(content: str | bytes) -> Path:
        path = tmp_path / "kiosk.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
