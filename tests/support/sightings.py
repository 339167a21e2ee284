"""Tracks and sightings that no analysis made."""

from __future__ import annotations

from collections.abc import Sequence

from installation.naming.reading.values import Sighting, Sightings
from installation.seeing.box import Box
from installation.seeing.presence.presence import Present
from installation.seeing.tracker import Track
from tests.support.weather import WEATHER

STILL = (0.0, 0.0, 0.0, 0.0)


def still_track(number: int = 1, box: Box | None = None, at: float = 0.0) -> Track:
    """Return the track of a visitor who stands still, last detected `at` this instant."""
    return Track(number, box or Box(0, 0, 10, 10), STILL, at, 0.0, 5, 0)


def present(*tracks: Track) -> list[Present]:
    """Return visitors who may be read on this frame."""
    return [Present(track, announced_until=0.0, may_be_read=True) for track in tracks]


def sightings_of(
    visitors: Sequence[Sighting], taken_at: float = 0.0, *, scene: int = 0
) -> Sightings:
    """Return the sightings of `visitors` on a frame, named by the labels of `WEATHER`."""
    return Sightings(taken_at, tuple(visitors), scene, WEATHER, reading_count=0)
