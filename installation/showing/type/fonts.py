"""Fonts for every script: the one that pygame carries for Latin, the system's for the others.

A line may mix scripts. It is put into visual order, cut into runs of one script and font, and each
run is shaped by the HarfBuzz in pygame's SDL_ttf. A run of right-to-left text is already in visual
order, so the direction that SDL_ttf takes is left at left to right.

Fonts are looked for once, when `Fonts` is made, by asking fontconfig's `fc-match`: no process is
started later. pygame opens only the first face of a font collection; in Noto's CJK collection that
is the Japanese one, so a few Chinese characters are drawn in their Japanese form.
"""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pygame
import pygame.font
import pygame.freetype

from installation.errors import Mistake, ScreenError
from installation.showing.scene import Line, Panel
from installation.showing.type.drawable_text import clean, in_visual_order
from installation.showing.type.expiring_cache import ExpiringCache
from installation.showing.type.scripts import (
    BUNDLED_SCRIPTS,
    EAST_ASIAN,
    EMOJI,
    font_group,
    script_of,
    takes_any_font,
)

BUNDLED = Path(pygame.__file__).parent / pygame.font.get_default_font()
"""FreeSans Bold, which pygame carries: Latin, Greek and Cyrillic."""

CAP_HEIGHT = 0.73
"""Height of a capital over the size, measured on the bundled font."""

DESCENT = 0.22
"""Depth below the baseline of g, p and y over the size, measured on the bundled font."""

REMEDY = "Install one, for example: apt-get install fontconfig fonts-noto-core fonts-noto-cjk"

MAX_OPEN_FONTS = 64
"""Fonts at a size that stay open: eight sizes on a screen of eight scripts."""

FC_MATCH_TIMEOUT_S = 20


@dataclass(frozen=True)
class Extent:
    """The space that a line of type takes, px: its width, and its ascent and descent."""

    width: int
    ascent: int
    """Above the baseline."""
    descent: int
    """Below the baseline."""


@dataclass(frozen=True)
class Run:
    """Neighbouring characters of one font and script, in visual order."""

    text: str
    font: Path
    script: str
    """ISO 15924."""


class Fonts:
    """The fonts for a set of texts, at any size.

    Used by the main thread only. Fonts stay open; what was measured or set for a text is dropped
    soon after that text leaves the screen.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Find a font for every character of `texts`; ScreenError names scripts without one."""
        pygame.font.init()
        self._paths, missing = _find_fonts(texts)
        if missing:
            raise ScreenError(no_font("screen", missing))
        self._open: OrderedDict[tuple[Path, int, str], pygame.font.Font] = OrderedDict()
        self._extents: ExpiringCache[tuple[str, int], Extent] = ExpiringCache()
        self.panels: ExpiringCache[tuple[str, ...], dict[Hashable, Panel]] = ExpiringCache()
        """The panels that `set_panel` has set, by their texts, then by its other arguments. While a
        text is on the screen in one size, its panels in the other sizes are kept too."""

    def evict(self, now: float) -> None:
        """Drop what belongs to texts that have left the screen, at the instant `now` (s)."""
        self._extents.evict(now)
        self.panels.evict(now)

    def lacks(self, letters: Iterable[str]) -> list[str]:
        """Return the scripts of `letters` that these fonts cannot draw; starts no process."""
        return sorted(
            {
                font_group(letter)
                for letter in letters
                if clean(letter) and not (letter in self._paths or _needs_no_search(letter))
            }
        )

    def draw(self, line: Line, surface: pygame.Surface) -> None:
        """Draw `line` on `surface`."""
        x = line.x
        for run in self._runs(line.text):
            if run.font == BUNDLED:
                x += _draw_bundled(run.text, line, surface, x)
            else:
                font = self._font(run, line.size)
                drawn = font.render(run.text, True, line.colour)
                surface.blit(drawn, (x, line.baseline - font.get_ascent()))
                x += drawn.get_width()

    def extent(self, text: str, size: int) -> Extent:
        """Return the space that one line of `text` takes at `size` px per em."""
        return self._extents.get((text, size), lambda: self._measure(text, size))

    def _measure(self, text: str, size: int) -> Extent:
        width, ascent, descent = 0, round(CAP_HEIGHT * size), round(DESCENT * size)
        for run in self._runs(text):
            if run.font == BUNDLED:
                width += _offsets(run.text, size)[-1]
            else:
                font = self._font(run, size)
                width += font.size(run.text)[0]
                heights = [metric for metric in font.metrics(run.text) if metric]
                ascent = max([ascent, *(top for _, _, _, top, _ in heights)])
                descent = max([descent, *(-bottom for _, _, bottom, _, _ in heights)])
        return Extent(width, ascent, descent)

    def _runs(self, text: str) -> tuple[Run, ...]:
        return _split_runs(in_visual_order(clean(text)).replace("\u00a0", " "), self._paths)

    def _font(self, run: Run, size: int) -> pygame.font.Font:
        key = (run.font, size, run.script)
        font = self._open.pop(key, None)
        if font is None:
            font = pygame.font.Font(run.font, size)
            font.set_script(run.script)
        self._open[key] = font
        if len(self._open) > MAX_OPEN_FONTS:
            self._open.popitem(last=False)
        return font


def missing_scripts(texts: Iterable[str]) -> list[str]:
    """Return the scripts of `texts` that no font of this machine can draw: `["Thai"]`."""
    return _find_fonts(texts)[1]


def undrawable(texts: Mapping[str, str]) -> list[Mistake]:
    """Return a mistake for each text that no font of this machine can draw.

    `texts` are by the place that the mistake names: `labels.csv:7`.
    """
    missing = set(missing_scripts(texts.values()))
    mistakes = []
    for place, text in texts.items() if missing else ():
        scripts = sorted({font_group(letter) for letter in clean(text)} & missing)
        if scripts:
            mistakes.append(no_font(place, scripts))
    return mistakes


def no_font(where: str, scripts: Iterable[str]) -> Mistake:
    """Return the mistake that `scripts` have no font; `where` is the place of the text."""
    scripts = list(scripts)
    names = " and ".join(scripts)
    remedy = "Take them out." if scripts == [EMOJI] else f"{REMEDY}."
    return Mistake(where, f"no font on this machine can draw the text in {names}", remedy)


def _draw_bundled(text: str, line: Line, surface: pygame.Surface, x: int) -> int:
    """Draw `text` in the bundled font, letter by letter from `x`; return its width, px."""
    face = _face(BUNDLED)
    offsets = _offsets(text, line.size)
    for letter, offset in zip(text, offsets, strict=False):
        if letter != " ":
            face.render_to(
                surface, (x + offset, line.baseline), letter, line.colour, size=line.size
            )
    return offsets[-1]


def _offsets(text: str, size: int) -> list[int]:
    """Return the left edge of each letter of `text` in the bundled font, then the right end, px.

    Only the negative values of the font's kerning table are used: it sets capitals well, but tears
    lower-case letters apart (m a c h ine).
    """
    offsets = [0]
    x = 0.0
    for number, letter in enumerate(text):
        x += _advance(letter)
        if number + 1 < len(text):
            x += min(0.0, _kerning(letter, text[number + 1]))
        offsets.append(round(x * size))
    return offsets


_EM = 1000
"""Size at which the bundled font is measured, px: its own units, so that nothing is rounded."""


@lru_cache(maxsize=1024)
def _advance(letter: str) -> float:
    """Return the width of `letter` in the bundled font, over the size."""
    metrics = _face(BUNDLED).get_metrics(letter, _EM)[0]
    return float(metrics[4]) / _EM if metrics else 0.0


@lru_cache(maxsize=4096)
def _kerning(letter: str, following: str) -> float:
    """Return how far the bundled font moves the pair apart, over the size."""
    apart = _large().size(letter)[0] + _large().size(following)[0]
    return (_large().size(letter + following)[0] - apart) / _EM


@cache
def _large() -> pygame.font.Font:
    return pygame.font.Font(BUNDLED, _EM)


def _split_runs(text: str, paths: Mapping[str, Path]) -> tuple[Run, ...]:
    """Return `text`, which is in visual order, in runs.

    `paths` has the font file of each character that the bundled font cannot draw.
    """
    runs: list[Run] = []
    for letter in text:
        last = runs[-1] if runs else None
        joins = last is not None and (
            unicodedata.category(letter)[0] == "M" or letter in "\u200c\u200d"
        )
        font = last.font if last and joins else paths.get(letter, BUNDLED)
        script = last.script if last and joins else script_of(letter)
        if last and last.font == font and (not (script and last.script) or last.script == script):
            runs[-1] = Run(last.text + letter, font, last.script or script)
        else:
            runs.append(Run(letter, font, script))
    return tuple(Run(run.text, run.font, run.script or "Zyyy") for run in runs)


def _find_fonts(texts: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """Return the font file of each character of `texts` that needs one, and scripts without."""
    groups: dict[str, set[str]] = {}
    for letter in {letter for text in texts for letter in clean(text)}:
        if not _needs_no_search(letter):
            groups.setdefault(font_group(letter), set()).add(letter)
    paths: dict[str, Path] = {}
    missing = []
    for group, wanted in sorted(groups.items()):
        while wanted:
            path = _match(group, wanted)
            found = {letter for letter in wanted if path and _covers(path, letter)}
            if not path or not found:
                missing.append(group)
                break
            paths.update(dict.fromkeys(found, path))
            wanted = wanted - found
    return paths, missing


def _needs_no_search(letter: str) -> bool:
    """Return whether `letter` is drawn by the bundled font, or by that of the letter beside it."""
    if takes_any_font(letter):
        return True
    return script_of(letter) in ("", *BUNDLED_SCRIPTS) and _covers(BUNDLED, letter)


@lru_cache(maxsize=8192)
def _covers(path: Path, letter: str) -> bool:
    return _face(path).get_metrics(letter)[0] is not None


@cache
def _face(path: Path) -> pygame.freetype.Font:
    """Return the font file, opened by FreeType: only that tells which characters it lacks."""
    pygame.freetype.init()
    face = pygame.freetype.Font(path, 16)
    face.origin = True
    return face


def _match(group: str, letters: set[str]) -> Path | None:
    """Return the file that fontconfig thinks best for `letters`; None if it is not installed."""
    families = [f"Noto Sans {group}"]
    if group == EAST_ASIAN:
        scripts = {script_of(letter) for letter in letters}
        region = "JP" if scripts & {"Hira", "Kana"} else "KR" if scripts == {"Hang"} else "SC"
        families = [f"Noto Sans CJK {region}", f"Noto Sans {region}"]
    charset = " ".join(sorted(f"{ord(letter):x}" for letter in letters))
    pattern = f"{','.join([*families, 'sans-serif'])}:bold:variable=False:charset={charset}"
    try:
        answer = subprocess.run(
            ["fc-match", "--format=%{file}", pattern],
            capture_output=True,
            check=True,
            timeout=FC_MATCH_TIMEOUT_S,
            text=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(answer) if os.path.isfile(answer) else None
