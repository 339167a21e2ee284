"""Measures a show, with constant memory use, for the summary at its end."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import psutil

BUCKET_S = 0.0001
"""The width of a histogram's bucket, s. A usual frame age, 10 ms, is 100 buckets, so two
measurements whose frame ages differ by 3 % are three buckets apart.
"""

BUCKETS = 20_000
"""The number of buckets of a histogram, which cover two seconds in total. In percentiles, longer
durations count as two seconds.
"""


def resident_mb() -> float:
    """Return the resident memory of the process, MB (10⁶ bytes)."""
    return float(psutil.Process().memory_info().rss) / 1e6


class Durations:
    """A histogram of durations, which yields percentiles without storing all values."""

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self.total = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        bucket = min(max(int(seconds / BUCKET_S), 0), BUCKETS - 1)
        self._counts[bucket] += 1
        self.total += 1
        # Welford's running mean and sum of squares need no list of values, and, unlike the buckets,
        # count long durations in full.
        error = seconds - self._mean
        self._mean += error / self.total
        self._squares += error * (seconds - self._mean)

    def percentile_ms(self, share: float) -> float | None:
        """Return the percentile `share` (0–1) of the durations, ms; None if no duration was added.

        The result is the upper edge of a bucket, so it is up to 0.1 ms too long. Durations longer
        than two seconds count as two seconds.
        """
        if self.total == 0:
            return None
        needed = max(1, share * self.total)
        counted = 0
        for bucket, count in enumerate(self._counts):
            counted += count
            if counted >= needed:
                return (bucket + 1) * BUCKET_S * 1000
        raise AssertionError("a bug in kiosk: the buckets hold fewer durations than were added")

    def percentiles(self) -> Percentiles:
        """Return the median, the 95th and the 99th percentile."""
        return Percentiles(*(self.percentile_ms(share) for share in (0.5, 0.95, 0.99)))

    def deviation_ms(self) -> float | None:
        """Return the standard deviation of the durations, ms; None if no duration was added."""
        return 1000 * math.sqrt(self._squares / self.total) if self.total else None


@dataclass(frozen=True)
class Percentiles:
    """The median and two percentiles of a duration, ms; None if nothing was measured."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Summary:
    """The measurements of one show.

    `seconds`, `first_paint_s`, `first_frame_s` (the camera's first frame on the screen) and
    `first_verdict_s` are counted from the start of the process. The rates are averages over the
    time in which frames were shown. `camera_fps` counts frames that the camera delivered, and
    `mirror_fps` frames that reached the screen. `readings_per_s` counts readings; a reading is one
    visitor who was classified on one frame. `frame_age_ms` is the time from a frame's arrival to
    the flip that first shows it. `interval_ms` is the time from one such flip to the next.
    `jitter_ms` is the standard deviation of this interval. `dropped` counts the frames that were
    never shown.
    """

    seconds: float
    camera_fps: float = 0.0
    mirror_fps: float = 0.0
    readings_per_s: float = 0.0
    frame_age_ms: Percentiles = Percentiles()
    interval_ms: Percentiles = Percentiles()
    jitter_ms: float | None = None
    dropped: int = 0
    rss_mb: float = field(default_factory=resident_mb)
    first_paint_s: float | None = None
    first_frame_s: float | None = None
    first_verdict_s: float | None = None

    def as_event(self) -> dict[str, object]:
        """Return the summary as the last event of a show, rounded to thousandths."""
        return {"event": "summary"} | _rounded(asdict(self))


def _rounded(figures: dict[str, object]) -> dict[str, object]:
    return {
        name: round(figure, 3)
        if isinstance(figure, float)
        else _rounded(figure)
        if isinstance(figure, dict)
        else figure
        for name, figure in figures.items()
    }
