"""Faces of successive frames joined into visitors.

A constant-velocity Kalman filter follows each face, and one optimal assignment joins the faces of
a frame to the tracks. Nothing of how a face looks is kept: a track knows where it is, how large it
is and how fast it moves. A tracker that compares faces would hold on through longer gaps, but it
would have to remember a likeness of each visitor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from installation.seeing.box import Box
from installation.seeing.faces.detector import Face

Velocity = tuple[float, float, float, float]

FULL_SPEED_S = 0.25
"""How long a box goes on at full speed after its last hit: the gap of four readings a second."""

BRAKING_S = 0.5
"""How long it then takes to come to rest; a guess."""

BIRTH_HITS = 2
BIRTH_AGE_S = 0.15
"""A face is shown after so many hits without a miss and so long.

Six frames at 30 readings a second, two at 4.
"""

DEATH_MISSES = 2
DEATH_S = 1.0
"""A visitor is gone after so many misses in a row and so long unseen.

One who was seen for less than that is gone as soon: what a detector mistook for a face goes fast.
"""

NOISE = 0.05
"""Standard deviation of a detector's box, in face sizes."""

WALK = 5.0
"""Standard deviation of a new face's velocity, face sizes/s: a face is 0.16 m, a walk 0.8 m/s."""

MANOEUVRE = 15.0
"""Spectral density of the acceleration's noise, (face sizes)²/s³.

NOISE, MANOEUVRE and REACH were tuned on two-faces.mp4 and the rehearsal at 30, 8 and 4 readings a
second with both detectors: the singer who bobs about stays one track at each, a visitor who looks
jitters half as much as the detector's boxes, and one who walks is met within 0.06 face sizes.
"""

GATE = 3.0
"""How many standard deviations from its prediction a track still takes a face."""

REACH = (0.8, 2.0)
"""The least and most that the gate may be, in face sizes; people stand about 3 apart."""

GROWTH = 0.7
"""The largest natural logarithm of the size's change that a track takes: half or twice."""

SAME_FACE = 0.4
"""IoU above which an unmatched face is a track's own, found twice."""

FORBIDDEN = 1e6
"""A cost that outweighs any number of pairs that are allowed."""


@dataclass(frozen=True)
class Track:
    """One visitor over time.

    `box` is where the face is at `seen_at` (s, monotonic), smoothed; `velocity` is the change of
    the box's `(centre x, centre y, width, height)` in px/s. `id` is never reused. `hits` counts the
    frames on which the face was found, `misses` those since then on which it was not.
    """

    id: int
    box: Box
    velocity: Velocity
    seen_at: float
    born_at: float
    hits: int
    misses: int

    def box_at(self, instant: float) -> Box:
        """Return the box predicted for `instant` (s, monotonic).

        It moves at its velocity at first, then brakes, and rests where it is after 0.75 s: a face
        that is lost does not sail off the screen. An instant before `seen_at` gives `box`.
        """
        moved = _travel(instant - self.seen_at)
        x, y = self.box.centre
        width, height = self.box.width, self.box.height
        vx, vy, v_width, v_height = self.velocity
        return Box.from_centre(
            x + vx * moved,
            y + vy * moved,
            max(width / 2, width + v_width * moved),
            max(height / 2, height + v_height * moved),
        )


def _travel(seconds: float) -> float:
    """Return for how many seconds at full speed a box has moved `seconds` after its last hit."""
    braking = min(max(0.0, seconds - FULL_SPEED_S), BRAKING_S)
    return max(0.0, min(seconds, FULL_SPEED_S)) + braking - braking**2 / (2 * BRAKING_S)


@dataclass(frozen=True)
class _Belief:
    """What the filter believes of one coordinate; the same for all four, in face sizes.

    Variances of position and velocity and their covariance.
    """

    position: float = NOISE**2
    both: float = 0.0
    velocity: float = WALK**2

    def after(self, seconds: float) -> _Belief:
        return _Belief(
            self.position
            + 2 * seconds * self.both
            + seconds**2 * self.velocity
            + MANOEUVRE * seconds**3 / 3,
            self.both + seconds * self.velocity + MANOEUVRE * seconds**2 / 2,
            self.velocity + MANOEUVRE * seconds,
        )

    def measured(self) -> tuple[float, float, _Belief]:
        """Return the gains for position and velocity (1/s), and the belief after a measurement."""
        total = self.position + NOISE**2
        gain, gain_v = self.position / total, self.both / total
        return (
            gain,
            gain_v,
            _Belief(
                (1 - gain) * self.position,
                (1 - gain) * self.both,
                self.velocity - gain_v * self.both,
            ),
        )


@dataclass(frozen=True)
class _Life:
    track: Track
    belief: _Belief
    shown: bool

    def hit(self, face: Face, taken_at: float) -> _Life:
        track = self.track
        elapsed = max(0.0, taken_at - track.seen_at)
        gain, gain_v, belief = self.belief.after(elapsed).measured()
        predicted = _coordinates(track.box_at(taken_at))
        errors = [
            seen - guess for seen, guess in zip(_coordinates(face.box), predicted, strict=True)
        ]
        x, y, width, height = (
            guess + gain * error for guess, error in zip(predicted, errors, strict=True)
        )
        vx, vy, v_width, v_height = (
            v + gain_v * error for v, error in zip(track.velocity, errors, strict=True)
        )
        hits = track.hits + 1
        shown = self.shown or (hits >= BIRTH_HITS and taken_at - track.born_at >= BIRTH_AGE_S)
        return _Life(
            replace(
                track,
                box=Box.from_centre(x, y, width, height),
                velocity=(vx, vy, v_width, v_height),
                seen_at=max(taken_at, track.seen_at),
                hits=hits,
                misses=0,
            ),
            belief,
            shown,
        )

    def missed(self) -> _Life:
        return replace(self, track=replace(self.track, misses=self.track.misses + 1))

    def lives(self, taken_at: float) -> bool:
        track = self.track
        if not self.shown:
            return track.misses == 0
        patience = min(DEATH_S, track.seen_at - track.born_at)
        return track.misses < DEATH_MISSES or taken_at - track.seen_at < patience


class Tracker:
    """Joins the faces of successive frames into tracks. For one thread."""

    def __init__(self) -> None:
        paired(np.empty((0, 0)))  # Imports SciPy now, not when the first visitor comes.
        self._lives: list[_Life] = []
        self._next_id = 1
        self._scene = 0

    def update(self, faces: Iterable[Face], taken_at: float, scene: int = 0) -> list[Track]:
        """Return the visitors after the frame of `taken_at` (s, monotonic), oldest first.

        `faces` may be in any order. Every track ends with the `scene` of its frame, for whoever
        stands there in the next one is somebody else.
        """
        if scene != self._scene:
            self._lives, self._scene = [], scene
        # In an order of their own, so that ids do not depend on the detector's.
        found = sorted(faces, key=lambda face: (face.box.x0, face.box.y0, face.box.x1, face.box.y1))
        pairs = paired(_costs(self._lives, found, taken_at))
        survivors = [
            life.hit(found[pairs[row]], taken_at) if row in pairs else life.missed()
            for row, life in enumerate(self._lives)
        ]
        taken = set(pairs.values())
        for column, face in enumerate(found):
            if column in taken or any(
                life.track.box_at(taken_at).iou(face.box) > SAME_FACE for life in survivors
            ):
                continue
            survivors.append(self._born(face, taken_at))
        self._lives = [life for life in survivors if life.lives(taken_at)]
        return [life.track for life in self._lives if life.shown]

    def _born(self, face: Face, taken_at: float) -> _Life:
        track = Track(
            id=self._next_id,
            box=face.box,
            velocity=(0.0, 0.0, 0.0, 0.0),
            seen_at=taken_at,
            born_at=taken_at,
            hits=1,
            misses=0,
        )
        self._next_id += 1
        return _Life(track, _Belief(), shown=False)


def paired(costs: npt.NDArray[np.float64]) -> dict[int, int]:
    """Return the column for each row that has one, where infinite costs forbid a pair.

    As many pairs as can be, and of all such pairings one of least total cost.
    """
    # SciPy takes half a second and more to import, and the window is painted before that.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.where(np.isfinite(costs), costs, FORBIDDEN))
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if math.isfinite(costs[row, column])
    }


def _costs(
    lives: Sequence[_Life], faces: Sequence[Face], taken_at: float
) -> npt.NDArray[np.float64]:
    """Return the cost of each face for each track, `(tracks, faces)`; infinite where out of reach.

    The distance of the centres in face sizes, and the change of size as a logarithm.
    """
    boxes = [life.track.box_at(taken_at) for life in lives]
    reach = np.array([_reach(life, taken_at) for life in lives])
    was, now = _measures(boxes), _measures([face.box for face in faces])  # (T, 3), (F, 3)
    apart = np.hypot(was[:, None, 0] - now[None, :, 0], was[:, None, 1] - now[None, :, 1])  # (T, F)
    apart /= np.maximum(was[:, None, 2], now[None, :, 2])
    growth = np.abs(np.log(was[:, None, 2] / now[None, :, 2]))
    allowed = (apart <= reach[:, None]) & (growth <= GROWTH)
    return np.where(allowed, apart + growth, math.inf)


def _reach(life: _Life, taken_at: float) -> float:
    """Return how far from its prediction the track takes a face, in face sizes."""
    elapsed = max(0.0, taken_at - life.track.seen_at)
    spread = life.belief.after(elapsed).position + NOISE**2
    least, most = REACH
    return min(max(GATE * math.sqrt(spread), least), most)


def _measures(boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return centre x, centre y and size of each box, `(N, 3)`, px; a size is at least 1 px."""
    return np.array([(*box.centre, max(1.0, math.sqrt(box.area))) for box in boxes]).reshape(-1, 3)


def _coordinates(box: Box) -> tuple[float, float, float, float]:
    return (*box.centre, box.width, box.height)
