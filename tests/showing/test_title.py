from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pygame
import pytest

from installation.settings.kiosk import ScreenSettings, load_settings
from installation.show.context import open_context
from installation.show.privacy_line import without_privacy_line
from installation.showing.painter import Painter
from installation.showing.scenes.cards import title_card
from installation.showing.title import TitleSettings, open_title, read_title_settings

COUNTED = """
import json, os, sys
from installation.cli.main import main
from installation.showing import title
open_title = title.open_title
def open_and_count(*args, **kwargs):
    opened = open_title(*args, **kwargs)
    print(json.dumps([opened is not None, sorted(sys.modules)]), flush=True)
    os._exit(0)
title.open_title = open_and_count
main(["run", "--headless"])
"""

AFTER_THE_TITLE = {
    *("cv2", "pydantic", "pydantic_core", "onnxruntime", "torch", "scipy", "PIL"),
    *("installation.settings.kiosk", "installation.naming", "installation.seeing.frame"),
    *("installation.seeing.tracker", "installation.cli.check", "installation.show"),
}
"""Some of the modules that a show needs only when the title card is on the screen."""

MOST_MODULES = 420
"""Before the title card there are 375 modules with Python 3.11 and 391 with 3.14, including
NumPy's, which pygame-ce imports.
"""


def test_little_is_imported_before_the_title_card() -> None:
    """`kiosk run` paints the title card before it imports detectors, networks and scorers."""
    answer = subprocess.run(
        [sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True, timeout=60
    )
    is_painted, modules = json.loads(answer.stdout)
    assert is_painted
    assert not AFTER_THE_TITLE & set(modules)
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "labels: persons",
        "language: [de, en]\nscreen: {title: 'Wer bist du?', keys: false}",
        "language: fr\nscreen:\n  display: 0\n  title:\nwords:\n  loading: Un instant.",
        "screen: {display: auto, title: ''}",
    ],
)
def test_the_title_card_is_that_of_the_checked_settings(text: str, tmp_path: Path) -> None:
    """The settings that are read without a check make the same card as the checked ones."""
    file = tmp_path / "kiosk.yaml"
    file.write_text(text)
    opened = open_title(file, headless=True, windowed=(640, 360))
    assert opened is not None
    loaded = load_settings(file)
    assert opened.suits(loaded.settings.screen)
    checked = pygame.Surface((640, 360), depth=32)
    context = open_context(opened.screen, loaded)
    Painter(context.fonts).paint(title_card(without_privacy_line(context)), checked)
    assert pygame.image.tobytes(opened.screen.surface, "RGB") == pygame.image.tobytes(
        checked, "RGB"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "labels: [",
        "language: [de, en, fr]",
        "language: Deutsch",
        "language: {de: en}",
        "screen: {display: the big one}",
        "screen: {display: -1}",
        "screen: {keys: maybe}",
    ],
)
def test_an_unusual_setting_is_left_to_the_check(text: str, tmp_path: Path) -> None:
    """For an unusual file nothing is painted and nothing reported before the check."""
    file = tmp_path / "kiosk.yaml"
    file.write_text(text)
    assert open_title(file, headless=True, windowed=None) is None
    assert open_title(tmp_path / "none.yaml", headless=True, windowed=None) is None


def test_a_display_that_does_not_exist_is_left_to_the_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The show reports the display, with the line of kiosk.yaml."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    file = tmp_path / "kiosk.yaml"
    file.write_text("screen: {display: 9}")
    assert open_title(file, headless=False, windowed=(320, 180)) is None
    assert not pygame.display.get_init()


def test_a_screen_with_other_settings_does_not_suit(tmp_path: Path) -> None:
    """The screen of the title card is used only if the checked settings name the same one."""
    file = tmp_path / "kiosk.yaml"
    file.write_text("screen: {display: 1, keys: false}")
    assert read_title_settings(file) == TitleSettings(display=1, keys=False)
    opened = open_title(file, headless=True, windowed=(320, 180))
    assert opened is not None
    assert opened.suits(ScreenSettings(display=1, keys=False))
    assert not opened.suits(ScreenSettings(display=1))
    assert not opened.suits(ScreenSettings(display=0, keys=False))
