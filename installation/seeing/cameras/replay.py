"""Films, folders of pictures and the rehearsal, played as if they were cameras.

Whatever can be played is a `PictureSource`: pictures one after another, at a rate. `Replay` makes
a camera of it: at its own pace, with the newest picture for a reader that comes late, and with
instants on the clock.
"""

from __future__ import annotations

from typing import Protocol

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.frame import Frame, Pixels

MAX_SKIPPED_S = 0.5
"""How much of a film a late reader misses at most.

A machine too slow to decode the film at its rate would otherwise skip ever more of it.
"""


class PictureSource(Protocol):
    """Pictures one after another; they come from files, and none is a visitor's."""

    name: str
    fps: float

    @property
    def scene(self) -> int:
        """The number of the scene that the last picture shows."""
        ...

    def next(self) -> Pixels | None:
        """Return the next picture, `(H, W, 3)` uint8 RGB; None at the end."""
        ...

    def skip(self) -> bool:
        """Skip the next picture; return False at the end."""
        ...

    def rewind(self) -> None:
        """Start again from the first picture."""
        ...

    def close(self) -> None:
        """Close the file and drop the picture that is held. A second call does nothing."""
        ...


class Replay:
    """A camera that plays a picture source.

    It loops for ever at the source's rate, and a reader that comes late misses pictures, as with
    any camera: the source does not slow down. With `as_fast_as_possible` it gives each picture
    once, without waiting, and then None; for measurements.
    """

    def __init__(
        self,
        source: PictureSource,
        orientation: Orientation,
        clock: Clock,
        *,
        as_fast_as_possible: bool = False,
    ) -> None:
        """Take the `source`, the `orientation` of its pictures and the `clock` that it waits on."""
        self.name = source.name
        self.pool = orientation.pool
        self._source = source
        self._orientation = orientation
        self._clock = clock
        self._as_fast_as_possible = as_fast_as_possible
        self._due_at: float | None = None

    def __repr__(self) -> str:
        return f"<Replay of {self.name}>"

    def read(self) -> Frame | None:
        """Return the frame that is due, after waiting for it; None at the end if it does not loop.

        Raises CameraError if a file has been lost or damaged since it was opened.
        """
        if self._as_fast_as_possible:
            pixels = self._source.next()
            if pixels is None:
                return None
            return Frame(self._orientation.apply(pixels), self._clock.now(), self._source.scene)
        self._skip_missed()
        pixels = self._source.next()
        if pixels is None:
            self._source.rewind()
            pixels = self._source.next()
        if pixels is None:
            problem = "it cannot be played again from its beginning"
            raise CameraError(Mistake(self.name, problem, "Choose another source."))
        pixels = self._orientation.apply(pixels)
        # Decoded and oriented before it is due, so that it arrives on time.
        assert self._due_at is not None
        self._clock.wait(self._due_at - self._clock.now())
        self._due_at += 1 / self._source.fps
        return Frame(pixels, self._clock.now(), self._source.scene)

    def _skip_missed(self) -> None:
        now = self._clock.now()
        if self._due_at is None:
            self._due_at = now
        late_s = now - self._due_at
        for _ in range(int(min(late_s, MAX_SKIPPED_S) * self._source.fps)):
            if not self._source.skip():
                self._source.rewind()
                self._source.skip()
            self._due_at += 1 / self._source.fps
        if late_s > MAX_SKIPPED_S:
            self._due_at = now

    def forget(self) -> None:
        """Zero every picture of its frames."""
        self.pool.forget()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
