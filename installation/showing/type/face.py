"""A typeface: one font file, from which HarfBuzz chooses, places and draws glyphs.

HarfBuzz joins Arabic letters, orders Indic ones, and places marks on their letters, even if Unicode
has no composed letter (m̃, ė́). It also draws the glyphs, at positions between two pixels and in
any weight of a variable font. It is used through uharfbuzz, which HarfBuzz's makers maintain.
Rejected: the HarfBuzz in pygame's SDL_ttf, which cannot set the weight, opens only the first face
of a collection, and moves each letter to a whole pixel; and FreeType, with which a second library
would read each font file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import uharfbuzz

WEIGHT = 700
"""The weight of text whose font has a variable weight, on OpenType's scale: bold."""


@dataclass(frozen=True)
class Glyph:
    """One glyph of a face, and its position on the line, in em; y is upward from the baseline."""

    face: Face
    id: int
    x: float
    y: float


@dataclass(frozen=True)
class Ink:
    """The pixels that a line of text covers: `alpha` is `(H, W)` uint8.

    `left` and `top` are the distances from the line's start on the baseline to the first column and
    row, px.
    """

    alpha: npt.NDArray[np.uint8]
    left: int
    top: int


class Face:
    """A font file, usable at any size. The file is read only when the face is opened."""

    def __init__(self, path: Path, number: int = 0) -> None:
        """Open the face `number` of the file at `path`."""
        self._font = uharfbuzz.Font(
            uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)), number)
        )
        self._font.set_variations({"wght": WEIGHT})
        self._em = self._font.face.upem

    def covers(self, text: str) -> bool:
        """Return whether the face has a glyph for every character of `text`."""
        return all(info.codepoint for info in _shape(self._font, text, False, "").glyph_infos)

    def shape(
        self, text: str, right_to_left: bool, script: str, x: float
    ) -> tuple[list[Glyph], float]:
        """Return the glyphs of `text`, placed from `x` on, and the `x` of the glyph after them.

        Args:
            text: The text, in the order in which it is read.
            right_to_left: Whether it is read from the right.
            script: The ISO 15924 code of its script; empty if all scripts use these characters.
            x: The distance from the start of the line, em.
        """
        shaped = _shape(self._font, text, right_to_left, script)
        glyphs = []
        for info, place in zip(shaped.glyph_infos, shaped.glyph_positions, strict=True):
            shifted = x + place.x_offset / self._em
            glyphs.append(Glyph(self, info.codepoint, shifted, place.y_offset / self._em))
            x += place.x_advance / self._em
        return glyphs, x

    def advances(self, text: str, right_to_left: bool, script: str) -> list[float]:
        """Return the width that each character of `text` adds to the line, em.

        If several characters form one glyph, the glyph's width counts for the first of them.
        """
        shaped = _shape(self._font, text, right_to_left, script)
        added = [0.0] * len(text)
        for info, place in zip(shaped.glyph_infos, shaped.glyph_positions, strict=True):
            added[info.cluster] += place.x_advance / self._em
        return added

    @lru_cache(maxsize=4096)  # noqa: B019 - faces stay open as long as their fonts
    def height(self, glyph: int) -> tuple[float, float]:
        """Return how far `glyph` extends above and below its baseline, em."""
        extents = self._font.get_glyph_extents(glyph)
        if not extents or not extents.height:
            return 0.0, 0.0
        top = extents.y_bearing / self._em
        return top, -(top + extents.height / self._em)

    def add_outline(self, canvas: uharfbuzz.RasterDraw, glyph: Glyph, size: int) -> None:
        """Add `glyph` to `canvas`, at `size` px per em."""
        scale = size / self._em
        canvas.transform = (scale, 0.0, 0.0, scale, glyph.x * size, glyph.y * size)
        canvas.draw_glyph(self._font, glyph.id)


def draw(glyphs: Iterable[Glyph], size: int) -> Ink | None:
    """Return the ink of `glyphs` at `size` px per em; None if they have no ink, like spaces."""
    canvas = uharfbuzz.RasterDraw()
    for glyph in glyphs:
        glyph.face.add_outline(canvas, glyph, size)
    image = canvas.render()
    extents = image.extents if image else None
    if extents is None or not extents.width or not extents.height:
        return None
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    alpha = rows[::-1, : extents.width]  # HarfBuzz begins at the bottom
    return Ink(alpha, extents.x_origin, -(extents.y_origin + extents.height))


def _shape(font: uharfbuzz.Font, text: str, right_to_left: bool, script: str) -> uharfbuzz.Buffer:
    shaped = uharfbuzz.Buffer()
    shaped.add_str(text)
    if script:
        shaped.script = script
    shaped.direction = "rtl" if right_to_left else "ltr"
    shaped.guess_segment_properties()
    uharfbuzz.shape(font, shaped)
    return shaped
