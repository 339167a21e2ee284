"""The watchdog of the camera: ends the show if the camera sends no more frames.

A camera or driver that hangs raises no error: `read` just does not return (OpenCV waits for ten
seconds). Without the watchdog, the last visitor's picture and label would stay on the screen.
"""

from __future__ import annotations

from collections.abc import Callable

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock

STALL_S = 2.0
"""The longest time that the last frame may stay on the screen without a new frame, s."""

FIRST_FRAME_S = 10.0
"""The longest time until a camera's first frame, s. Some cameras measure the light for seconds
before they send a picture.
"""

MAX_STEP_S = 0.5
"""At most this much of the time between two checks counts as waiting for a frame, s. If more time
has passed, the whole machine was suspended or overloaded, and the camera has not failed.
"""


class FrameWatchdog:
    """Measures the time since the last frame."""

    def __init__(self, clock: Clock, camera_name: Callable[[], str]) -> None:
        """Store the `clock`; `camera_name` returns the camera's name for the message."""
        self._clock = clock
        self._camera_name = camera_name
        self._received = 0
        self._checked_at = clock.now()
        self._waited_s = 0.0

    def check(self, received: int) -> None:
        """Raise CameraError if no frame has arrived for too long; `received` counts all frames."""
        now = self._clock.now()
        self._waited_s += min(now - self._checked_at, MAX_STEP_S)
        self._checked_at = now
        if received != self._received:
            self._received, self._waited_s = received, 0.0
        limit_s = STALL_S if received else FIRST_FRAME_S
        if self._waited_s >= limit_s:
            raise CameraError(
                Mistake(
                    self._camera_name(),
                    f"no picture has arrived for {limit_s:g} s, although the camera is plugged in",
                    "If this happens again, try another cable, another port, or another camera.",
                )
            )
