"""Opens the camera of a show; if it fails later, opens the same camera again and no other.

A camera has a number, which may change each time it is plugged in, and a lasting path, which is
made from its model or its port (`/dev/v4l/by-id`, `/dev/v4l/by-path`). After a camera was opened,
only its lasting path is used: with `camera.source: auto`, the next best camera might show another
place, where nobody has been informed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from installation.errors import CameraError, Mistake
from installation.running.clock import Clock
from installation.seeing.cameras import v4l
from installation.seeing.cameras.camera import Camera
from installation.seeing.cameras.hotplug import RehearsalUntilPlugged, plugged_in
from installation.seeing.cameras.open import REHEARSAL_PLAYS, Resolved, open_camera, resolve
from installation.seeing.cameras.v4l import CameraListing, list_cameras
from installation.seeing.cameras.webcam import AFTER_THE_START, Webcam, unmet_settings
from installation.settings import source
from installation.settings.kiosk import CameraSettings

OTHER_CAMERA = Mistake(
    "camera",
    "the camera that the show used is not plugged in",
    "Plug it in again, into the same port. To use another camera, restart the kiosk.",
)


def identify(path: Path) -> int:
    """Return a number that identifies the camera at `path`; never 0.

    `path` is the camera's lasting path, which stays the same when the camera is plugged in again.
    The supervisor passes the number to the next process of the show. The path cannot be passed,
    because the supervisor accepts only numbers from the show.
    """
    return zlib.crc32(bytes(path)) or 1


class CameraOpener:
    """Opens the camera that the settings name, and opens it again after failures."""

    def __init__(
        self,
        settings: CameraSettings,
        cameras_before: Sequence[Path],
        clock: Clock,
        log: Callable[[str], None],
        *,
        waits: bool = False,
        camera_id: int = 0,
        as_fast_as_possible: bool = False,
        cameras: Callable[[], list[CameraListing]] = list_cameras,
    ) -> None:
        """Store the settings; a call of the object opens the camera.

        Args:
            settings: The section `camera` of kiosk.yaml.
            cameras_before: The video nodes that the sandbox lets the show open.
            clock: The clock by which frames are timed.
            log: Called with a line about the camera.
            waits: Whether the show waits for a missing camera. If so, CameraError is raised while
                the camera is missing. Otherwise, the source `auto` plays the rehearsal, an animated
                visitor.
            camera_id: The result of `identify` for the camera that an earlier process of the show
                used; 0 if there is none.
            as_fast_as_possible: Whether a film is played once, without waiting between its frames,
                for measurements.
            cameras: Returns the cameras of this machine.
        """
        self._settings = settings
        self._cameras_before = cameras_before
        self._clock = clock
        self._log = log
        self._waits = waits
        self._as_fast_as_possible = as_fast_as_possible
        self._cameras = cameras
        self._in_use: Path | None = None
        """The path of the camera that was opened, from `_lasting_path`."""
        self._last: int | None = None
        """The checksum of the last picture from the camera that was opened."""
        self.camera_id = camera_id

    def __call__(self) -> Camera:
        """Open the camera and return it. Call this only after `Guard.seal`.

        Other cameras may be opened too, because listing the cameras opens each of them. If the
        source is `auto` and there is no camera, the rehearsal is returned, unless this show waits
        for a camera. The rehearsal ends when a camera is plugged in. Raises CameraError, or
        RestartNeededError if the sandbox does not let this process open the camera.
        """
        resolved, fallback = self._resolve()
        if fallback and self._waits:
            problem = fallback.removesuffix(REHEARSAL_PLAYS)
            remedy = (
                "Plug in a camera; `kiosk cameras` says why a camera that is plugged in cannot be "
                "used."
            )
            raise CameraError(Mistake("camera", problem, remedy))
        if fallback:
            self._log(f"camera: {fallback}.")
        camera = self._open(resolved)
        self._log(f"camera: {camera.name}")
        for mistake in unmet_settings(camera, self._settings):
            self._log(f"{mistake}")
        return (
            RehearsalUntilPlugged(camera, self._cameras_before, self._clock) if fallback else camera
        )

    def _resolve(self) -> tuple[Resolved, str | None]:
        """Return the source to open, and the reason if `auto` found no camera that can be used.

        Otherwise the reason is None. Raises CameraError if an earlier process used a camera that is
        not plugged in now.
        """
        configured = self._settings.source
        if self._in_use is not None:
            return source.Device(self._in_use), None
        lasts = isinstance(configured, source.Device) and self._is_lasting(configured.id)
        if self.camera_id and not lasts and isinstance(configured, source.Auto | source.Device):
            for listing in self._cameras():
                # Which path is lasting depends on whether another camera has the same name.
                for path in filter(None, (listing.by_id, listing.by_path, listing.path)):
                    if identify(path) == self.camera_id:
                        return source.Device(path), None
            raise CameraError(OTHER_CAMERA)
        return resolve(configured, self._cameras, lambda line: self._log(f"camera: {line}."))

    @staticmethod
    def _is_lasting(device: int | Path) -> bool:
        return isinstance(device, Path) and device.parent.parent == v4l.DEV / "v4l"

    def _open(self, resolved: Resolved) -> Camera:
        if not isinstance(resolved, source.Device):
            return open_camera(
                resolved,
                self._settings,
                self._clock,
                as_fast_as_possible=self._as_fast_as_possible,
            )
        try:
            camera = Webcam.open(resolved.id, self._settings, self._clock, self._last)
        except CameraError as error:
            if any(mistake.problem == AFTER_THE_START for mistake in error.mistakes):
                raise plugged_in(Path(error.mistakes[0].where), "the show was running") from None
            raise
        self._in_use = self._lasting_path(resolved.id)
        self.camera_id = identify(self._in_use)
        return camera

    def _lasting_path(self, device: int | Path) -> Path:
        """Return the lasting path of `device`; if it has none, the path of its video node."""
        if self._is_lasting(device):
            assert isinstance(device, Path)
            return device
        node = device if isinstance(device, Path) else v4l.DEV / f"video{device}"
        listings = (each for each in self._cameras() if each.node.resolve() == node.resolve())
        return next((listing.path for listing in listings), node)

    def remember(self, camera: Camera) -> None:
        """Store the checksum of the last picture of `camera`, which has been closed.

        If the camera sends the same picture after it has been opened again, it is frozen. The
        checksum shows this.
        """
        if isinstance(camera, Webcam):
            self._last = camera.condition.last

    def is_plugged_in(self) -> bool:
        """Return whether the camera that was opened is plugged in now."""
        return self._in_use is None or self._in_use.exists()
