"""One picture from a camera, with its time of arrival.

The channels stay in the order in which cameras, decoders and displays have them: blue, green, red.
Only the crops for the networks that name people are converted, because they are small; the whole
picture never is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from installation.seeing.box import Box

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Frame:
    """A picture with its time of arrival.

    `bgr` is `(H, W, 3)` uint8, its channels blue, green and red, and is read-only; `taken_at` is in
    seconds on the monotonic clock. All frames with the same `scene` number were taken without a cut
    between them; each cut in a film starts a new scene, and a live camera has only one scene.
    """

    bgr: Pixels
    taken_at: float
    scene: int = 0

    def __post_init__(self) -> None:
        assert self.bgr.ndim == 3
        assert self.bgr.shape[2] == 3
        assert self.bgr.dtype == np.uint8
        self.bgr.setflags(write=False)

    @classmethod
    def from_rgb(cls, rgb: Pixels, taken_at: float, scene: int = 0) -> Frame:
        """Return the frame with a copy of the picture `rgb` `(H, W, 3)` uint8."""
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        return cls(bgr=bgr, taken_at=taken_at, scene=scene)

    def to_rgb(self) -> Pixels:
        """Return a copy of the picture, `(H, W, 3)` uint8 RGB."""
        return np.ascontiguousarray(self.bgr[..., ::-1])

    def __repr__(self) -> str:
        return f"<Frame {self.width}×{self.height} at {self.taken_at:.3f}>"

    @property
    def box(self) -> Box:
        """The box of the whole picture, px."""
        return Box(0, 0, self.width, self.height)

    @property
    def width(self) -> int:
        """The width, px."""
        return int(self.bgr.shape[1])

    @property
    def height(self) -> int:
        """The height, px."""
        return int(self.bgr.shape[0])
