"""The first picture of a show: the title card, painted before the rest of the show is imported.

The show needs pydantic to check its settings and OpenCV to process frames; importing both takes
longer than painting the title card. So the few settings that the card needs are read here first,
without a check. If any of them looks unusual, the title card is not shown, and the later check
reports the mistake.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from installation.errors import KioskError, ScreenError
from installation.settings.languages import CODE, resolve_language
from installation.settings.schema_words import CONNECTOR
from installation.settings.text_file import read_text
from installation.showing.painter import Painter
from installation.showing.scene import Size
from installation.showing.scenes.cards import title_card
from installation.showing.type.fonts import Fonts
from installation.showing.type.typesetting import ScreenContext
from installation.showing.window import Screen, open_screen
from installation.showing.words import LOADER, Words, read_unchecked

if TYPE_CHECKING:
    from installation.settings.kiosk import ScreenSettings


@dataclass(frozen=True)
class TitleSettings:
    """The settings in kiosk.yaml that the title card needs."""

    languages: tuple[str, ...] = ("en",)
    """The codes of the languages in which the kiosk's own words are shown."""
    display: int | str = "auto"
    keys: bool = True
    rotate: int = 0
    own_words: tuple[tuple[str, str], ...] = ()
    """The names and texts of the curator's sentences. They replace the kiosk's own sentences in the
    first language.
    """


@dataclass(frozen=True)
class TitleScreen:
    """An open screen with the title card on it."""

    screen: Screen
    fallback: str | None
    """The reason if the screen is not the one that the settings request; otherwise None."""
    settings: TitleSettings
    painted_at: float
    """The instant at which the card was on the screen (s, monotonic)."""

    def suits(self, settings: ScreenSettings) -> bool:
        """Return whether the screen has the display, keys and rotation of checked `settings`."""
        read = self.settings
        wanted = (settings.display, settings.keys, settings.rotate)
        return (read.display, read.keys, read.rotate) == wanted


def open_title(
    file: Path, *, headless: bool, windowed: Size | None, is_card: bool = False
) -> TitleScreen | None:
    """Return the screen that `file` (kiosk.yaml) requests, opened, with the title card on it.

    With `headless` the screen is only in memory. `windowed` is the size of the window or of the
    screen in memory, px (None: fullscreen). `is_card` says whether the screen is for the
    supervisor's card, which stays behind the show.

    The result is None if the card needs a setting that looks unusual, or if no screen can be
    opened. Nothing is reported here, because the check of the settings and the show itself report
    it later.
    """
    settings = read_title_settings(file)
    words = () if settings is None else _words(settings)
    if settings is None or not words:
        return None
    try:
        screen, fallback = open_screen(
            settings.display,
            headless=headless,
            windowed=windowed,
            keys=settings.keys,
            rotate=settings.rotate,
            is_card=is_card,
        )
    except ScreenError:
        return None
    try:
        fonts = Fonts(text for each in words for text in each.texts())
        size = screen.surface.get_size()
        context = ScreenContext(words[0], fonts, size, second=words[1] if words[1:] else None)
        Painter(fonts).paint(title_card(context), screen.surface)
    except ScreenError:
        screen.close()
        return None
    screen.flip()
    return TitleScreen(screen, fallback, settings, time.monotonic())


def read_title_settings(file: Path) -> TitleSettings | None:
    """Return the settings in `file` for the title card; None if any of them looks unusual."""
    try:
        # The values are not built, because a few lines of merged aliases could take all memory.
        root = yaml.compose(read_text(file, "", KioskError), LOADER)
    except (KioskError, ValueError, RecursionError, yaml.YAMLError):
        return None
    screen, words = _entries(_entries(root).get("screen")), _entries(_entries(root).get("words"))
    display, keys = _text(screen.get("display")), _text(screen.get("keys"))
    rotate = _text(screen.get("rotate"))
    codes = _codes(_entries(root).get("language"))
    if not codes or not re.fullmatch(rf"|auto|\d{{1,2}}|{CONNECTOR}", display):
        return None
    if rotate not in ("", "0", "90", "180", "270"):
        return None
    if keys not in ("", "true", "false"):
        return None
    own = {"title": _text(screen.get("title")), "loading": _text(words.get("loading"))}
    return TitleSettings(
        tuple(dict.fromkeys(resolve_language(code).words for code in codes)),
        int(display) if display.isdecimal() else display or "auto",
        keys != "false",
        int(rotate or 0),
        tuple((key, text) for key, text in own.items() if text),
    )


def _words(settings: TitleSettings) -> tuple[Words, ...]:
    """Return the words of the card in each language; no words if a file is not as expected.

    The sentence about pictures is left out, because the self-test has not yet proved it.
    """
    words = [read_unchecked(code) for code in settings.languages]
    own = {"privacy": "", **dict(settings.own_words)}
    found = [each for each in words if each is not None]
    if len(found) < len(words):
        return ()
    return found[0].updated(own), *(each.updated(dict.fromkeys(own, "")) for each in found[1:])


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Return the values of `node`, keyed by their names; empty if it is not a mapping."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {_text(key): value for key, value in node.value}


def _text(node: yaml.Node | None) -> str:
    """Return the text of `node`; empty if there is none."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        return ""
    return str(node.value)


def _codes(node: yaml.Node | None) -> list[str]:
    """Return the one or two language codes in `node`; empty if it contains anything else."""
    if node is None:
        return ["en"]
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    codes = [_text(each) for each in nodes]
    return codes if 1 <= len(codes) <= 2 and all(map(CODE.fullmatch, codes)) else []
