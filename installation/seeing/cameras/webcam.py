"""A camera of this machine, through OpenCV."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import cv2

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras import v4l
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.frame import Frame, Pixels
from installation.settings.kiosk import CameraSettings

MAX_DAMAGED = 10
"""So many pictures in a row may be damaged, or fail to come, before the camera counts as failed."""

MAX_DAMAGED_S = 1.0
"""And for so long: at 60 pictures a second ten of them are over in no time."""

RETRY_S = 0.1
"""The wait after a picture that did not come although the camera is there."""


class OpenDevice(Protocol):
    """The part of `cv2.VideoCapture` that is used here."""

    def set(self, propId: int, value: float) -> bool:  # noqa: N803  # OpenCV's name
        """Set a property; return whether the device accepted it."""
        ...

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        """Return a property."""
        ...

    def grab(self) -> bool:
        """Wait for a picture; return whether one came."""
        ...

    def retrieve(self) -> tuple[bool, cv2.typing.MatLike]:
        """Return whether the picture could be decoded, and the picture, BGR."""
        ...

    def release(self) -> None:
        """Free the device."""
        ...


class Webcam:
    """A camera by its number or by its path under /dev, on a device that is open.

    MJPG is requested, because few cameras send large raw pictures at a high rate over USB, and two
    buffers: the camera fills one while the other is decoded. With a single one the camera has
    nowhere to put the next picture meanwhile, and many send only every second picture.
    """

    def __init__(
        self, device: int | Path, capture: OpenDevice, settings: CameraSettings, clock: Clock
    ) -> None:
        """Take the number or path `device`, and `capture`, what OpenCV has opened for it."""
        self._device = device
        self._node = _node(device).resolve()
        self._damaged = 0
        self._capture = capture
        self._orientation = Orientation.from_settings(settings)
        self.pool = self._orientation.pool
        self._clock = clock
        # The format comes first: it decides which sizes and rates are possible.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        width, height, fps = (
            capture.get(number)
            for number in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        self._description = f"camera {device}, {width:.0f}×{height:.0f} at {fps:.4g} fps"

    @property
    def name(self) -> str:
        """What it is, and how many damaged pictures it has sent, if any."""
        if not self._damaged:
            return self._description
        return f"{self._description}, {self._damaged:,} damaged pictures left out"

    @classmethod
    def open(cls, device: int | Path, settings: CameraSettings, clock: Clock) -> Webcam:
        """Return the camera, opened. Raises CameraError, which names the device and a remedy."""
        node = _node(device)
        on_linux = sys.platform == "linux"
        mistake = check_node(node) if on_linux else None
        if mistake is None:
            # A by-id path is a link to /dev/videoN, and OpenCV opens cameras best by their number.
            numbered = re.fullmatch(r"/dev/video(\d+)", str(node.resolve()))
            api = cv2.CAP_V4L2 if on_linux else cv2.CAP_ANY
            capture = (
                cv2.VideoCapture(int(numbered[1]), api)
                if numbered
                else cv2.VideoCapture(str(node), api)
            )
            if capture.isOpened():
                return cls(device, capture, settings, clock)
            capture.release()
            mistake = Mistake(
                f"camera {device}",
                "this camera cannot be opened; most likely another program is using it",
                "Close the other program, or plug the camera in again.",
            )
        raise CameraError(mistake)

    def __repr__(self) -> str:
        return f"<Webcam {self._device}>"

    def read(self) -> Frame | None:
        """Return the next frame that can be decoded, after waiting for it.

        Raises CameraError if the camera was unplugged, or if `MAX_DAMAGED` pictures in a row were
        damaged or did not come, for `MAX_DAMAGED_S` or longer.
        """
        began_at = self._clock.now()
        failures = 0
        while True:
            grabbed = self._capture.grab()
            taken_at = self._clock.now()
            decoded, pixels = self._capture.retrieve() if grabbed else (False, None)
            if decoded and pixels is not None:
                return self._frame(cast(Pixels, pixels), taken_at)
            failures += 1
            self._damaged += grabbed
            if pixels is not None:
                pixels.fill(0)
            if not self._node.exists():
                raise CameraError(self._unplugged())
            if failures >= MAX_DAMAGED and taken_at - began_at >= MAX_DAMAGED_S:
                raise CameraError(self._damaged_pictures() if grabbed else self._no_pictures())
            if not grabbed:
                self._clock.wait(RETRY_S)

    def _frame(self, pixels: Pixels, taken_at: float) -> Frame:
        """Return the frame of BGR `pixels`, which are zeroed."""
        picture = self._orientation.apply(pixels)
        # OpenCV has allocated this array, outside the pool.
        pixels.fill(0)
        cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, picture)
        return Frame(picture, taken_at)

    def _unplugged(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            "it was unplugged, or its cable or hub has failed",
            "Plug it in; the show has to start again, and under systemd it does so by itself.",
        )

    def _no_pictures(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            "it was opened but sends no pictures",
            "Check its cable, close other programs that use it, or plug it in again.",
        )

    def _damaged_pictures(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            f"it sends damaged pictures ({self._damaged:,} so far, the last ones in a row)",
            "Use a shorter cable, or a port of the computer itself instead of a hub.",
        )

    def forget(self) -> None:
        """Zero every picture of its frames."""
        self.pool.forget()

    def close(self) -> None:
        """Free the device. A second call does nothing."""
        self._capture.release()


def _node(device: int | Path) -> Path:
    return device if isinstance(device, Path) else v4l.DEV / f"video{device}"


def _may_use(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


def check_node(node: Path, may_use: Callable[[Path], bool] = _may_use) -> Mistake | None:
    """Return why `node` cannot be opened as a camera, with a remedy; None if it can."""
    try:
        mode = os.stat(node).st_mode
    except FileNotFoundError:
        return Mistake(
            str(node),
            "there is no such camera",
            "Plug it in; `kiosk cameras` lists those that there are.",
        )
    except OSError:
        return _no_permission(node)
    if not may_use(node):
        return _no_permission(node)
    listing = v4l.query(node) if stat.S_ISCHR(mode) else None
    if listing is None:
        return Mistake(
            str(node),
            "this device does not capture video",
            "`kiosk cameras` lists those that do; one camera often has several devices.",
        )
    if listing.problem == os.strerror(errno.EACCES):
        # This user may use it, so it is the sandbox, which allows what was there at the start.
        return Mistake(
            str(node),
            "it was plugged in after the show had started",
            "The show has to start again; under systemd it does so by itself.",
        )
    if listing.problem is not None:
        return Mistake(
            str(node),
            f"this camera does not answer ({listing.problem})",
            "Unplug it and plug it in again.",
        )
    return None


def _no_permission(node: Path) -> Mistake:
    return Mistake(
        str(node),
        "this user has no permission to use the camera",
        "Add the user to the group video (`sudo usermod -aG video $USER`), then log in again.",
    )
