"""Where a film cuts to another scene.

A live camera shows one place without a break; a film does not, and a face that stands after the cut
where another stood before must not take over its name. Cuts are looked for on every frame of the
film, not in the tracker: between frames a quarter of a second apart a swift pan of the film in the
tests changes as much as its cuts do.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from installation.seeing.frame import Pixels

CHANGED = 18.0
ALIKE = 0.5
"""A cut changes the thumbnail's greys by more than `CHANGED` of 255 on average, and leaves their
correlation below `ALIKE`.

Measured on two-faces.mp4 at 30 fps: its three cuts 26 and more, and 0.27 and less; its pans and
gestures 12.6 and less, and 0.69 and more.
"""

_COARSE = (128, 72)
_TINY = (32, 18)


class Scenes:
    """Counts the scenes of one film. Holds a grey thumbnail of 32×18 px of the last frame."""

    def __init__(self) -> None:
        self.number = 0
        self._last: npt.NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        return f"<Scenes, at {self.number}>"

    def see(self, pixels: Pixels) -> None:
        """Count on if `pixels`, `(H, W, 3)` uint8 RGB, show another scene than the last ones."""
        # Picking pixels first, so that a large frame costs no more than a small one.
        coarse = cv2.resize(pixels, _COARSE, interpolation=cv2.INTER_NEAREST)
        grey = cv2.cvtColor(coarse, cv2.COLOR_RGB2GRAY)
        tiny = cv2.resize(grey, _TINY, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, self._last = self._last, cast("npt.NDArray[np.float32]", tiny)
        if last is not None and _is_cut(last, self._last):
            self.number += 1

    def start_again(self) -> None:
        """Count on, since the film has started again from its first frame."""
        self.number += 1
        self._last = None


def _is_cut(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> bool:
    if np.abs(after - before).mean() <= CHANGED:
        return False
    a, b = before - before.mean(), after - after.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) < ALIKE * spread or spread == 0.0
