"""Chooses the visitors to classify on a frame if there is no time to classify all."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from installation.seeing.tracker import Track

FRAME_BUDGET_S = 0.25
"""How long the readings of one frame may take: meanwhile nobody looks for newcomers.

Two cores read some fifteen visitors in that time by the default network.
"""

READING_INTERVAL_S = 0.1
"""The time between two readings of a visitor who has no verdict; some twelve make one."""

UNSURE_INTERVAL_S = 1.0
"""The time between two readings of a visitor who has no name for lack of evidence."""


TOLERANCE_S = 0.02
"""How much earlier a visitor may be read, as frames do not come exactly at these times."""


class ReadingScheduler:
    """A round robin over the present visitors: on each frame as many as `FRAME_BUDGET_S` allows.

    Those without a verdict come first; who has the root for a verdict is read once a second. A
    network on a graphics card reads all visitors on every frame. A large one on two cores takes
    half a second for each visitor; then those who have waited longest come first.
    """

    def __init__(self) -> None:
        self._read_at: dict[int, float] = {}
        """When each visitor was read last (s, monotonic), by track id; only of those there."""
        self._limit = 1
        """How many visitors can be read on a frame, from the time that the last readings took."""

    def choose(
        self, tracks: Sequence[Track], now: float, unsure: Collection[int] = ()
    ) -> list[Track]:
        """Return which of `tracks` to read at `now` (s, monotonic), in their order.

        `unsure` has the ids of visitors whose verdict is the root. Newcomers are chosen first.
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
        """Record that `read`, of all `tracks`, were read at `now` (s, monotonic) in `took_s`."""
        for track in read:
            self._read_at[track.id] = now
        here = {track.id for track in tracks}
        self._read_at = {id_: at for id_, at in self._read_at.items() if id_ in here}
        if read:
            self._limit = max(1, int(len(read) * FRAME_BUDGET_S / max(took_s, 1e-6) + 1e-9))
