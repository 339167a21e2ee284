"""Measures and draws lines of text with the fonts of a show.

A line is split into runs, in each of which all characters have the same face, script and direction.
HarfBuzz shapes each run in reading order, and the runs are then arranged from left to right.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pygame
import pygame.surfarray

from installation.errors import ScreenError
from installation.showing.scene import Line, Panel
from installation.showing.type.direction import levels, visual_order
from installation.showing.type.drawable_text import (
    clean,
    clusters,
    distinct_clusters,
    needs_no_font,
)
from installation.showing.type.expiring_cache import ExpiringCache
from installation.showing.type.face import Face, Glyph, Ink, draw
from installation.showing.type.font_files import find_faces, no_font, own_face, packaged_face
from installation.showing.type.scripts import script_of

if TYPE_CHECKING:
    from installation.showing.type.typesetting import LazyPanels

CAP_HEIGHT = 0.714
"""The height of a capital in the kiosk's own face, relative to the font size; the value is from the
face's file.
"""

DESCENT = 0.24
"""How far g, p and y extend below the baseline, relative to the font size; measured on the kiosk's
own face.
"""

ACCENT = 0.22
"""How far a mark may extend above a capital without making its line higher, relative to the font
size. The marks of Ü, É and Å extend 0.21. So all lines are equally high, except lines with higher
letters, such as Ế or Ǘ.
"""


@dataclass(frozen=True)
class Extent:
    """The space that a line of type takes, px."""

    width: int
    ascent: int
    """The height of the line above the baseline, px: the height of a capital, or more if a mark
    extends further above a capital than `ACCENT`.
    """
    descent: int
    """The depth of the line below the baseline, px: that of g, or more if a letter is deeper."""
    top: int
    """How far the highest letter or mark of this text extends above the baseline, px."""


@dataclass(frozen=True)
class Run:
    """Neighbouring characters with the same face, script and embedding level, in reading order."""

    text: str
    face: Face
    script: str
    """The ISO 15924 code of the script; empty if all scripts use these characters."""
    level: int

    @property
    def right_to_left(self) -> bool:
        """Whether the run is right-to-left."""
        return bool(self.level % 2)


@dataclass(frozen=True)
class ShapedLine:
    """A line whose glyphs are chosen and placed, for any font size; all values are in em."""

    glyphs: tuple[Glyph, ...]
    width: float
    ascent: float
    descent: float
    top: float


class Fonts:
    """The faces for a set of texts, in any font size.

    Use it from the main thread only. Faces stay open. The measurements and panels of a text are
    dropped soon after the text leaves the screen, or at once by `forget`.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Find a face for every letter of `texts`.

        Raises ScreenError, which names the letters that no face can draw.
        """
        self._faces, missing = find_faces(texts)
        if missing:
            raise ScreenError(no_font("screen", missing))
        self._blanks: dict[tuple[Face, str], bool] = {}
        self._shaped: ExpiringCache[tuple[str, bytes | None], ShapedLine] = ExpiringCache()
        self._advances: ExpiringCache[tuple[str, bytes], list[float]] = ExpiringCache()
        self.least_widths: ExpiringCache[str, float] = ExpiringCache()
        """The cache of `typesetting.least_width`, em, keyed by text."""
        self.panels: ExpiringCache[tuple[str, ...], dict[Hashable, Panel]] = ExpiringCache()
        """The cache of `typesetting.set_panel`. Its keys are the texts of a panel. Each value has
        all panels with these texts, keyed by the function's arguments. So while a text is on the
        screen in one size, its panels in other sizes are kept too.
        """
        self.captions: ExpiringCache[Hashable, dict[Hashable, list[LazyPanels]]] = ExpiringCache()
        """The cache of `captions.caption_panels`. Its keys are what a caption says. Each value has
        the panels of each of its texts, keyed by the font size and the widths.
        """

    def evict(self, now: float) -> None:
        """Drop the cached values of texts that have left the screen, at the instant `now` (s)."""
        for cache in self._caches():
            cache.evict(now)

    def forget(self) -> None:
        """Drop all measurements and panels of texts, some of which are names given to visitors."""
        for cache in self._caches():
            cache.clear()

    def _caches(self) -> tuple[ExpiringCache[Any, Any], ...]:
        return (self._shaped, self._advances, self.least_widths, self.panels, self.captions)

    def lacks(self, texts: Iterable[str]) -> list[str]:
        """Return the letters of `texts` that neither the open faces nor the packaged ones can draw.

        It never runs fc-match, which could find further faces.
        """
        return sorted(
            cluster
            for cluster in distinct_clusters(texts)
            if not (needs_no_font(cluster) or self._find_face(cluster))
        )

    def replace_lacking(self, text: str) -> str:
        """Return `text` with a question mark for each letter that these faces cannot draw."""
        lacking = self.lacks([text])
        return "".join("?" if each in lacking else each for each in clusters(clean(text)))

    def ink(self, text: str, size: int, text_levels: bytes | None = None) -> Ink | None:
        """Return the pixels that one line of `text` covers at `size` px per em, with their place.

        The result is None if the text is invisible. `text_levels` has the same meaning as
        `Line.levels`.
        """
        return draw(self._shape(text, text_levels).glyphs, size)

    def draw(self, line: Line, surface: pygame.Surface) -> None:
        """Draw `line` on `surface`."""
        ink = self.ink(line.text, line.size, line.levels)
        if ink is None:
            return
        height, width = ink.alpha.shape
        drawn = pygame.Surface((width, height), pygame.SRCALPHA, 32)
        drawn.fill(line.colour)
        pygame.surfarray.pixels_alpha(drawn)[:] = ink.alpha.T
        surface.blit(drawn, (line.x + ink.left, line.baseline + ink.top))

    def extent(self, text: str, size: int, text_levels: bytes | None = None) -> Extent:
        """Return the space that one line of `text` takes at `size` px per em.

        `text_levels` has the same meaning as `Line.levels`.
        """
        line = self._shape(text, text_levels)
        heights = (line.ascent, line.descent, line.top)
        return Extent(math.ceil(line.width * size), *(round(each * size) for each in heights))

    def advances(self, text: str, text_levels: bytes) -> list[float]:
        """Return the width of each character of `text`, em.

        `text` is a result of `drawable_text.clean`, and `text_levels` of `direction.levels`.
        """
        return self._advances.get(
            (text, text_levels),
            lambda: [
                advance
                for run in self._runs(text, text_levels)
                for advance in run.face.advances(run.text, run.right_to_left, run.script)
            ],
        )

    def _runs(self, text: str, text_levels: bytes) -> list[Run]:
        """Return `text` split into runs in reading order.

        `text` is a result of `drawable_text.clean`, and `text_levels` of `direction.levels`.
        """
        runs: list[Run] = []
        place = 0
        for cluster in clusters(text):
            level = text_levels[place] if text_levels else 0
            place += len(cluster)
            last = runs[-1] if runs else None
            blank = needs_no_font(cluster)
            script = "" if blank else script_of(cluster[0])
            if blank and last and self._has_blank(last.face, cluster):
                face = last.face
            else:
                face = self._face(cluster)
            joins = last is not None and last.face is face and last.level == level
            if last and joins and (not (script and last.script) or last.script == script):
                runs[-1] = Run(last.text + cluster, face, last.script or script, level)
            else:
                runs.append(Run(cluster, face, script, level))
        return runs

    def _has_blank(self, face: Face, blank: str) -> bool:
        """Return whether `face` has the space `blank`; the fonts of some scripts have no space."""
        key = (face, blank)
        if key not in self._blanks:
            self._blanks[key] = face.covers(blank)
        return self._blanks[key]

    def _face(self, cluster: str) -> Face:
        face = self._faces.get(cluster)
        if face is None:
            face = self._faces[cluster] = self._find_face(cluster) or own_face()
        return face

    def _find_face(self, cluster: str) -> Face | None:
        """Return a face that can draw the grapheme cluster `cluster`, without starting a program.

        The result is None if neither the open faces nor the packaged ones can draw `cluster`.
        """
        if face := self._faces.get(cluster) or packaged_face(cluster):
            return face
        # A known letter with a mark that it did not have in the texts of the show.
        face = self._faces.get(cluster[0])
        return face if face and face.covers(cluster) else None

    def _shape(self, text: str, text_levels: bytes | None) -> ShapedLine:
        key = (text, text_levels)
        return self._shaped.get(key, lambda: self._shape_line(text, text_levels))

    def _shape_line(self, text: str, text_levels: bytes | None) -> ShapedLine:
        if text_levels is None:
            text = clean(text)
            text_levels = levels(text)
        runs = self._runs(text, text_levels)
        glyphs: list[Glyph] = []
        x = 0.0
        for place in visual_order([run.level for run in runs]):
            run = runs[place]
            placed, x = run.face.shape(run.text, run.right_to_left, run.script, x)
            glyphs += placed
        heights = [(glyph.face.height(glyph.id), glyph.y) for glyph in glyphs]
        top = max((above + y for (above, _), y in heights), default=0.0)
        bottom = max((below - y for (_, below), y in heights), default=0.0)
        ascent, descent = max(CAP_HEIGHT, top - ACCENT), max(DESCENT, bottom)
        return ShapedLine(tuple(glyphs), x, ascent, descent, top)
