"""Tells visitors from bystanders, and lets nobody be read before the notice has stood its time.

A face that is too small belongs to somebody who stands behind the line on the floor: a bystander,
who is not announced, not read and not drawn. So does a face on a part of the frame that is not on
the screen, where its announcement could not be seen. A face that comes near enough belongs to a
visitor, whom the screen announces with an empty square for `announce_s`. Only a frame that was
taken after that may be cropped for the classifier: what a visitor did before they could know is
never read.

Size alone decides, because it follows from the distance and needs no other camera and no setting
for each room. A zone drawn on the picture would have to be drawn again whenever the camera moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from installation.seeing.box import Box
from installation.seeing.frame import Frame
from installation.seeing.tracker import Track

View = Callable[[Frame], Box]
"""Returns the part of a frame that is on the screen, px of the frame."""

HYSTERESIS = 1.15
"""How many times smaller than `least_size` a visitor's face may become.

At the line a box of the detector varies by 5 % (`tracker.BOX_NOISE`), and smoothed by the tracker
by half of that: nobody who stands still can pass both limits. It also covers a nod.
"""

GONE_S = 2
"""Within how many seconds a name is gone from the screen after its visitor has turned away.

The screen prints this figure, and the mirror keeps to it on any machine: it draws nobody by
sightings that are older. Usually a name is gone after `tracker.LOST_S` and one look more.
"""

SHOWN_S = 0.1
"""How long it may take until an announcement is on the screen, s: two frames of a display at 30 Hz,
and composing the scene.
"""


@dataclass(frozen=True)
class Present:
    """A visitor: somebody who is near enough to be read.

    The announcement ends at `announced_until` (s, monotonic; −∞ if there is none). `may_be_read`
    says whether the frame on which the visitor was seen may be cropped for them.
    """

    track: Track
    announced_until: float
    may_be_read: bool

    def is_announced(self, instant: float) -> bool:
        """Return whether the announcement stands at `instant` (s, monotonic)."""
        return instant < self.announced_until


class Presence:
    """Remembers since when each visitor is announced. For one thread."""

    def __init__(self, announce_s: float, least_size: float) -> None:
        """Announce everybody for `announce_s` whose face is at least `least_size` of the height.

        `least_size` is the least height of a face over the height of the picture, 0–1. If
        `announce_s` is 0, nobody is announced.
        """
        self._announce_s = announce_s
        self._least_size = least_size
        self._announced_until: dict[int, float] = {}
        """When each visitor's announcement ends (s, monotonic), by track id; only of those there.
        """

    def update(
        self, tracks: Iterable[Track], frame: Frame, view: Box, now: float
    ) -> tuple[list[Present], list[Track]]:
        """Return the visitors and the bystanders among the `tracks` of `frame`, in their order.

        `view` is the part of the frame that is on the screen, px. The caller publishes the result
        at `now` (s, monotonic), which is when a newcomer's announcement begins. Who has gone or has
        stepped back is forgotten, and is announced again when they come back. A visitor whose face
        is not found on this frame is not read.
        """
        visitors: list[Present] = []
        bystanders: list[Track] = []
        known, self._announced_until = self._announced_until, {}
        for track in tracks:
            least = self._least_size / (HYSTERESIS if track.id in known else 1.0)
            box = track.box_at(frame.taken_at)
            if box.height < least * frame.height or not view.contains(*box.centre):
                bystanders.append(track)
                continue
            until = known.get(track.id, now + self._announce_s if self._announce_s else -math.inf)
            self._announced_until[track.id] = until
            notice_stood = frame.taken_at >= until + SHOWN_S
            visitors.append(Present(track, until, notice_stood and track.misses == 0))
        return visitors, bystanders

    def forget(self) -> None:
        """Forget everybody: who is seen next is announced."""
        self._announced_until = {}
