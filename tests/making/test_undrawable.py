from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from installation.errors import LabelSetError
from installation.making import check_set
from installation.making.build.build import build
from installation.making.preview.preview import preview
from installation.settings.kiosk import Settings
from tests.support.fonts import hide_system_fonts
from tests.support.label_sets import HEADER, YAML, write_label_set


def _check(models: Path) -> None:
    list(check_set.check_lines("weather", models))


def _build(models: Path) -> None:
    build("weather", models)


def _preview(models: Path) -> None:
    preview("weather", (1920, 1080), Settings(), models)


@pytest.mark.parametrize("command", [_check, _build, _preview])
@pytest.mark.parametrize(
    ("letter", "seen"),
    [
        ("🌧", "🌧 (U+1F327), in Emoji"),
        ("ᜊ\u20dd", "ᜊ⃝ (U+170A U+20DD), in Tagalog"),
    ],
)
def test_check_build_and_preview_name_the_row_and_the_letter(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[Path], None],
    letter: str,
    seen: str,
) -> None:
    """`check`, `build` and `preview` refuse a letter that no font draws, with its row.

    It is reported before anything is computed, and in hidden rows as well.
    """
    hide_system_fonts(monkeypatch)
    yaml = YAML.replace("title: ", f"title: {letter}")
    rows = (HEADER, "rain,rain,it rains,,", f"snow,snow,it {letter} snows,,slur")
    write_label_set(tmp_path, *rows, yaml=yaml)
    with pytest.raises(LabelSetError) as caught:
        command(tmp_path)
    messages = [str(mistake) for mistake in caught.value.mistakes]
    for place in ("labelset.yaml: ", "labels.csv:3: "):
        (line,) = (line for line in messages if f"/{place}" in line)
        assert seen in line
