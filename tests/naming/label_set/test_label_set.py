from __future__ import annotations

from pathlib import Path

from tests.support.label_sets import YAML, load_weather, write_label_set


def test_the_title_needs_a_font(tmp_path: Path) -> None:
    """The title needs a font too, because the staff card shows it."""
    write_label_set(tmp_path, yaml=YAML.replace("Weather", "Погода"))
    assert "Погода" in load_weather(tmp_path).texts()
