"""Whose turn it is to be read, where a look at the room has no time for everybody."""

from __future__ import annotations

from collections.abc import Sequence

from installation.seeing.tracker import Track

LOOK_S = 1.0
"""How long reading may take in one look at the room: the tracker bears one look a second."""


class Rota:
    """Keeps who was read when, and how many can be read in `LOOK_S`; of nobody who has left.

    A network on a graphics card reads everybody in every look. A large one on two cores takes half
    a second for each visitor: then those come first who have waited longest.
    """

    def __init__(self) -> None:
        self._read_at: dict[int, float] = {}
        self._most = 1

    def due(self, tracks: Sequence[Track]) -> list[Track]:
        """Return which of `tracks` to read now, in their order; newcomers first."""
        waited = sorted(tracks, key=lambda track: self._read_at.get(track.id, -float("inf")))
        first = {track.id for track in waited[: self._most]}
        return [track for track in tracks if track.id in first]

    def note(
        self, read: Sequence[Track], tracks: Sequence[Track], now: float, took_s: float
    ) -> None:
        """Take note that `read` of `tracks` were read at the instant `now`, which took so long."""
        for track in read:
            self._read_at[track.id] = now
        here = {track.id for track in tracks}
        self._read_at = {id_: at for id_, at in self._read_at.items() if id_ in here}
        if read:
            self._most = max(1, int(len(read) * LOOK_S / max(took_s, 1e-6)))
