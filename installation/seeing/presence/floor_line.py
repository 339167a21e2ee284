"""Where the line on the floor goes behind which nobody is read, from the angle of the camera.

A camera with the diagonal angle `a` and a picture of w × h px sees, at the distance d, a height of
`2 d tan(a/2) h / √(w² + h²)`. A face of F metres has the share `least_size` of it at

    d = F √(w² + h²) / (2 h tan(a/2) least_size)

Distances are measured from the camera's plane, not from the camera, so the line is straight and
parallel to the screen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from installation.seeing.presence.presence import HYSTERESIS

FACE_M = 0.18
"""Height of the detector's box on an adult's face: 2.9 distances between the pupils.

That is the median of 27 frontal faces on a film, by MTCNN. Pupils are 63 mm apart (N. A. Dodgson,
*Variation and extrema of human interpupillary distance*, 2004).
"""

LARGEST_FACE_M = 0.22
"""The same for a large face: 3.2 distances (YuNet's boxes on that film) of 70 mm."""

ANGLES = (60, 70, 78, 90, 120)
"""Diagonal angles of common webcams, as their boxes say, degrees."""


@dataclass(frozen=True)
class FloorLine:
    """Distances from the camera's plane, m.

    Most adults are announced from `announced_m` on, and behind `line_m` nobody is read, however
    large their face is and wherever they came from.
    """

    announced_m: float
    line_m: float

    @classmethod
    def from_angle(cls, angle: float, width: int, height: int, least_size: float) -> FloorLine:
        """Return the line for a camera with a diagonal `angle`, degrees.

        `width` and `height` are the picture's on the screen, turned as there, px; `least_size` is
        the setting of that name, above 0.
        """
        seen_at_1_m = 2 * math.tan(math.radians(angle / 2)) * height / math.hypot(width, height)
        return cls(
            announced_m=FACE_M / (seen_at_1_m * least_size),
            line_m=LARGEST_FACE_M * HYSTERESIS / (seen_at_1_m * least_size),
        )
