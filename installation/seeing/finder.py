"""Finds and follows the faces of a camera's frames, with no more work than visitors notice.

A look is one detection. A full look searches the whole frame, five times a second, whether somebody
is there or not. Between full looks only the places are searched where the tracks predict faces,
which takes a tenth of the time, and often enough for a square to stay on a moving face. A face that
may be a newcomer's is searched for on every whole frame until its track is shown, so that its
square appears within half a second: at most `DETECT_INTERVAL_S` until the first look, and
`tracker.MIN_AGE_S` after it, each rounded up to a frame.

Time is that of the frames. The alternative, a full look at every frame, took 1.3 times the
processor time of a plain loop, and the mirror's picture came late on a busy computer.
"""

from __future__ import annotations

from installation.seeing.faces.detector import Detector, Face
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track, Tracker

DETECT_INTERVAL_S = 0.2
"""The time between two full looks; an empty room has no other looks."""

TRACK_INTERVAL_S = 0.03
MAX_TRACK_INTERVAL_S = 0.1
"""The time between two looks for each face that is tracked, and the longest.

Measured on a drawn face of 110 px with MTCNN, as the distance of the predicted box's centre from
the detector's on the same frame, over the square's side; 95 of 100 frames were better. With 30
looks a second 0.02 for a face that sways, comes nearer or walks slowly, and 0.06 for a singer who
bobs; with 10 looks 0.03 to 0.04, and 0.14. One visitor has 30 looks a second at 30 frames, two have
15 and three or more have ten.
"""

TOLERANCE_S = 0.005
"""How much earlier a look may be, as frames do not come exactly at their times."""


class FaceFinder:
    """Decides which frames to look at, and where; for the frames of one camera in one thread."""

    def __init__(self, detector: Detector, tracker: Tracker) -> None:
        self._detector = detector
        self._tracker = tracker
        self._tracks: list[Track] = []
        """The shown tracks after the last look."""
        self._looked_at = float("-inf")
        """When the frame of the last look was taken (s, monotonic)."""
        self._looked_fully_at = float("-inf")
        """When the last frame was taken on all of which faces were looked for."""
        self._scene = 0

    def is_due(self, frame: Frame) -> bool:
        """Return whether it is time for another look, at `frame`."""
        if frame.scene != self._scene or self._tracker.has_newcomers:
            return True
        interval_s = (
            min(TRACK_INTERVAL_S * len(self._tracks), MAX_TRACK_INTERVAL_S)
            if self._tracks
            else DETECT_INTERVAL_S
        )
        return frame.taken_at - self._looked_at >= interval_s - TOLERANCE_S

    def find(self, frame: Frame) -> list[Track]:
        """Return the shown tracks after a look at `frame`, oldest first."""
        faces = self._faces(frame)
        self._looked_at, self._scene = frame.taken_at, frame.scene
        self._tracks = self._tracker.update(faces, frame.taken_at, frame.scene)
        return self._tracks

    def forget(self) -> None:
        """Drop all tracks; the next frame is searched as the first one."""
        self._tracker.forget()
        self._tracks = []
        self._looked_at = self._looked_fully_at = float("-inf")

    def _faces(self, frame: Frame) -> list[Face]:
        """Return the faces on `frame`; on all of it, if that is due or a tracked face is missing.

        So a face is lost only if it is not found on the whole frame either.
        """
        since_full_s = frame.taken_at - self._looked_fully_at
        may_follow = (
            self._tracks
            and not self._tracker.has_newcomers
            and frame.scene == self._scene
            and since_full_s < DETECT_INTERVAL_S - TOLERANCE_S
        )
        if may_follow:
            faces = self._detector.follow(
                frame, [track.box_at(frame.taken_at) for track in self._tracks]
            )
            if len(faces) == len(self._tracks):
                return faces
        self._looked_fully_at = frame.taken_at
        return self._detector.detect(frame)
