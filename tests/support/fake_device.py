"""A stand-in for the object that OpenCV returns for an open camera."""

from __future__ import annotations

import cv2

from tests.support.manual_clock import ManualClock


class FakeDevice:
    """Satisfies OpenDevice: shows `picture`, BGR, thirty times a second of its clock."""

    def __init__(self, picture: cv2.typing.MatLike, clock: ManualClock) -> None:
        self.picture = picture
        self.clock = clock
        self.set_properties: list[tuple[int, float]] = []
        self.decoded: list[cv2.typing.MatLike] = []
        """The arrays that `retrieve` has returned."""
        self.released = 0
        self.sends = True
        self.decodes = True
        self.frozen = False
        self._failures: dict[str, int] = {}

    def fail(self, how: str, times: int) -> None:
        """Fail the next `times` pictures: `sends` or `decodes`."""
        self._failures[how] = times

    def _fails(self, how: str) -> bool:
        self._failures[how] = left = self._failures.get(how, 0) - 1
        return left >= 0

    def set(self, propId: int, value: float) -> bool:  # noqa: N803  # OpenCV's name
        self.set_properties.append((propId, value))
        return True

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        height, width = self.picture.shape[:2]
        known = {cv2.CAP_PROP_FRAME_WIDTH: width, cv2.CAP_PROP_FRAME_HEIGHT: height}
        return float(known.get(propId, 30))

    def grab(self) -> bool:
        self.clock.wait(1 / 30)
        return self.sends and not self._fails("sends")

    def retrieve(self) -> tuple[bool, cv2.typing.MatLike]:
        self.decoded.append(self.picture.copy())
        if not self.frozen:
            # No sensor gives the same picture twice.
            self.decoded[-1][0, 0, 0] ^= len(self.decoded) % 256
        return self.decodes and not self._fails("decodes"), self.decoded[-1]

    def release(self) -> None:
        self.released += 1
