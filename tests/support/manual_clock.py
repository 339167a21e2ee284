"""A clock that moves only if a test moves it."""

from __future__ import annotations


class ManualClock:
    """Satisfies Clock; `wait` advances it at once and records the seconds."""

    def __init__(self, instant: float = 1000.0) -> None:
        self.instant = instant
        self.waits: list[float] = []

    def now(self) -> float:
        return self.instant

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.instant += max(0.0, seconds)
