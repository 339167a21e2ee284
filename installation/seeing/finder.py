"""Finds and follows the faces of a camera's frames, and decides when and where to look.

A look is one search for faces on a frame. A full look searches the whole frame, five times a
second, even if nobody is present. Between full looks, MTCNN searches only the places at which the
tracks predict faces. Such a look takes a tenth of the time of a full look. YuNet always searches
the whole frame. Looks are repeated so often that the square around a face stays on the face while
it moves.

While a face may be a newcomer's, full looks are repeated every `NEWCOMER_INTERVAL_S` until its
track is shown. So a newcomer's square appears within half a second. The first look that can find
the face comes after at most 0.2 s (`DETECT_INTERVAL_S`). The track is shown at the first look that
is at least 0.15 s (`tracker.MIN_AGE_S`) later. At 30 frames a second this is 0.2 s later, because
every other frame is searched, so the sum is 0.4 s.

All instants are the frames' times of arrival. Rejected: a full look at every frame. The show then
took 1.3 times as much processor time as a program that reads, detects, classifies and draws in a
single loop, and the picture on the screen came late on a busy computer.
"""

from __future__ import annotations

import numpy as np

from installation.seeing.faces.detector import DetectionError, Detector, Face
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track, Tracker

DETECT_INTERVAL_S = 0.2
"""The time between two full looks (searches of the whole frame), s. In an empty room, there are no
other looks.
"""

NEWCOMER_INTERVAL_S = 0.06
"""The time between two looks while there may be a newcomer, s; with 30 frames a second, every other
frame is searched.

A detector may find a face in the background on some frames and lose it on others. Such a face
counts as a newcomer's again and again, all day. With a shorter interval, every frame would then be
searched.
"""

TRACK_INTERVAL_S = 0.03
"""The time between two looks while one face is tracked, s.

For N faces the time is N times as long, but at most `MAX_TRACK_INTERVAL_S`.
"""

MAX_TRACK_INTERVAL_S = 0.1
"""The longest time between two looks while faces are tracked, s.

This time and `TRACK_INTERVAL_S` were chosen by measurements on a drawn face of 110 px with MTCNN.
The error is the distance from the centre of the predicted box to the centre of the box that the
detector finds on the same frame. It is given as a multiple of the side of the square around the
face. 95 of 100 errors were below these values:

    looks a second                               30       10
    a face that sways or comes nearer,
    or the face of somebody who walks slowly     0.02     0.03 to 0.04
    the face of a singer who bobs                0.06     0.14

With a camera of 30 frames a second there are 30 looks a second for one visitor, 15 for two, and ten
for three or more. A look for which MTCNN runs only its network O-Net takes 0.6 ms of one core. A
full look takes 7 ms. YuNet takes 9 ms for every look; with YuNet there are ten looks a second for
any number of visitors.
"""

TOLERANCE_S = 0.005
"""How much earlier than planned a search for faces may happen, s.

Frames do not arrive at exact intervals.
"""


class FaceFinder:
    """Decides when and where to look for faces in the frames of one camera.

    Use it from one thread only.
    """

    def __init__(self, detector: Detector, tracker: Tracker) -> None:
        self._detector = detector
        self._tracker = tracker
        self._tracks: list[Track] = []
        """The result of the last `find`: the tracks that had enough hits to be shown."""
        self._looked_at = float("-inf")
        """When the frame of the last look arrived (s, monotonic)."""
        self._looked_fully_at = float("-inf")
        """When the last frame that was searched as a whole arrived (s, monotonic)."""
        self._scene = 0

    def is_due(self, frame: Frame) -> bool:
        """Return whether another look is due at `frame`."""
        if frame.scene != self._scene:
            return True
        interval_s = DETECT_INTERVAL_S
        if self._tracker.has_newcomers:
            interval_s = NEWCOMER_INTERVAL_S
        elif followed := self._followed(frame):
            shortest_s = TRACK_INTERVAL_S if self._detector.follows else MAX_TRACK_INTERVAL_S
            interval_s = min(shortest_s * len(followed), MAX_TRACK_INTERVAL_S)
        return frame.taken_at - self._looked_at >= interval_s - TOLERANCE_S

    def find(self, frame: Frame) -> list[Track]:
        """Look for faces on `frame`, and return the tracks to show after that, oldest first.

        Raises DetectionError if the box of a face is not finite.
        """
        faces = self._faces(frame)
        boxes = [(box.x0, box.y0, box.x1, box.y1) for box in (face.box for face in faces)]
        if not np.isfinite(boxes).all():
            raise DetectionError
        self._looked_at, self._scene = frame.taken_at, frame.scene
        self._tracks = self._tracker.update(faces, frame.taken_at, frame.scene)
        return self._tracks

    def forget(self) -> None:
        """Drop all tracks; the next frame is searched as if it were the first."""
        self._tracker.forget()
        self._tracks = []
        self._looked_at = self._looked_fully_at = float("-inf")

    def _followed(self, frame: Frame) -> list[Track]:
        """Return the tracks whose faces are searched for between searches of the whole frame.

        A track is left out if somebody may stand in front of its face (see `Track.is_covered`).
        """
        return [track for track in self._tracks if not track.is_covered(frame.taken_at)]

    def _faces(self, frame: Frame) -> list[Face]:
        """Return the faces found at the tracks' places, or on the whole frame.

        The whole frame is searched if a full look is due or if a tracked face is missing. So a face
        is lost only if it is not found anywhere on the frame.
        """
        since_full_s = frame.taken_at - self._looked_fully_at
        followed = self._followed(frame)
        may_follow = (
            followed
            and not self._tracker.has_newcomers
            and frame.scene == self._scene
            and since_full_s < DETECT_INTERVAL_S - TOLERANCE_S
        )
        if may_follow:
            faces = self._detector.follow(
                frame, [track.box_at(frame.taken_at) for track in followed]
            )
            if len(faces) == len(followed):
                return faces
        self._looked_fully_at = frame.taken_at
        return self._detector.detect(frame)
