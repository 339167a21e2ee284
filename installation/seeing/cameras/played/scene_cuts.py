"""Detects the cuts in a film and counts the scenes between them.

A live camera shows one place without a cut, but a film does not: a face after a cut must not
inherit the label of another person's face that was at the same place before the cut. Cuts are
detected here, on every frame of the film, and not in the tracker. The tracker's frames may be a
quarter of a second apart, and in that time a fast pan changes the picture as much as a cut does.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from installation.seeing.frame import Pixels

MIN_CHANGE = 18.0
"""At a cut, the grey levels (0–255) of the thumbnail change by more than this on average."""

MAX_CORRELATION = 0.5
"""At a cut, the correlation of the thumbnails before and after the cut is less than this.

The grey levels must also change by more than `MIN_CHANGE`. The two limits were chosen from a film
of nine seconds at 30 fps with three cuts. At the cuts the grey levels changed by at least 26 on
average, and the correlation was at most 0.27. At pans and gestures they changed by at most 12.6,
and the correlation was at least 0.69.
"""

_COARSE_PX = (128, 72)
_THUMBNAIL_PX = (32, 18)


class SceneCounter:
    """Counts the scenes of one film; keeps a grey thumbnail (32×18 px) of the last frame."""

    def __init__(self) -> None:
        self.number = 0
        self._last: npt.NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        return f"<SceneCounter, at {self.number}>"

    def update(self, pixels: Pixels) -> None:
        """Increment the scene count if there is a cut between the last picture and `pixels`.

        `pixels` are `(H, W, 3)` uint8 BGR.
        """
        # The picture is first reduced without averaging, so that a large frame takes no longer than
        # a small one.
        coarse = cv2.resize(pixels, _COARSE_PX, interpolation=cv2.INTER_NEAREST)
        grey = cv2.cvtColor(coarse, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, _THUMBNAIL_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, self._last = self._last, cast("npt.NDArray[np.float32]", small)
        if last is not None and _is_cut(last, self._last):
            self.number += 1

    def restart(self) -> None:
        """Increment the scene count when the film starts again from its first frame."""
        self.number += 1
        self._last = None


def _is_cut(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> bool:
    if np.abs(after - before).mean() <= MIN_CHANGE:
        return False
    a, b = before - before.mean(), after - after.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) < MAX_CORRELATION * norm or norm == 0.0
