"""Tests from the detector to the drawn square: the square stays on a moving face."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from installation.naming.reading.values import Sightings
from installation.running.latest import Latest
from installation.seeing.faces.mtcnn import Mtcnn
from installation.seeing.frame import Frame
from installation.show.context import open_context
from installation.showing.cover import Cover
from installation.showing.scene import Rect, Scene
from installation.showing.scenes.bands import bands
from installation.showing.scenes.compose import compose
from installation.showing.window import OffScreen
from tests.support.drawn_film import FPS, person_at
from tests.support.manual_clock import ManualClock
from tests.support.small_show import (
    DEFAULTS,
    GreyFilm,
    small_analysis,
    small_parts,
    with_networks,
)

MARGIN = 0.12
"""How much larger than the face's box its square is on each side, relative to the box's longer
side.
"""


@pytest.mark.parametrize(
    "path",
    [
        lambda at: (320 + 12 * math.sin(2 * math.pi * at / 3), 150, 110),
        lambda at: (150 + 80 * at, 150, 100),
        lambda at: (320, 150, 80 + 12 * at),
    ],
    ids=["sways", "walks past", "comes nearer"],
)
def test_the_square_of_somebody_who_moves_is_on_their_face(
    path: Callable[[float], tuple[float, float, float]],
) -> None:
    """A square's centre is within a twentieth of its side of the face's centre.

    The face is detected on the frame that is drawn; the square comes from looks that end a frame
    later.
    """
    detector, clock, found = Mtcnn(), ManualClock(), Latest[Sightings]()
    parts = with_networks(small_parts(GreyFilm(0), announce_s=3.0), detector=detector)
    analysis = small_analysis(parts, Latest(), found, clock)
    screen = OffScreen((1920, 1080))
    context = open_context(screen, DEFAULTS, parts.label_set)
    room = bands(context).room
    sightings, scene = None, None
    distances, margins = [], []
    for number in range(round(3.5 * FPS)):
        at = clock.instant = 1000 + number / FPS
        frame = Frame.from_rgb(person_at(*path(number / FPS)), at)
        sightings = found.take(timeout=0) or sightings
        scene = compose(frame, sightings, context, at, scene)
        analysis.offer(frame)
        if at < 1001:
            continue
        distance, margin = _measured(scene, frame, detector, room)
        distances.append(distance)
        margins.append(margin)
    assert np.quantile(distances, 0.95) < 0.05
    assert np.median(margins) == pytest.approx(MARGIN, abs=0.02)
    assert np.quantile(np.abs(np.array(margins) - MARGIN), 0.95) < 0.05


def _measured(scene: Scene, frame: Frame, detector: Mtcnn, room: Rect) -> tuple[float, float]:
    """Return the centres' distance and the margin, relative to the sides of square and box."""
    (visitor,), (face,) = scene.visitors, detector.detect(frame)
    box = Cover.from_sizes((frame.width, frame.height), room).to_screen(face.box)
    square, (x, y) = visitor.square, box.centre
    distance = math.hypot(square.x + square.width / 2 - x, square.y + square.height / 2 - y)
    longer = max(box.width, box.height)
    return distance / square.width, (square.width - longer) / (2 * longer)
