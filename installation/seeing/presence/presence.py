"""Separates visitors from bystanders; visitors are announced before they are read (classified).

A face that is too small belongs to somebody who stands behind the line on the floor: a bystander,
who is not announced, not read and not drawn. A face on a part of the frame that is not on the
screen is a bystander's too, because its announcement could not be seen. A face that comes near
enough belongs to a visitor, whom the screen announces with an empty square for `announce_s`. Only
frames that were taken after the announcement may be cropped for the classifier: a visitor is never
read before they could know about it. The announcement's time passes only while their face is turned
toward the screen. So somebody who looks at a child beside them is not read before they have looked
up for `announce_s`. Nobody is read on a frame on which their face is turned away.

For a face on the visible part, only its size decides who is a visitor. The size depends on the
distance to the camera, and using it needs neither a second camera nor a setting for each room.
Rejected: a zone drawn on the picture, which would have to be drawn again whenever the camera moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from installation.seeing.box import Box

if TYPE_CHECKING:
    # The title card needs `GONE_S` before OpenCV is loaded; these imports would load OpenCV.
    from installation.seeing.frame import Frame
    from installation.seeing.tracker import Track

View: TypeAlias = "Callable[[Frame], Box]"
"""A function that returns the visible part of a frame, px of the frame."""

HYSTERESIS = 1.15
"""The factor by which a visitor's face may become smaller than `least_size` before the visitor
becomes a bystander.

The height of the box around a resting face has a standard deviation of 5 % for the detector's box
(`tracker.BOX_NOISE`), and of 2.5 % for the tracker's smoothed box. The factor allows 15 %, which is
six times 2.5 %. So somebody whose face is almost exactly `least_size` high does not alternate
between visitor and bystander while they stand still, even if they nod.
"""

GONE_S = 2
"""The longest time that a name stays on the screen after its visitor has turned away, s.

The notice on the screen tells visitors this time. The time is not exceeded even on a slow machine,
because results of the face search that are older than this are not drawn. Usually a name disappears
earlier: `tracker.LOST_S` after the face was last found.
"""

SHOWN_S = 0.1
"""The longest time between the publication of an announcement and its display, s.

The time is enough to compose the scene, and for two frames of a display at 30 Hz.
"""


GLANCE_S = 0.5
"""The time for which a visitor must be turned away before the announcement begins anew, s.

The value is a guess. After a shorter glance to the side, or a search that missed the face, the
announcement goes on. The time of the glance does not count.
"""


@dataclass(frozen=True)
class Present:
    """A visitor: somebody who is close enough to the camera to be classified.

    The announcement ends at `announced_until` (s, monotonic; −∞ if there is none), if the visitor
    goes on looking toward the screen. `may_be_read` says whether the frame on which the visitor was
    seen may be cropped for the classifier. `is_held` says whether the announcement is interrupted,
    because the visitor's face was turned away on this frame or was not found.
    """

    track: Track
    announced_until: float
    may_be_read: bool
    is_held: bool = False

    def is_announced(self, instant: float) -> bool:
        """Return whether the visitor is being announced at `instant` (s, monotonic)."""
        return instant < self.announced_until


@dataclass(frozen=True)
class _Announcement:
    """A visitor's announcement; the instants are in seconds, monotonic."""

    until: float
    """The instant at which the announcement ends if the face has been toward the screen since
    `toward_at`.
    """
    toward_at: float
    """The instant of the last look that found the face toward the screen; before the first such
    look, the instant at which the announcement began.
    """
    was_toward: bool
    """Whether the last look found the face toward the screen."""
    has_stood: bool = False
    """Whether the announcement is complete: the face was toward the screen for `announce_s` and
    `SHOWN_S`. It is true from the start if nobody is announced.
    """

    def look(self, at: float, announce_s: float, *, is_toward: bool) -> _Announcement:
        """Return the announcement after a look at the instant `at`.

        `is_toward` says whether the look found the face toward the screen. `announce_s` is the time
        of a whole announcement.
        """
        if not is_toward or self.has_stood:
            return replace(self, was_toward=is_toward)
        until, at = self.until, max(at, self.toward_at)
        if not self.was_toward:
            away_s = at - self.toward_at
            until = until + away_s if away_s < GLANCE_S else at + announce_s
        return _Announcement(until, at, True, at >= until + SHOWN_S)

    def until_at(self, at: float) -> float:
        """Return when the announcement ends if the face stays toward the screen after `at`."""
        if self.was_toward or self.has_stood:
            return self.until
        return self.until + max(0.0, at - self.toward_at)


class Presence:
    """Separates visitors from bystanders, and stores how long each visitor has been announced.

    A visitor is announced before they are classified: the screen shows an empty square around their
    face. Use a `Presence` from one thread only.
    """

    def __init__(self, announce_s: float, least_size: float) -> None:
        """Announce everybody whose face is at least `least_size` high, for `announce_s` seconds.

        `least_size` is the height of the face divided by the height of the picture, 0–1. If
        `announce_s` is 0, nobody is announced.
        """
        self._announce_s = announce_s
        self._least_size = least_size
        self._announcements: dict[int, _Announcement] = {}
        """The announcement of each present visitor, by track id."""

    def update(
        self, tracks: Iterable[Track], frame: Frame, view: Box, now: float
    ) -> tuple[list[Present], list[Track]]:
        """Return the visitors and the bystanders of `frame`, both in the order of `tracks`.

        `view` is the part of the frame that is on the screen, px. The caller publishes the result
        at `now` (s, monotonic). At `now` the announcement of each newcomer begins: an empty square
        around the face. The announcement's time passes only between looks that found the face
        toward the screen. If the face was turned away for `GLANCE_S`, the announcement begins
        again. Visitors who have left or stepped back are forgotten, and are announced again if
        they come back. A face
        that never moves, such as one on a poster, is announced again after somebody has covered it.
        If a visitor's face was turned away on this frame, or was not found, the frame is not used
        to classify them.
        """
        visitors: list[Present] = []
        bystanders: list[Track] = []
        known, self._announcements = self._announcements, {}
        for track in tracks:
            least = self._least_size / (HYSTERESIS if track.id in known else 1.0)
            box = track.box_at(frame.taken_at)
            if box.height < least * frame.height or not view.contains(*box.centre):
                bystanders.append(track)
                continue
            is_toward = track.misses == 0 and not track.is_turned
            before = None if track.is_covered(frame.taken_at) else known.get(track.id)
            if before is None:
                until = now + self._announce_s if self._announce_s else -math.inf
                before = _Announcement(until, now, is_toward, not self._announce_s)
            after = before.look(frame.taken_at, self._announce_s, is_toward=is_toward)
            self._announcements[track.id] = after
            until = after.until_at(frame.taken_at)
            may_be_read = is_toward and after.has_stood
            visitors.append(Present(track, until, may_be_read, is_held=not is_toward))
        return visitors, bystanders

    def forget(self) -> None:
        """Forget everybody: the next faces are announced as newcomers."""
        self._announcements = {}
