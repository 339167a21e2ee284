"""Computes the position of the line on the floor behind which nobody is classified.

A camera with the diagonal angle of view `a` and a picture of w × h px covers, at the distance d, a
height of `2 d tan(a/2) h / √(w² + h²)`. A face of F metres fills the share `least_size` of this
height at

    d = F √(w² + h²) / (2 h tan(a/2) least_size)

Distances are measured from the camera's plane, not from the camera, so the line is straight and
parallel to the screen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from installation.seeing.presence.presence import HYSTERESIS

FACE_M = 0.18
"""The height of the box that the detector finds around an adult's face, m: 2.9 times the distance
between the pupils.

The factor is the median of 27 frontal faces in a film, detected by MTCNN. Pupils are 63 mm apart
(N. A. Dodgson, *Variation and extrema of human interpupillary distance*, 2004).
"""

LARGEST_FACE_M = 0.22
"""The height of the box around a large face, m: 3.2 times the distance between the pupils, which is
70 mm in such a face. The factor was measured with YuNet's boxes, in the film that was also used for
`FACE_M`.
"""

ANGLES = (60, 70, 78, 90, 120)
"""The diagonal angles of view of common webcams, as printed on their packaging, degrees."""


@dataclass(frozen=True)
class FloorLine:
    """Two distances, both measured from the plane of the camera, m.

    Most adults are announced as soon as they are nearer than `announced_m`. Nobody who is farther
    away than `line_m` is classified, not even a person with a large face or one who was classified
    before and has stepped back.
    """

    announced_m: float
    line_m: float

    @classmethod
    def from_angle(cls, angle: float, width: int, height: int, least_size: float) -> FloorLine:
        """Return the distances for a camera with the diagonal angle of view `angle`, degrees.

        `width` and `height` are the size of the camera's picture after rotation, px;
        `least_size` is the setting `visitors.least_size`, above 0.
        """
        seen_at_1_m = 2 * math.tan(math.radians(angle / 2)) * height / math.hypot(width, height)
        return cls(
            announced_m=FACE_M / (seen_at_1_m * least_size),
            line_m=LARGEST_FACE_M * HYSTERESIS / (seen_at_1_m * least_size),
        )
