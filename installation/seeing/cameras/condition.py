"""Detects faults in the pictures of a camera that is plugged in and sends pictures.

Two pictures of a real camera are never equal, even in an empty room where nothing moves, because
every sensor has noise. So a picture that equals a recent one byte for byte is an old picture, sent
again. Only checksums are compared: no copy of a picture is kept.
"""

from __future__ import annotations

import zlib
from collections import deque

import numpy as np

from installation.running.progress import CameraFault
from installation.seeing.frame import Pixels

STEP = 4
"""A checksum is computed from every `STEP`-th row of a picture, and the brightness from every
`STEP`-th pixel of these rows. A picture of 1280 × 720 px has 180 such rows; their checksum takes
0.2 ms.
"""

RECENT = 4
"""The number of earlier pictures with which a new picture is compared. More than one is necessary,
because a driver with several buffers may send the old pictures in them one after another.
"""

FROZEN_S = 2.0
"""The longest time that the pictures may stay the same before the camera counts as frozen, s."""

DARK_S = 2.0
"""The longest time that pictures may be black or overexposed before this is reported as a fault, s.
For a shorter time, somebody may be standing close to the camera or shining a lamp into it.
"""

BLACK_LEVEL, BLACK_SHARE = 16, 0.99
"""A picture counts as black if at least the share `BLACK_SHARE` (0–1) of its values is
`BLACK_LEVEL` (0–255) or lower; in video, black is 16. The share is below 1, because a sensor has
noise and some bright pixels even behind a lens cap.
"""

WHITE_LEVEL, WHITE_SHARE = 250, 0.9
"""A picture counts as overexposed if at least the share `WHITE_SHARE` (0–1) of its values is
`WHITE_LEVEL` (0–255) or higher.
"""

TORN_SHARE, TORN_PICTURES = 0.2, 60
"""The camera has the fault `torn` if at least the share `TORN_SHARE` (0–1) of its last
`TORN_PICTURES` pictures was incomplete.
"""

RATE_S = 5.0
"""The time over which the frame rate is measured, s."""


def is_torn(pixels: Pixels) -> bool:
    """Return whether the lower rows all have the same colour.

    If a JPEG is truncated, decoders fill the missing rows with one colour. Black and white do not
    count, because a covered or dazzled camera sends a picture in one colour as well.
    """
    rows = pixels[-max(2, pixels.shape[0] // 16) :]
    flat = rows.reshape(-1, rows.shape[2])
    between = int(flat[0].max()) > BLACK_LEVEL and int(flat[0].min()) < WHITE_LEVEL
    return between and bool((flat == flat[0]).all())


SLOW_SHARE, CLEARED_SHARE = 0.5, 0.6
"""A camera counts as slow if its rate is below `SLOW_SHARE` times the nominal rate. A slow camera
counts as normal again when its rate reaches `CLEARED_SHARE` times the nominal rate.
"""


class PictureCondition:
    """Judges the pictures of one camera one by one, as they arrive."""

    def __init__(
        self, size: tuple[int, int], fps: float, now: float, last: int | None = None
    ) -> None:
        """Expect pictures of `size` (width, height) at the rate `fps` from `now` on (s, monotonic).

        `last` is the checksum of the last picture before the camera was opened again; a camera that
        is still frozen sends this picture again.
        """
        self._size = size
        self._fps = fps
        self.last = last
        """The checksum of the last picture."""
        self._recent = deque([] if last is None else [last], maxlen=RECENT)
        self._began_at = self._distinct_at = now
        self._since: dict[CameraFault, float] = {}
        self._arrived = 0
        self._sent: int | None = None
        self._counts: deque[tuple[float, int]] = deque(maxlen=max(8, int(4 * RATE_S * fps)))
        self._torn: deque[bool] = deque(maxlen=TORN_PICTURES)
        self.faults = CameraFault(0)
        """The faults that the camera has now."""

    def is_repeated(self, pixels: Pixels, now: float) -> bool:
        """Return whether the picture equals a recent one; if so, the camera may be frozen."""
        checksum = zlib.crc32(np.ascontiguousarray(pixels[::STEP]).data)
        repeated = checksum in self._recent
        self._recent.append(checksum)
        self.last = checksum
        if not repeated:
            self._distinct_at = now
        self._set(CameraFault.FROZEN, now - self._distinct_at >= FROZEN_S)
        return repeated

    def note_torn(self, torn: bool) -> None:
        """Record whether a picture was torn (incomplete)."""
        self._torn.append(torn)
        full = len(self._torn) == TORN_PICTURES
        self._set(CameraFault.TORN, full and sum(self._torn) >= TORN_SHARE * TORN_PICTURES)

    def judge(self, pixels: Pixels, now: float) -> None:
        """Update `faults` by a new picture, which arrived at the instant `now` (s, monotonic)."""
        sample = pixels[::STEP, ::STEP]
        black = float((sample <= BLACK_LEVEL).mean()) >= BLACK_SHARE
        white = float((sample >= WHITE_LEVEL).mean()) >= WHITE_SHARE
        self._hold(CameraFault.BLACK, black, now)
        self._hold(CameraFault.OVEREXPOSED, white, now)
        self._set(CameraFault.OTHER_SIZE, (pixels.shape[1], pixels.shape[0]) != self._size)
        self._arrived += 1
        self._counts.append((now, self._arrived if self._sent is None else self._sent))
        self._judge_rate(now)

    def note_sent(self, sent: int) -> None:
        """Store the number of pictures that the camera has `sent`, read or not.

        The camera's rate is computed from this number. Before the first call, the rate is computed
        from the number of pictures that `judge` has received. On a slow computer this rate is too
        low, because `judge` receives fewer pictures than the camera sends.
        """
        self._sent = sent

    def _judge_rate(self, now: float) -> None:
        """Set or clear `CameraFault.SLOW` according to `SLOW_SHARE` and `CLEARED_SHARE`."""
        while len(self._counts) > 2 and now - self._counts[1][0] >= RATE_S:
            self._counts.popleft()
        (then, before), (_, count) = self._counts[0], self._counts[-1]
        # The first seconds are not judged: a camera is slow while it measures the light.
        if now - self._began_at < 2 * RATE_S or now - then < RATE_S / 2:
            return
        is_slow = CameraFault.SLOW in self.faults
        least = self._fps * (CLEARED_SHARE if is_slow else SLOW_SHARE)
        self._set(CameraFault.SLOW, (count - before) / (now - then) < least)

    def _hold(self, fault: CameraFault, present: bool, now: float) -> None:
        """Set `fault` if it has been `present` in all pictures for `DARK_S`; otherwise clear it."""
        since = self._since.setdefault(fault, now)
        if not present:
            self._since[fault] = now
        self._set(fault, present and now - since >= DARK_S)

    def _set(self, fault: CameraFault, present: bool) -> None:
        self.faults = self.faults | fault if present else self.faults & ~fault
