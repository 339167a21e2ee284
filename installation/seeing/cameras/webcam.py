"""A camera of this machine, through OpenCV."""

from __future__ import annotations

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

    MJPG is requested, because few cameras send large raw pictures at a high rate over USB, and a
    single buffer, so that a picture never waits behind an older one.
    """

    def __init__(
        self, device: int | Path, capture: OpenDevice, settings: CameraSettings, clock: Clock
    ) -> None:
        """Take the number or path `device`, and `capture`, what OpenCV has opened for it."""
        self._device = device
        self._capture = capture
        self._orientation = Orientation.from_settings(settings)
        self.pool = self._orientation.pool
        self._clock = clock
        # The format comes first: it decides which sizes and rates are possible.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        width, height, fps = (
            capture.get(number)
            for number in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        )
        self.name = f"camera {device}, {width:.0f}×{height:.0f} at {fps:.4g} fps"

    @classmethod
    def open(cls, device: int | Path, settings: CameraSettings, clock: Clock) -> Webcam:
        """Return the camera, opened. Raises CameraError, which names the device and a remedy."""
        node = device if isinstance(device, Path) else v4l.DEV / f"video{device}"
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
        """Return the next frame, after waiting for it. Raises CameraError if none comes."""
        grabbed = self._capture.grab()
        taken_at = self._clock.now()
        decoded, pixels = self._capture.retrieve() if grabbed else (False, None)
        if not decoded or pixels is None:
            raise CameraError(
                Mistake(
                    f"camera {self._device}",
                    "it was opened but sends no pictures",
                    "Check its cable, close other programs that use it, or plug it in again.",
                )
            )
        picture = self._orientation.apply(cast(Pixels, pixels))
        # OpenCV has allocated this array, outside the pool.
        pixels.fill(0)
        cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, picture)
        return Frame(picture, taken_at)

    def forget(self) -> None:
        """Zero every picture of its frames."""
        self.pool.forget()

    def close(self) -> None:
        """Free the device. A second call does nothing."""
        self._capture.release()


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
