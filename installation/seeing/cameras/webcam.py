"""Reads a camera of this machine, through Video4Linux on Linux and through OpenCV elsewhere."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

import cv2

from installation.errors import CameraError, Mistake, counted
from installation.running.clock import Clock
from installation.running.progress import CameraFault
from installation.seeing.cameras import v4l
from installation.seeing.cameras.camera import Camera, FaultyPicturesError
from installation.seeing.cameras.condition import FROZEN_S, SLOW_SHARE, PictureCondition, is_torn
from installation.seeing.cameras.named_controls import NOT_A_CAMERA, set_controls, unused
from installation.seeing.cameras.orientation import Orientation
from installation.seeing.cameras.v4l_capture import V4lCapture
from installation.seeing.frame import Frame, Pixels
from installation.settings.kiosk import CameraSettings

AFTER_THE_START = "it was plugged in after the show had started"
"""The reason why the sandbox does not allow this process to open a camera, for a message."""

MAX_DAMAGED = 10
"""The camera counts as failed if this number of pictures in a row, or more, were damaged or missing
and this lasted for at least `MAX_DAMAGED_S`.
"""

MAX_DAMAGED_S = 1.0
"""The time for which all pictures must be damaged or missing before the camera counts as failed, s.
`MAX_DAMAGED` alone would not do: at 60 pictures a second, ten pictures take only 0.17 s.
"""

MAX_SILENT_S = 2.0
"""The longest time that one call of `read` may wait for a usable picture, s."""

RETRY_S = 0.1
"""The wait before the next attempt if no picture has arrived from a plugged-in camera, s."""


class OpenDevice(Protocol):
    """An open camera: the methods of `cv2.VideoCapture` that are used here.

    `V4lCapture` has these methods too.
    """

    def set(self, propId: int, value: float) -> bool:  # noqa: N803  # OpenCV's name
        """Set a property; return whether the device accepted it."""
        ...

    def get(self, propId: int) -> float:  # noqa: N803  # OpenCV's name
        """Return the value of a property."""
        ...

    def grab(self) -> bool:
        """Wait for a picture; return whether one came."""
        ...

    def retrieve(self) -> tuple[bool, cv2.typing.MatLike | None]:
        """Return (True, picture), in BGR; (False, None) if the picture could not be decoded."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class Webcam:
    """A camera, given by its number or its path under /dev, whose device is already open.

    MJPG is requested from the camera, because few cameras can send large raw pictures at a high
    rate over USB. Two buffers are requested from OpenCV: the camera fills one while the other is
    decoded. With a single buffer, many cameras send only every second picture.
    """

    def __init__(
        self,
        device: int | Path,
        capture: OpenDevice,
        settings: CameraSettings,
        clock: Clock,
        last: int | None = None,
        unset: Sequence[Mistake] = (),
    ) -> None:
        """Read the camera `device` (a number or a path) through `capture`, which is open.

        `settings` are the size, rate and rotation; `clock` provides the times of frames. If the
        camera is reopened, `last` is the checksum of the last picture before that. `unset` says
        which controls could not be set, and why.
        """
        self._device = device
        self._node = node_of(device).resolve()
        self._damaged = 0
        self.unset = tuple(unset)
        """The controls of kiosk.yaml that could not be set on this camera, with the reasons."""
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
        self.fps = fps if fps > 0 else float(settings.fps)
        """The camera's nominal frame rate, frames per second."""
        self.low_rate = _low_rate(self._description, self.fps, settings.fps)
        """A `Mistake` if the camera offers less than half of the requested rate; otherwise None."""
        size = (round(width), round(height))
        self.condition = PictureCondition(size, self.fps, clock.now(), last)

    @property
    def name(self) -> str:
        """The camera's description, with the number of damaged pictures if there were any."""
        if not self._damaged:
            return self._description
        return f"{self._description}, {counted(self._damaged, 'damaged picture')} skipped"

    @property
    def faults(self) -> CameraFault:
        """The faults that the pictures have now, and those found when the camera was opened."""
        faults = self.condition.faults
        faults |= CameraFault.CONTROLS if self.unset else CameraFault(0)
        return faults | (CameraFault(0) if self.low_rate is None else CameraFault.LOW_RATE)

    @property
    def damaged(self) -> int:
        """The number of pictures that were damaged and skipped."""
        return self._damaged

    @classmethod
    def open(
        cls,
        device: int | Path,
        settings: CameraSettings,
        clock: Clock,
        last: int | None = None,
    ) -> Webcam:
        """Open the camera and return it; raises CameraError with the device and a remedy.

        `settings` are the size, rate, rotation and controls; `clock` provides the times of frames.
        `last` is the checksum of the last picture before the camera was opened again. A control
        that cannot be set is listed in `unset`, and the camera is returned all the same.
        """
        node = node_of(device)
        on_linux = sys.platform == "linux"
        mistake = check_node(node) if on_linux else None
        if mistake is None:
            capture = _open_v4l(node, settings) if on_linux else None
            capture = capture or _open_with_opencv(node)
            if capture is not None:
                # After the start of the stream, because some cameras reset their controls then.
                return cls(
                    device, capture, settings, clock, last, unset=set_controls(node, settings)
                )
            mistake = Mistake(
                f"camera {device}",
                "this camera cannot be opened; most likely another program is using it",
                "Close the other program, or unplug the camera and plug it in again.",
            )
        raise CameraError(mistake)

    def __repr__(self) -> str:
        return f"<Webcam {self._device}>"

    def read(self) -> Frame | None:
        """Wait for the next frame that can be decoded, and return it.

        A picture that equals a recent one is skipped, because the camera has sent an old picture
        again. Raises CameraError if the camera was unplugged or is frozen, if `MAX_DAMAGED`
        pictures in a row were damaged or missing for `MAX_DAMAGED_S` or longer, or if there was no
        usable picture for `MAX_SILENT_S`.
        """
        began_at = self._clock.now()
        failures = 0
        condition = self.condition
        while True:
            grabbed = self._capture.grab()
            taken_at = self._clock.now()
            if isinstance(self._capture, V4lCapture):
                condition.note_sent(self._capture.sent)
            decoded, pixels = self._capture.retrieve() if grabbed else (False, None)
            if decoded and pixels is not None:
                picture = cast(Pixels, pixels)
                torn = is_torn(picture)
                condition.note_torn(torn)
                if not torn and not condition.is_repeated(picture, taken_at):
                    condition.judge(picture, taken_at)
                    return self._frame(picture, taken_at)
                if CameraFault.FROZEN in condition.faults:
                    pixels.fill(0)
                    raise FaultyPicturesError(self._frozen(), CameraFault.FROZEN)
                if not torn:
                    pixels.fill(0)
                    continue
            failures += 1
            self._damaged += grabbed
            if pixels is not None:
                pixels.fill(0)
            if not self._node.exists():
                raise CameraError(self._unplugged())
            passed_s = taken_at - began_at
            if passed_s >= MAX_SILENT_S or (failures >= MAX_DAMAGED and passed_s >= MAX_DAMAGED_S):
                if grabbed:
                    raise FaultyPicturesError(self._damaged_pictures(), CameraFault.TORN)
                raise CameraError(self._no_pictures())
            if not grabbed:
                self._clock.wait(RETRY_S)

    def _frame(self, pixels: Pixels, taken_at: float) -> Frame:
        """Return a frame with a copy of the BGR picture `pixels`, then fill `pixels` with zeros."""
        picture = self._orientation.apply(pixels)
        # OpenCV has allocated this array, outside the pool.
        pixels.fill(0)
        return Frame(bgr=picture, taken_at=taken_at)

    def _unplugged(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            "the camera was unplugged, or its cable or hub has failed",
            "Plug the camera in again, into the same port: the show continues automatically.",
        )

    def _frozen(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            f"the camera has sent the same picture for {FROZEN_S:g} s, so it is frozen",
            "The show reopens the camera. If this happens often, use another camera or port.",
        )

    def _no_pictures(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            "the camera was opened but sends no pictures",
            "Check the cable, close other programs that use the camera, or unplug the camera "
            "and plug it in again.",
        )

    def _damaged_pictures(self) -> Mistake:
        return Mistake(
            f"camera {self._device}",
            f"the camera sends damaged pictures ({self._damaged:,} since it was opened)",
            "Use a shorter cable, or a port of the computer itself instead of a hub.",
        )

    def forget(self) -> None:
        """Zero the pictures of all frames."""
        self.pool.forget()

    def close(self) -> None:
        """Close the device. A second call does nothing."""
        self._capture.release()


def unmet_settings(camera: Camera, settings: CameraSettings) -> tuple[Mistake, ...]:
    """Return a mistake for each of the `settings` that `camera` does not meet.

    These are controls that could not be set, and a rate of less than half of `fps`.
    """
    if not isinstance(camera, Webcam):
        return tuple(unused(settings, NOT_A_CAMERA))
    return camera.unset if camera.low_rate is None else (*camera.unset, camera.low_rate)


def _low_rate(description: str, fps: float, wanted: float) -> Mistake | None:
    """Return a mistake if a camera offers less than half of the rate that kiosk.yaml requests."""
    if fps >= SLOW_SHARE * wanted:
        return None
    problem = f"fps is {wanted:g}, but the camera offers less than half of that: {description}"
    remedy = "Make camera.width and camera.height smaller, or use a faster port or another camera."
    return Mistake("camera.fps", problem, remedy)


def _open_v4l(node: Path, settings: CameraSettings) -> OpenDevice | None:
    """Return the open camera; None if its format is not supported or it cannot be opened."""
    try:
        return V4lCapture.open(node.resolve(), settings.width, settings.height, settings.fps)
    except OSError:
        return None


def _open_with_opencv(node: Path) -> OpenDevice | None:
    """Return the camera opened by OpenCV, which supports more formats; None if this fails."""
    # A by-id path is a link to /dev/videoN, and OpenCV opens cameras most reliably by number.
    numbered = re.fullmatch(r"/dev/video(\d+)", str(node.resolve()))
    api = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
    device = int(numbered[1]) if numbered else str(node)
    capture = cv2.VideoCapture(device, api)
    if capture.isOpened():
        return cast(OpenDevice, capture)
    capture.release()
    return None


VIDEO4LINUX = 81
"""The major number of the kernel's video devices (admin-guide/devices.txt of Linux)."""


def node_of(device: int | Path) -> Path:
    """Return the path of the camera `device`, which is a number or a path."""
    return device if isinstance(device, Path) else v4l.DEV / f"video{device}"


def _may_use(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


def check_node(node: Path, may_use: Callable[[Path], bool] = _may_use) -> Mistake | None:
    """Return a `Mistake` that says why `node` cannot be opened as a camera; None if it can."""
    try:
        status = os.stat(node)
    except FileNotFoundError:
        return Mistake(
            str(node),
            "this camera does not exist",
            "Plug the camera in; `kiosk cameras` lists the cameras of this machine.",
        )
    except OSError:
        return _no_permission(node)
    if is_other_device(status):
        return _no_video(node)
    if not may_use(node):
        return _no_permission(node)
    listing = v4l.query(node) if stat.S_ISCHR(status.st_mode) else None
    if listing is not None and listing.is_refused and v4l.is_closed_output(node):
        return Mistake(
            str(node),
            "the show could write pictures of visitors to this device, so the sandbox keeps it "
            "closed",
            "Use another camera. With `privacy: degraded` the show opens this one, but promises "
            "visitors less than with `privacy: enforce`.",
        )
    if listing is None:
        return _no_video(node)
    if listing.is_refused:
        # This user may use the camera, so the sandbox has denied the access: it allows only devices
        # that existed when it was sealed.
        return Mistake(
            str(node),
            AFTER_THE_START,
            "Restart the show; systemd does this automatically.",
        )
    if listing.problem is not None:
        return Mistake(
            str(node),
            f"this camera does not answer ({listing.problem})",
            "Unplug it and plug it in again.",
        )
    return None


def is_other_device(status: os.stat_result) -> bool:
    """Return whether `status` is that of a folder, a disk, or a device such as /dev/null.

    These cannot be cameras. The result is always False on systems other than Linux.
    """
    mode = status.st_mode
    other = stat.S_ISCHR(mode) and os.major(status.st_rdev) != VIDEO4LINUX
    return sys.platform == "linux" and (stat.S_ISBLK(mode) or stat.S_ISDIR(mode) or other)


def _no_video(node: Path) -> Mistake:
    return Mistake(
        str(node),
        "this device does not capture video",
        "Choose a device that `kiosk cameras` lists; one camera often has several devices.",
    )


def _no_permission(node: Path) -> Mistake:
    return Mistake(
        str(node),
        "this user has no permission to use the camera",
        "Add the user to the group video (`sudo usermod -aG video $USER`), then log in again.",
    )
