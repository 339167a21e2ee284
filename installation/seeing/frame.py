"""One picture from a camera, with its time of arrival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from installation.seeing.box import Box

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """A picture with its time of arrival.

    `pixels` are `(H, W, 3)` uint8 RGB and read-only; `taken_at` is in seconds on the monotonic
    clock. All frames with the same `scene` number were taken without a cut between them; each cut
    in a film starts a new scene, and a live camera has only one.
    """

    pixels: Pixels
    taken_at: float
    scene: int = 0

    def __post_init__(self) -> None:
        assert self.pixels.ndim == 3
        assert self.pixels.shape[2] == 3
        assert self.pixels.dtype == np.uint8
        self.pixels.setflags(write=False)

    def __repr__(self) -> str:
        return f"<Frame {self.width}×{self.height} at {self.taken_at:.3f}>"

    @property
    def box(self) -> Box:
        """The box of the whole picture, px."""
        return Box(0, 0, self.width, self.height)

    @property
    def width(self) -> int:
        """The width, px."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """The height, px."""
        return int(self.pixels.shape[0])
