"""Joins the faces of successive frames into tracks, one for each visitor.

As in SORT (A. Bewley et al., *Simple Online and Realtime Tracking*, 2016), a Kalman filter with
constant velocity predicts each box, and one optimal assignment matches the faces of a frame with
the tracks. Two things differ from SORT. A box is predicted to an instant and not to the next frame,
because the rate of analysis varies. The cost of a match is the distance of the centres and not IoU,
because IoU is 0 for every face that is farther from its predicted box than the width of the box.
The size of a face, in which distances are measured, is the square root of its box's area. A look is
one search for faces on a frame.

No appearance is stored: a track knows where a face is, how large it is and how fast it moves. A
tracker that compares faces would bridge longer gaps, but it would have to remember what each
visitor looks like. Only a face that has not moved for a minute, as on a poster, is expected at the
same place for a while after it was covered, for example by somebody who walks past it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from installation.seeing.assignment import assign
from installation.seeing.box import Box
from installation.seeing.faces.detector import Face

Velocity = tuple[float, float, float, float]
"""The rate of change of a box's centre x, centre y, width and height, px/s."""

FULL_SPEED_S = 0.25
"""The time for which a predicted box keeps its full speed after the face was last found, s: the
time between two looks on a machine that looks four times a second.
"""

BRAKING_S = 0.5
"""The time in which a predicted box slows down from full speed until it stops, s; a guess. The box
begins to slow down `FULL_SPEED_S` after the face was last found.
"""

MIN_HITS = 2
"""The number of looks in a row that must find a face before its track is shown."""

MIN_AGE_S = 0.15
"""The age at which a track with `MIN_HITS` hits is shown, s.

A track is this old at its sixth look if there are 30 looks a second, and at its second look if
there are four.
"""

MAX_MISSES = 2
"""The number of looks in a row that must miss a face before its track may end. A track that is not
shown yet ends at the first miss.
"""

MAX_UNSEEN_S = 1.0
"""A track ends when its face was missed `MAX_MISSES` times and was last found this long ago, s.

A track whose first and last hit are less than `MAX_UNSEEN_S` apart ends sooner: the limit is then
the time between these two hits. So something that the detector mistook for a face disappears
quickly.
"""

STILL_S = 60.0
"""The time for which a face must stay at one place to count as still, s."""

STILL_RANGE = 0.2
"""The largest change of position, and of size, with which a face stays at one place.

The change of position is the distance between the centres, in face sizes. The change of size is the
natural logarithm of the ratio of the sizes.

Faces on posters and screens are still. Most people who stand do not count as still, because they
sway further than 0.2 face sizes, which is about 3 cm, within a minute.
"""

MAX_COVERED_S = 10.0
"""How long the track of a still face continues after the face was last found, s; a guess. A group
that walks past a poster covers it for a shorter time than this.
"""

MAX_PAUSE_S = 3.0
"""The longest time between two searches for faces, s. After a longer time, for example while a
camera is reopened, all tracks end.

The slowest machine that the tracker supports searches once a second. On this machine, a pause of
3 s means that two searches were left out.
"""

LOST_S = 0.5
"""How long a track is still drawn if the detector no longer finds its face, s after its last hit.
The track itself may continue for longer.

A track is drawn as a square. If it stayed longer without a face, it would cover the back of a head,
or somebody else. At four looks a second, a lost face is usually found again within half a second.
"""

BOX_NOISE = 0.05
"""The standard deviation of the position of a detector's box, in face sizes."""

INITIAL_SPEED = 5.0
"""The standard deviation of a new face's velocity, face sizes/s: the size of a face is 0.16 m, and
a person who walks moves at 0.8 m/s.
"""

ACCELERATION_NOISE = 15.0
"""The spectral density of the acceleration's noise, (face sizes)²/s³.

BOX_NOISE, ACCELERATION_NOISE and GATE_RANGE were tuned at 30, 8 and 4 looks a second with both
detectors, on the rehearsal and on a film of nine seconds, which shows two people on a stage, then a
singer, then an audience. The singer, who bobs, stays one track at each rate. For a visitor who
stands still, the tracker's box jitters half as much as the detector's. For a visitor who walks, the
error of the prediction is at most 0.06 face sizes.
"""

INITIAL_GROWTH = 0.5
"""The standard deviation of the rate at which a new face grows or shrinks, as a share of its size
per second. It suits a person who walks towards a screen two metres away.
"""

SIZE_ACCELERATION_NOISE = 0.5
"""The spectral density of the acceleration's noise for width and height, (face sizes)²/s³.

It is lower than `ACCELERATION_NOISE`, because the size changes more slowly than the position.
"""

GATE_SIGMAS = 3.0
"""The largest distance between a track's predicted box and a matching face, in standard deviations
of the prediction.
"""

GATE_RANGE = (0.8, 2.0)
"""The limits of the gate, in face sizes. The gate is the distance from a track's predicted box
within which a face may match the track. People stand about 3 face sizes apart.
"""

MAX_GROWTH = 0.7
"""The largest change of size between a track and a matching face, as a natural logarithm: a
matching face may have half or twice the size.
"""

DUPLICATE_IOU = 0.4
"""The IoU above which an unmatched face counts as a second detection of a track's face."""

FORBIDDEN_COST = 1e6
"""The cost of a track and a face that must not be matched; above the sum of all allowed costs."""


@dataclass(frozen=True)
class Track:
    """One visitor over time.

    `box` is where the face is at `seen_at` (s, monotonic), smoothed; `velocity` is the change of
    the box's `(centre x, centre y, width, height)` in px/s. `id` is never reused. `hits` is the
    number of looks (searches for faces) that found the face. `misses` is the number of looks after
    the last hit. `is_turned` says whether the face was turned away from the camera at the last hit.
    """

    id: int
    box: Box
    velocity: Velocity
    seen_at: float
    born_at: float
    hits: int
    misses: int
    is_turned: bool = False

    def is_lost(self, instant: float) -> bool:
        """Return whether the face has been missing for more than `LOST_S`, and so is not drawn."""
        return self.misses > 0 and instant - self.seen_at > LOST_S

    def is_covered(self, instant: float) -> bool:
        """Return whether the face was missed for so long that somebody may stand in front of it.

        The result is true only for still faces, such as a face on a poster, because the tracks of
        other faces have ended by then. `instant` is in seconds, monotonic.
        """
        return self.misses >= MAX_MISSES and instant - self.seen_at >= MAX_UNSEEN_S

    def box_at(self, instant: float) -> Box:
        """Return the box predicted for the time `instant` (s, monotonic).

        The box moves at its velocity at first, then slows down, and stops after 0.75 s, so that the
        box of a lost face does not leave the screen. For an instant before `seen_at` the result is
        `box`.
        """
        moved_s = _braked(instant - self.seen_at)
        x, y = self.box.centre
        width, height = self.box.width, self.box.height
        vx, vy, v_width, v_height = self.velocity
        return Box.from_centre(
            x + vx * moved_s,
            y + vy * moved_s,
            max(width / 2, width + v_width * moved_s),
            max(height / 2, height + v_height * moved_s),
        )


def _braked(elapsed_s: float) -> float:
    """Return how long the box would need at full speed to move as far as it has moved, s.

    `elapsed_s` is the time since the last hit. The box moves at full speed for `FULL_SPEED_S`, and
    then slows down. While it slows down, the result grows more slowly than `elapsed_s`.
    """
    braking_s = min(max(0.0, elapsed_s - FULL_SPEED_S), BRAKING_S)
    at_full_speed_s = max(0.0, min(elapsed_s, FULL_SPEED_S))
    return at_full_speed_s + braking_s - braking_s**2 / (2 * BRAKING_S)


@dataclass(frozen=True)
class _KalmanState:
    """The Kalman filter's covariance matrix for one coordinate of a box: its value and velocity.

    `position` is the variance of the value, `velocity` that of the velocity, and `covariance` the
    covariance of the two, all in face sizes and seconds. Centre x and centre y share one such
    matrix, and width and height another.
    """

    acceleration: float = ACCELERATION_NOISE
    """The spectral density of the acceleration's noise, (face sizes)²/s³."""
    position: float = BOX_NOISE**2
    covariance: float = 0.0
    velocity: float = INITIAL_SPEED**2

    def predict(self, seconds: float) -> _KalmanState:
        """Return the state after `seconds` without a measurement."""
        return _KalmanState(
            self.acceleration,
            self.position
            + 2 * seconds * self.covariance
            + seconds**2 * self.velocity
            + self.acceleration * seconds**3 / 3,
            self.covariance + seconds * self.velocity + self.acceleration * seconds**2 / 2,
            self.velocity + self.acceleration * seconds,
        )

    def update(self) -> tuple[float, float, _KalmanState]:
        """Return the gains for position and velocity (1/s), and the state after the measurement."""
        innovation = self.position + BOX_NOISE**2
        gain, gain_v = self.position / innovation, self.covariance / innovation
        return (
            gain,
            gain_v,
            _KalmanState(
                self.acceleration,
                (1 - gain) * self.position,
                (1 - gain) * self.covariance,
                self.velocity - gain_v * self.covariance,
            ),
        )


@dataclass(frozen=True)
class _TrackState:
    """A track and its Kalman filter; `shown` becomes true after enough hits."""

    track: Track
    kalman: _KalmanState
    """The filter of the centre's coordinates."""
    size_kalman: _KalmanState
    """The filter of width and height."""
    shown: bool
    place: Box
    """The box at the instant `still_since` (s, monotonic); since then the face has not moved."""
    still_since: float

    @property
    def is_still(self) -> bool:
        """Whether the face has not moved for `STILL_S`."""
        return self.track.seen_at - self.still_since >= STILL_S

    def hit(self, face: Face, taken_at: float) -> _TrackState:
        """Return the state after a frame on which `face` was matched with the track."""
        track = self.track
        elapsed_s = max(0.0, taken_at - track.seen_at)
        gain, gain_v, kalman = self.kalman.predict(elapsed_s).update()
        size_gain, size_gain_v, size_kalman = self.size_kalman.predict(elapsed_s).update()
        gains = (gain, gain, size_gain, size_gain)
        gains_v = (gain_v, gain_v, size_gain_v, size_gain_v)
        predicted = _coordinates(track.box_at(taken_at))
        measured = _coordinates(face.box)
        errors = [m - p for m, p in zip(measured, predicted, strict=True)]
        x, y, width, height = (p + g * e for p, g, e in zip(predicted, gains, errors, strict=True))
        vx, vy, v_width, v_height = (
            v + g * e for v, g, e in zip(track.velocity, gains_v, errors, strict=True)
        )
        hits = track.hits + 1
        shown = self.shown or (hits >= MIN_HITS and taken_at - track.born_at >= MIN_AGE_S)
        box = Box.from_centre(x, y, width, height)
        stays = _is_at(self.place, box)
        return _TrackState(
            replace(
                track,
                box=box,
                velocity=(vx, vy, v_width, v_height),
                seen_at=max(taken_at, track.seen_at),
                hits=hits,
                misses=0,
                is_turned=face.is_turned,
            ),
            kalman,
            size_kalman,
            shown,
            self.place if stays else box,
            self.still_since if stays else taken_at,
        )

    def miss(self) -> _TrackState:
        """Return the state after a frame on which the track's face was not found."""
        return replace(self, track=replace(self.track, misses=self.track.misses + 1))

    def is_alive(self, taken_at: float) -> bool:
        """Return whether the track continues after the frame taken at `taken_at`."""
        track = self.track
        if not self.shown:
            return track.misses == 0
        longest_s = MAX_COVERED_S if self.is_still else MAX_UNSEEN_S
        max_unseen_s = min(longest_s, track.seen_at - track.born_at)
        return track.misses < MAX_MISSES or taken_at - track.seen_at < max_unseen_s


class Tracker:
    """Joins the faces of successive frames into tracks. Use it from one thread only."""

    def __init__(self) -> None:
        self._states: list[_TrackState] = []
        self._next_id = 1
        self._scene = 0
        self._updated_at = -math.inf
        """The instant of the last frame (s, monotonic)."""

    def update(self, faces: Iterable[Face], taken_at: float, scene: int = 0) -> list[Track]:
        """Return the shown tracks after the frame taken at `taken_at` (s, monotonic), oldest first.

        `faces` may be in any order. All tracks end when the `scene` changes, or after a pause of
        more than `MAX_PAUSE_S`, because a face at the same place then may be another person's.
        """
        if scene != self._scene or taken_at - self._updated_at > MAX_PAUSE_S:
            self.forget()
        self._scene, self._updated_at = scene, taken_at
        # Sorted, so that ids do not depend on the detector's order.
        found = sorted(faces, key=lambda face: (face.box.x0, face.box.y0, face.box.x1, face.box.y1))
        pairs = match(_costs(self._states, found, taken_at))
        states = [
            state.hit(found[pairs[row]], taken_at) if row in pairs else state.miss()
            for row, state in enumerate(self._states)
        ]
        matched = set(pairs.values())
        for column, face in enumerate(found):
            if column in matched or any(
                state.track.box_at(taken_at).iou(face.box) > DUPLICATE_IOU
                for state in states
                if not state.track.is_covered(taken_at)
            ):
                continue
            states.append(self._new_state(face, taken_at))
        self._states = [state for state in states if state.is_alive(taken_at)]
        return [state.track for state in self._states if state.shown]

    def forget(self) -> None:
        """End all tracks."""
        self._states = []

    @property
    def has_newcomers(self) -> bool:
        """Whether any track is not shown yet, because it needs more hits."""
        return any(not state.shown for state in self._states)

    def _new_state(self, face: Face, taken_at: float) -> _TrackState:
        still = (0.0, 0.0, 0.0, 0.0)
        track = Track(
            self._next_id, face.box, still, taken_at, taken_at, 1, 0, is_turned=face.is_turned
        )
        self._next_id += 1
        return _TrackState(
            track,
            _KalmanState(),
            _KalmanState(SIZE_ACCELERATION_NOISE, velocity=INITIAL_GROWTH**2),
            shown=False,
            place=face.box,
            still_since=taken_at,
        )


def match(costs: npt.NDArray[np.float64]) -> dict[int, int]:
    """Return, for each matched row of `costs`, the column that it is matched with.

    An infinite cost forbids a pair. As many pairs as possible are matched, at the least total cost.
    """
    pairs = assign(np.where(np.isfinite(costs), costs, FORBIDDEN_COST))
    return {row: column for row, column in pairs if math.isfinite(costs[row, column])}


def _costs(
    states: Sequence[_TrackState], faces: Sequence[Face], taken_at: float
) -> npt.NDArray[np.float64]:
    """Return the costs `(T, F)` of matching each of F faces with each of T tracks.

    A cost is the distance of the centres in face sizes, plus the change of size as a natural
    logarithm. It is infinite if either is too large for a match.
    """
    predicted = _measures([state.track.box_at(taken_at) for state in states])  # (T, 3)
    found = _measures([face.box for face in faces])  # (F, 3)
    gates = np.array([_gate(state, taken_at) for state in states])  # (T,)
    growths = np.array([_largest_growth(state) for state in states])  # (T,)
    distances = np.hypot(
        predicted[:, None, 0] - found[None, :, 0], predicted[:, None, 1] - found[None, :, 1]
    )  # (T, F)
    distances /= np.maximum(predicted[:, None, 2], found[None, :, 2])
    growth = np.abs(np.log(predicted[:, None, 2] / found[None, :, 2]))  # (T, F)
    allowed = (distances <= gates[:, None]) & (growth <= growths[:, None])
    return np.where(allowed, distances + growth, math.inf)


def _gate(state: _TrackState, taken_at: float) -> float:
    """Return the largest distance, in face sizes, of a matching face from the predicted box."""
    if state.is_still and state.track.is_lost(taken_at):
        return STILL_RANGE
    elapsed_s = max(0.0, taken_at - state.track.seen_at)
    variance = state.kalman.predict(elapsed_s).position + BOX_NOISE**2
    smallest, largest = GATE_RANGE
    return min(max(GATE_SIGMAS * math.sqrt(variance), smallest), largest)


def _largest_growth(state: _TrackState) -> float:
    """Return the largest change of size, as a natural logarithm, that a matching face may have.

    For a still face, such as one on a poster, the result is small. Somebody who walks past the
    poster has a larger face in the picture, which then does not match.
    """
    return STILL_RANGE if state.is_still else MAX_GROWTH


def _is_at(place: Box, box: Box) -> bool:
    """Return whether `box` has the centre and the size of `place`, within `STILL_RANGE`."""
    (x, y, size), (other_x, other_y, other_size) = _measures([place, box])
    distance = math.hypot(x - other_x, y - other_y) / size
    return distance <= STILL_RANGE and abs(math.log(other_size / size)) <= STILL_RANGE


def _measures(boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return the centre x, centre y and size of each box, `(N, 3)`, px; a size is at least 1 px."""
    return np.array([(*box.centre, max(1.0, math.sqrt(box.area))) for box in boxes]).reshape(-1, 3)


def _coordinates(box: Box) -> tuple[float, float, float, float]:
    return (*box.centre, box.width, box.height)
