"""Paints the camera's frame on its part of the screen.

The surface of a display has a fourth channel, which the frame lacks. OpenCV cannot add a channel
while it scales. So the channel is added in a step of its own: before the scaling if the frame is
made larger, after the scaling if the frame is made smaller. The picture is divided into horizontal
strips, and both steps are done for one strip before the next. So only one strip is stored between
the two steps, instead of a whole picture, and the strip fits into the processor's cache. Painting
in strips takes about as long as painting the whole picture at once.

The pixels of a strip have the same values as in the whole picture only if the edges of the strip
are common boundaries: each lies between two rows of the frame and also between two rows of the
screen. For the usual sizes, common boundaries are a few rows apart: 2 rows of a frame 720 px high
fill exactly 3 rows of a screen 1080 px high. If the common boundaries are too far apart, the whole
picture is one strip.

Rejected: frames with four channels, because mirroring and reducing them takes longer. A frame then
takes 1.0 ms more on a screen of 1920×1080, and 1.3 ms more on 3840×2160. Also rejected: OpenCV's
`warpAffine`, which scales strips of any ratio, but takes up to twice as long.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
import pygame
import pygame.surfarray

from installation.memory.buffers import Buffers
from installation.seeing.frame import Frame, Pixels
from installation.seeing.scaling import scale
from installation.showing.cover import Cover
from installation.showing.scene import Rect

STRIP_BYTES = 2**19
"""The size of a strip, bytes: half of the second-level cache of the processors of mini PCs.

Strips save memory, and small strips cost time. Measured on an AMD EPYC with frames of 1280×720 to
3840×2160 on screens of 1920×1080 and 3840×2160, compared with the whole picture in one piece:
strips of 512 KB take 0.9 to 1.0 times as long, and strips of 128 KB 1.1 to 1.4 times.
"""

LEAST_STRIPS = 4
"""The least number of strips into which a picture is divided, even a small one."""

MOST_ROWS = 16
"""A picture is divided into strips only if its common boundaries are at most this many rows apart.
Rows of the frame are counted, or rows of the screen if it has more.

A common boundary lies between two rows of the frame and also between two rows of the screen. Strips
may end only there. If the picture is made larger, the last rows of each strip are scaled again with
the next strip. The farther the boundaries are apart, the more rows are scaled twice.
"""


def paint_picture(
    picture: Frame, brightness: float, view: Rect, surface: pygame.Surface, memory: Buffers
) -> None:
    """Fill the part `view` of `surface` with `picture`, cropped to fit.

    It is dimmed if `brightness` is less than 1. Up to `MOST_ROWS` rows of the screen below the view
    may also be painted, with the next rows of the picture; a band is painted over them later.
    Intermediate results are stored in `memory`, which is zeroed at the end.
    """
    cover = Cover.from_sizes((picture.width, picture.height), view)
    cover = _with_repeating_ratio(cover, picture.height, surface.get_height())
    crop = picture.bgr[cover.y : cover.y + cover.height, cover.x : cover.x + cover.width]
    part = surface.subsurface((cover.view.x, cover.view.y, cover.view.width, cover.view.height))
    size = part.get_size()
    conversion = _channel_conversion(part)
    try:
        if conversion is None:
            whole: Pixels = memory.take("whole", (size[1], size[0], 3))
            method = cv2.INTER_AREA if cover.width > size[0] else cv2.INTER_LINEAR
            scale(_dimmed(crop, brightness, memory), whole, method)
            part.blit(pygame.image.frombuffer(whole.data, size, "BGR"), (0, 0))
            return
        # OpenCV writes through this view; the surface is locked until the view is released.
        screen = pygame.surfarray.pixels2d(part).T.view(np.uint8)  # (H, 4 W)
        screen = screen.reshape(size[1], size[0], 4)
        if cover.width > size[0]:
            _reduce(crop, brightness, conversion, screen, memory)
        else:
            _enlarge(crop, brightness, conversion, screen, memory)
    finally:
        memory.forget()


def _with_repeating_ratio(cover: Cover, frame_height: int, bottom: int) -> Cover:
    """Return `cover`, with a few more rows at the bottom if this allows painting in strips.

    Strips need common boundaries of the frame and the view that are close together (`MOST_ROWS`).
    Usually those of `cover` are too far apart, because the height of the view depends on the text
    in the bands. `cover` is returned unchanged if it needs no more rows, or if they do not help.

    The rows added stay on the frame, which is `frame_height` px high, and on the screen, which is
    `bottom` px high.
    """
    if _repeats_soon(cover.height, cover.view.height):
        return cover
    divisor = math.gcd(cover.width, cover.view.width)
    given, shown = cover.width // divisor, cover.view.width // divisor
    periods = math.ceil(cover.view.height / shown)
    height, view = periods * given, replace(cover.view, height=periods * shown)
    fits = cover.y + height <= frame_height and view.bottom <= bottom
    near = abs(cover.height * view.height - height * cover.view.height) < view.height
    if fits and near and _repeats_soon(height, view.height):
        return replace(cover, height=height, view=view)
    return cover


def _repeats_soon(height: int, rows: int) -> bool:
    """Return whether a picture of `height` rows can be scaled to `rows` rows in strips.

    A strip may end only at a common boundary, which lies between two rows of the picture and also
    between two rows of the screen. Common boundaries must be at most `MOST_ROWS` rows apart, in
    rows of the picture or of the screen, whichever has more.
    """
    return max(height, rows) <= MOST_ROWS * math.gcd(height, rows)


def _reduce(
    bgr: Pixels, brightness: float, conversion: int, screen: Pixels, memory: Buffers
) -> None:
    """Fill `screen` `(H, W, 4)` with the picture `bgr` `(h, w, 3)`, made smaller.

    Call this only if the picture is wider than the screen.
    """
    (height, _, _), (H, W, _) = bgr.shape, screen.shape  # noqa: N806 - as in the docstring
    for strip in _strips(height, H, 3 * W):
        reduced = memory.take("reduced", (strip.rows.stop - strip.rows.start, W, 3))
        scale(bgr[strip.given], reduced, cv2.INTER_AREA)
        cv2.cvtColor(_dimmed(reduced, brightness, memory), conversion, screen[strip.rows])


def _enlarge(
    bgr: Pixels, brightness: float, conversion: int, screen: Pixels, memory: Buffers
) -> None:
    """Fill `screen` `(H, W, 4)` with `bgr` `(h, w, 3)`, made larger unless the sizes are equal.

    At the edge between two strips, the screen's rows depend on rows of both strips. So the last
    rows of a strip are painted again together with the next strip, which makes them right. But the
    first of the rows that are painted again become wrong, because they depend on rows further up,
    which are not scaled again. These first rows were right before, and are copied back.
    """
    (height, width, _), (H, W, _) = bgr.shape, screen.shape  # noqa: N806 - as in the docstring
    reach = math.ceil((H / height - 1) / 2)
    for strip in _strips(height, H, 4 * width):
        if (height, width) == (H, W):
            given = _dimmed(bgr[strip.given], brightness, memory)
            cv2.cvtColor(given, conversion, screen[strip.rows])
            continue
        above = min(strip.period, strip.given.start)
        given = bgr[strip.given.start - above : strip.given.stop]
        converted = memory.take("converted", (len(given), width, 4))
        cv2.cvtColor(_dimmed(given, brightness, memory), conversion, converted)
        rows = screen[strip.rows.start - above * H // height : strip.rows.stop]
        painted = memory.take("painted", (reach, W, 4))
        np.copyto(painted, rows[:reach])
        scale(converted, rows, cv2.INTER_LINEAR)
        if above:
            np.copyto(rows[:reach], painted)


@dataclass(frozen=True)
class _Strip:
    """A strip: the rows `given` of a frame, and the rows `rows` of the screen that they fill."""

    given: slice
    rows: slice
    period: int
    """The least number of rows of the frame that fill a whole number of rows of the screen."""


def _strips(height: int, rows: int, row_bytes: int) -> Iterator[_Strip]:
    """Yield the strips of a picture of `height` px that fills `rows` px of a screen, from the top.

    `row_bytes` is the size of a row of the picture or of the screen, whichever is smaller. Strips
    end at common boundaries of the picture and the screen (see `MOST_ROWS`). If these are more than
    `MOST_ROWS` rows apart, the whole picture is one strip.
    """
    repeats = math.gcd(height, rows)
    period = height // repeats, rows // repeats
    step = repeats
    if _repeats_soon(height, rows):
        fitting = STRIP_BYTES // (row_bytes * min(period))
        step = max(1, min(fitting, math.ceil(repeats / LEAST_STRIPS)))
    for begin in range(0, repeats, step):
        end = min(begin + step, repeats)
        given, filled = (slice(begin * each, end * each) for each in period)
        yield _Strip(given, filled, period[0])


def _dimmed(bgr: Pixels, brightness: float, memory: Buffers) -> Pixels:
    """Return the picture `bgr` with its values multiplied by `brightness`.

    If `brightness` is 1, `bgr` itself is returned.
    """
    if brightness == 1:
        return bgr
    dimmed = memory.take("dimmed", bgr.shape)
    return cast(Pixels, cv2.convertScaleAbs(bgr, dimmed, alpha=brightness))


def _channel_conversion(surface: pygame.Surface) -> int | None:
    """Return the constant for `cv2.cvtColor` that converts BGR to the format of `surface`.

    The result is None if this format is neither BGRA nor RGBA.
    """
    if surface.get_bitsize() != 32 or sys.byteorder != "little":
        return None
    return {
        (0xFF0000, 0xFF00, 0xFF): cv2.COLOR_BGR2BGRA,
        (0xFF, 0xFF00, 0xFF0000): cv2.COLOR_BGR2RGBA,
    }.get(surface.get_masks()[:3])
