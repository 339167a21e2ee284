"""Chooses the visitors to classify on a frame if there is no time to classify all.

To read a visitor is to compute the classifier's scores for them on one frame.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from installation.seeing.tracker import Track

FRAME_BUDGET_S = 0.25
"""The longest time, in seconds, that the readings of one frame may take. The detector does not
search for new visitors during that time.

In that time, two cores read about fifteen visitors with the default network.
"""

READING_INTERVAL_S = 0.1
"""The time between two readings of a visitor without a verdict, s; a verdict takes about twelve
readings.
"""

UNSURE_INTERVAL_S = 1.0
"""The time between two readings of a visitor whose evidence was not enough for a name, s."""


TOLERANCE_S = 0.02
"""A reading may be earlier than its due time by this time, in seconds, because frames do not arrive
at exact times.
"""


class ReadingScheduler:
    """Chooses visitors in turn, on each frame as many as can be read within `FRAME_BUDGET_S`.

    Visitors without a verdict come first. Visitors for whom no name had enough evidence are read
    once a second. With a network on a graphics card, all visitors can be read on every frame. A
    large network on two cores takes half a second for each visitor. Then only one visitor is read
    on a frame: the one who has waited longest.
    """

    def __init__(self) -> None:
        self._read_at: dict[int, float] = {}
        """The instant of the last reading of each visitor who is present (s, monotonic), by track
        id.
        """
        self._limit = 1
        """The number of visitors that can be read on a frame; it is computed from the time that the
        last readings took.
        """

    def choose(
        self, tracks: Sequence[Track], now: float, unsure: Collection[int] = ()
    ) -> list[Track]:
        """Return which of `tracks` to read at `now` (s, monotonic), in the order of `tracks`.

        Only as many are returned as can be read within `FRAME_BUDGET_S`, or one if a reading takes
        longer. Visitors who were never read are preferred.

        `unsure` has the ids of visitors for whom no name had enough evidence. They are read after
        the others, and at most once a second.
        """

        def read_at(track: Track) -> float:
            return self._read_at.get(track.id, -math.inf)

        def is_due(track: Track) -> bool:
            interval_s = UNSURE_INTERVAL_S if track.id in unsure else READING_INTERVAL_S
            return now - read_at(track) >= interval_s - TOLERANCE_S

        due = [track for track in tracks if is_due(track)]
        waited = sorted(due, key=lambda track: (track.id in unsure, read_at(track)))
        chosen = {track.id for track in waited[: self._limit]}
        return [track for track in tracks if track.id in chosen]

    def record(
        self, read: Sequence[Track], tracks: Sequence[Track], now: float, took_s: float
    ) -> None:
        """Record that the visitors in `read`, which are some of `tracks`, were classified at `now`.

        `now` is an instant (s, monotonic). `took_s` is the time of all these readings together, s.
        """
        for track in read:
            self._read_at[track.id] = now
        here = {track.id for track in tracks}
        self._read_at = {id_: at for id_, at in self._read_at.items() if id_ in here}
        if read:
            self._limit = max(1, int(len(read) * FRAME_BUDGET_S / max(took_s, 1e-6) + 1e-9))
