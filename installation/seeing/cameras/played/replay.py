"""Films, folders of pictures and the rehearsal, played as if they were cameras.

Each of these is a `PictureSource`: a sequence of pictures with a rate. `Replay` turns it into a
camera that keeps this rate, returns the newest picture if `read` is called late, and timestamps
each frame.
"""

from __future__ import annotations

from typing import Protocol

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.frame import Frame, Pixels

MAX_SKIPPED_S = 0.5
"""The longest part of a film that a late call of `read` skips, s.

Without this limit, a machine that is too slow to decode the film at its rate would skip more and
more of the film.
"""


class PictureSource(Protocol):
    """A sequence of pictures from files; no picture shows a visitor of the gallery."""

    name: str
    fps: float

    @property
    def scene(self) -> int:
        """The number of the newest picture's scene; each cut in a film starts a new scene."""
        ...

    def next(self) -> Pixels | None:
        """Return the next picture, `(H, W, 3)` uint8 BGR; None at the end."""
        ...

    def skip(self) -> bool:
        """Skip the next picture; return False at the end."""
        ...

    def rewind(self) -> None:
        """Go back to the first picture."""
        ...

    def close(self) -> None:
        """Close the file and drop the last picture. A second call does nothing."""
        ...


class Replay:
    """A camera that plays a picture source.

    The source repeats endlessly at its own rate. If `read` is called late, the camera skips
    pictures, as any camera does. With `as_fast_as_possible`, which is for measurements, `read`
    returns each picture once without waiting, and then None.
    """

    def __init__(
        self,
        source: PictureSource,
        orientation: Orientation,
        clock: Clock,
        *,
        as_fast_as_possible: bool = False,
    ) -> None:
        """Play `source` with `orientation`; `clock` provides the times of the frames."""
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
        """Wait until the next frame is due and return it; None at the end of the source.

        Raises CameraError if a file has been deleted or damaged since the source was opened.
        """
        if self._as_fast_as_possible:
            pixels = self._source.next()
            if pixels is None:
                return None
            return self._frame(self._orientation.apply(pixels))
        self._skip_missed()
        pixels = self._source.next()
        if pixels is None:
            self._source.rewind()
            pixels = self._source.next()
        if pixels is None:
            problem = "the film cannot be rewound to its beginning"
            raise CameraError(Mistake(self.name, problem, "Change camera.source."))
        pixels = self._orientation.apply(pixels)
        # The picture is decoded and oriented before it is due, so that it arrives on time.
        assert self._due_at is not None
        self._clock.wait(self._due_at - self._clock.now())
        self._due_at += 1 / self._source.fps
        return self._frame(pixels)

    def _frame(self, picture: Pixels) -> Frame:
        return Frame(bgr=picture, taken_at=self._clock.now(), scene=self._source.scene)

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
        """Zero the pictures of all frames."""
        self.pool.forget()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
