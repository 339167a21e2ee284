"""What the machine makes of one visitor on one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False, repr=False)
class Reading:
    """One track on one frame.

    `scores` is `(labels,)` float32, 0–1 and summing to at most 1, in the order of the label set's
    visible labels; `taken_at` is the frame's instant, s, monotonic.
    """

    track_id: int
    taken_at: float
    scores: npt.NDArray[np.float32]

    def __repr__(self) -> str:
        return f"<Reading of visitor {self.track_id} at {self.taken_at:.3f}>"
