"""Type for every script: the font that pygame carries for Latin, the system's for the others.

A line may mix scripts. It is put into the order in which it is seen, cut into runs of one script
and font, and each run is shaped by the HarfBuzz in pygame's SDL_ttf. That library takes a script
but no direction from Python, and shapes a right-to-left run that stands in visual order correctly,
so the reading order is python-bidi's.

Fonts are looked for once, when `Fonts` is made, by asking fontconfig's `fc-match`: no process is
started later. pygame opens only the first face of a font collection; of Noto's CJK collection that
is the Japanese one, so that a few Chinese characters are drawn in their Japanese form.
"""

from __future__ import annotations

import os
import re
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
from installation.showing.expiring_cache import ExpiringCache
from installation.showing.scene import Line, Panel

BUNDLED = Path(pygame.__file__).parent / pygame.font.get_default_font()
"""FreeSans Bold, which pygame carries: Latin, Greek and Cyrillic."""

CAP = 0.73
"""Height of a capital over the size, measured on the bundled font."""

DROP = 0.22
"""Depth below the baseline of g, p and y over the size, measured on the bundled font."""

REMEDY = "Install one, for example: apt-get install fontconfig fonts-noto-core fonts-noto-cjk"

EMOJI = "Emoji"
"""Pictures among the letters; the fonts that have them are in colours, which SDL_ttf leaves out."""

OPEN_FONTS = 64
"""How many fonts at a size stay open: some eight sizes on a screen of eight scripts."""

TAGS = {
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BENGALI": "Beng",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Hira",
    "KANNADA": "Knda",
    "KATAKANA": "Kana",
    "KHMER": "Khmr",
    "LAO": "Laoo",
    "LATIN": "Latn",
    "MALAYALAM": "Mlym",
    "MONGOLIAN": "Mong",
    "MYANMAR": "Mymr",
    "NKO": "Nkoo",
    "ORIYA": "Orya",
    "SINHALA": "Sinh",
    "SYRIAC": "Syrc",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAANA": "Thaa",
    "THAI": "Thai",
    "TIBETAN": "Tibt",
}
"""How Unicode names a script's characters, and how ISO 15924 and HarfBuzz name the script."""

_RIGHT_TO_LEFT_MARKS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u074a"
_SPACES = re.compile(r"[^\S\u00a0]+")
_MARKS_BEFORE_LETTER = re.compile(f"([{_RIGHT_TO_LEFT_MARKS}]+)([^{_RIGHT_TO_LEFT_MARKS}])")


@dataclass(frozen=True)
class Extent:
    """What a line of type takes, px: its width, and its height above and below the baseline."""

    width: int
    rise: int
    drop: int


@dataclass(frozen=True)
class Run:
    """Neighbouring characters, in the order in which they are seen, of one font and script."""

    text: str
    font: Path
    tag: str


class Fonts:
    """The fonts for a set of texts, at any size.

    Used by the main thread only: it keeps fonts open, and what it has measured and what was set
    with it for as long as that is on the wall.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Find a font for every character of `texts`; ScreenError names scripts without one."""
        pygame.font.init()
        self._paths, missing = _resolve(texts)
        if missing:
            raise ScreenError(no_font("screen", missing))
        self._open: OrderedDict[tuple[Path, int, str], pygame.font.Font] = OrderedDict()
        self._extents: ExpiringCache[tuple[str, int], Extent] = ExpiringCache()
        self.panels: ExpiringCache[tuple[str, ...], dict[Hashable, Panel]] = ExpiringCache()
        """What `set_panel` has set: by its words, then by how they are set. While words are on the
        wall in one size, they are kept in all in which they were tried."""

    def evict(self, now: float) -> None:
        """Drop the measures and panels of what nobody is called any more, at `now` (s)."""
        self._extents.evict(now)
        self.panels.evict(now)

    def lacks(self, letters: Iterable[str]) -> list[str]:
        """Return the scripts of `letters` that it cannot draw; no program is asked for that."""
        return sorted(
            {
                script_group(letter)
                for letter in letters
                if clean(letter)
                and not (letter in self._paths or _shared(letter) or _bundled(letter))
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
        """Return what one line of `text` takes at `size` px per em."""
        return self._extents.get((text, size), lambda: self._extent(text, size))

    def _extent(self, text: str, size: int) -> Extent:
        width, rise, drop = 0, round(CAP * size), round(DROP * size)
        for run in self._runs(text):
            if run.font == BUNDLED:
                width += _offsets(run.text, size)[-1]
            else:
                font = self._font(run, size)
                width += font.size(run.text)[0]
                heights = [metric for metric in font.metrics(run.text) if metric]
                rise = max([rise, *(top for _, _, _, top, _ in heights)])
                drop = max([drop, *(-bottom for _, _, bottom, _, _ in heights)])
        return Extent(width, rise, drop)

    def _runs(self, text: str) -> tuple[Run, ...]:
        return _runs(in_visual_order(clean(text)).replace("\u00a0", " "), self._paths)

    def _font(self, run: Run, size: int) -> pygame.font.Font:
        key = (run.font, size, run.tag)
        font = self._open.pop(key, None)
        if font is None:
            font = pygame.font.Font(run.font, size)
            font.set_script(run.tag)
        self._open[key] = font
        if len(self._open) > OPEN_FONTS:
            self._open.popitem(last=False)
        return font


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
    """Return where each letter of `text` begins and where the last one ends, px.

    The bundled font's kerning table draws capitals together well, but tears lower-case letters
    apart (m a c h ine), so that only what it draws together counts.
    """
    offsets = [0]
    x = 0.0
    for number, letter in enumerate(text):
        x += _advance(letter)
        if number + 1 < len(text):
            x += min(0.0, _kerning(letter, text[number + 1]))
        offsets.append(round(x * size))
    return offsets


@lru_cache(maxsize=1024)
def _advance(letter: str) -> float:
    """Return the width of `letter` in the bundled font, over the size."""
    metrics = _face(BUNDLED).get_metrics(letter, _EM)[0]
    return float(metrics[4]) / _EM if metrics else 0.0


@lru_cache(maxsize=4096)
def _kerning(letter: str, following: str) -> float:
    """Return how much the bundled font moves the pair apart, over the size."""
    apart = _large().size(letter)[0] + _large().size(following)[0]
    return (_large().size(letter + following)[0] - apart) / _EM


@cache
def _large() -> pygame.font.Font:
    return pygame.font.Font(BUNDLED, _EM)


_EM = 1000
"""Size at which the bundled font is measured, px: its own units, so that nothing is rounded."""


def missing_scripts(texts: Iterable[str]) -> list[str]:
    """Return the scripts of `texts` that no font of this machine can draw: `["Thai"]`."""
    return _resolve(texts)[1]


def no_font(where: str, scripts: Iterable[str]) -> Mistake:
    """Return the mistake to report where `scripts` have no font."""
    scripts = list(scripts)
    named = " and ".join(scripts)
    remedy = "Take them out." if scripts == [EMOJI] else f"{REMEDY}."
    return Mistake(where, f"no font on this machine can draw the text in {named}", remedy)


def clean(text: str) -> str:
    """Return `text` composed, on one line, without characters that cannot be drawn."""
    composed = unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip())
    return "".join(
        letter
        for letter in composed
        if letter in "\u200c\u200d" or unicodedata.category(letter)[0] != "C"
    )


def right_to_left(text: str) -> bool:
    """Tell whether `text` is read from the right: by its first letter that has a direction."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def in_visual_order(text: str) -> str:
    """Return one line of `text` as its characters follow each other from left to right.

    Marks stay behind the letter that they belong to, where shaping looks for them.
    """
    if not any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text):
        return text
    # Most shows never need it, and it takes 20 ms to import.
    from bidi import get_display

    # The library leaves brackets as they are. A mark that has no width follows each one through
    # the reordering: where it comes out in front, the bracket was turned round.
    marked = _BRACKET.sub(rf"\1{_MARK}", text)
    seen = str(get_display(marked, base_dir="R" if right_to_left(text) else "L"))
    seen = _MARKED.sub(lambda found: found[1] or found[2].translate(_MIRROR), seen)
    return _MARKS_BEFORE_LETTER.sub(lambda pair: pair[2] + pair[1][::-1], seen)


_BRACKETS = "()[]{}<>«»‹›"
_MIRROR = str.maketrans(_BRACKETS, ")(][}{><»«›‹")
_MARK = "\u200b"
_BRACKET = re.compile(f"([{re.escape(_BRACKETS)}])")
_MARKED = re.compile(f"{_BRACKET.pattern}{_MARK}|{_MARK}{_BRACKET.pattern}")


def _runs(text: str, paths: Mapping[str, Path]) -> tuple[Run, ...]:
    """Return `text` (in visual order) in runs; `paths` has the font of what the bundled lacks."""
    runs: list[Run] = []
    for letter in text:
        before = runs[-1] if runs else None
        joins = before is not None and (
            unicodedata.category(letter)[0] == "M" or letter in "\u200c\u200d"
        )
        font = before.font if before and joins else paths.get(letter, BUNDLED)
        tag = before.tag if before and joins else _tag(letter)
        if before and before.font == font and (not tag or not before.tag or before.tag == tag):
            runs[-1] = Run(before.text + letter, font, before.tag or tag)
        else:
            runs.append(Run(letter, font, tag))
    return tuple(Run(run.text, run.font, run.tag or "Zyyy") for run in runs)


def _tag(letter: str) -> str:
    """Return the script of `letter`, or nothing for what all scripts share."""
    return TAGS.get(_word(letter), "")


def _word(letter: str) -> str:
    """Return the first word of the name of `letter`, which is its script where it has one."""
    return unicodedata.name(letter, "UNKNOWN").split()[0]


def _resolve(texts: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """Return the font file of each character that the bundled font lacks, and scripts without."""
    letters = {letter for text in texts for letter in clean(text)}
    groups: dict[str, set[str]] = {}
    for letter in letters:
        if not _shared(letter) and not _bundled(letter):
            groups.setdefault(script_group(letter), set()).add(letter)
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


def _shared(letter: str) -> bool:
    """Tell whether `letter` belongs to no script and takes the font of what it stands with."""
    return unicodedata.category(letter)[0] in "ZC" or _word(letter) in _INHERITED


_INHERITED = {"COMBINING", "VARIATION"}
_EAST_ASIAN_WORDS = {
    "BOPOMOFO",
    "FULLWIDTH",
    "HALFWIDTH",
    "IDEOGRAPHIC",
    "KATAKANA-HIRAGANA",
    *(word for word, tag in TAGS.items() if tag in ("Hani", "Hira", "Kana", "Hang")),
}


def script_group(letter: str) -> str:
    """Return the name of the scripts that share a font with `letter`."""
    if unicodedata.category(letter) == "So" and unicodedata.east_asian_width(letter) == "W":
        return EMOJI
    if _word(letter) in _EAST_ASIAN_WORDS or unicodedata.east_asian_width(letter) in "WF":
        return "East Asian"
    return _word(letter).title() if _tag(letter) else "Symbols"


def _bundled(letter: str) -> bool:
    """Tell whether the bundled font draws `letter`; it has a few letters of scripts it cannot."""
    return _tag(letter) in ("", "Latn", "Grek", "Cyrl") and _covers(BUNDLED, letter)


@lru_cache(maxsize=8192)
def _covers(path: Path, letter: str) -> bool:
    return _face(path).get_metrics(letter)[0] is not None


@cache
def _face(path: Path) -> pygame.freetype.Font:
    """Return the font file as FreeType sees it: unlike `pygame.font`, it says what it lacks."""
    pygame.freetype.init()
    face = pygame.freetype.Font(path, 16)
    face.origin = True
    return face


def _match(group: str, letters: set[str]) -> Path | None:
    """Return the file that fontconfig thinks best for `letters`; None where it is not installed."""
    families = [f"Noto Sans {group}"]
    if group == "East Asian":
        tags = {_tag(letter) for letter in letters}
        region = "JP" if tags & {"Hira", "Kana"} else "KR" if tags == {"Hang"} else "SC"
        families = [f"Noto Sans CJK {region}", f"Noto Sans {region}"]
    charset = " ".join(sorted(f"{ord(letter):x}" for letter in letters))
    pattern = f"{','.join([*families, 'sans-serif'])}:bold:variable=False:charset={charset}"
    try:
        answer = subprocess.run(
            ["fc-match", "--format=%{file}", pattern],
            capture_output=True,
            check=True,
            timeout=20,
            text=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(answer) if os.path.isfile(answer) else None
