"""Opens the parts of a show: the parts that a mirror needs, and the networks.

Before the guard is sealed, the thread `loader` opens the label set, and every network that is not
part of the kiosk. PyTorch starts programs while it is imported, and a child process checks networks
of unknown origin; the sealed guard forbids both. The kiosk's own networks only read files of the
kiosk, so they are opened later, when the mirror is already on the screen: visitors see themselves
at once, and are named a moment later.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from installation.guarding.status import SandboxStatus
from installation.running.clock import Clock
from installation.seeing.box import Box
from installation.settings.kiosk import CameraSettings, Settings
from installation.settings.paths import MODELS
from installation.settings.yaml_file import Loaded
from installation.show.camera.opener import CameraOpener

if TYPE_CHECKING:
    # The thread `loader` imports these modules after the first paint.
    from installation.naming.label_set.folder import Signature
    from installation.naming.label_set.label_set import LabelSet
    from installation.naming.networks.device import Device
    from installation.naming.reading.classifier import Classifier, CropClassifier
    from installation.naming.reading.settler import Settler
    from installation.naming.reload import LabelSetReloader
    from installation.seeing.cameras.camera import Camera
    from installation.seeing.faces.detector import Detector
    from installation.seeing.presence.presence import Presence
    from installation.seeing.tracker import Tracker

Log = Callable[[str], None]
"""A function that logs one line for the people who run the show."""

READINGS_PER_S = 30
"""If a machine can classify at least this many faces per second with two crops each, both crops are
used: one of head and shoulders, and one of half the body. Otherwise one crop is used.
"""

MEASURED_READINGS = 5
"""The number of classifications that are timed to find out whether the machine reaches
`READINGS_PER_S`.
"""


@dataclass(frozen=True)
class Networks:
    """The parts that analyse frames, warmed up."""

    detector: Detector
    classifier: Classifier
    device: str
    """The device that the networks run on, in words for the staff. If it is the CPU although
    kiosk.yaml does not demand the CPU, the words say why no graphics card is used.
    """
    reloader: LabelSetReloader | None = None
    """The object that opens the label set again when its files change; None if changes are
    ignored.
    """


@dataclass(frozen=True)
class Parts:
    """The parts opened at the start, and the functions that open the networks and the camera."""

    label_set: LabelSet
    open_camera: Callable[[], Camera]
    open_networks: Callable[[], Networks]
    tracker: Tracker
    presence: Presence
    settler: Settler
    reopen_networks: Callable[[LabelSet, bool], Networks] | None = None
    """Opens the networks again for a label set, for example after a failure. They run on the CPU if
    the second argument is true. If `reopen_networks` is None, `open_networks` is called instead.
    """
    renew: Callable[[Parts], Parts] | None = None
    """Returns the parts with new objects for `tracker`, `presence` and `settler`, because a thread
    that hangs may still use the old ones. If `renew` is None, the old ones are kept.
    """


def open_parts(
    loaded: Loaded[Settings],
    clock: Clock,
    log: Log,
    *,
    as_fast_as_possible: bool = False,
    models: Path = MODELS,
) -> Parts:
    """Return the parts of the show with the settings `loaded`.

    `clock` is the show's clock, and `log` is called with a line about each part. If
    `as_fast_as_possible` is true, a film is played once, without waiting between its frames, for
    measurements. `models` is the folder of the label sets. Opening takes some seconds if the label
    set needs PyTorch. Raises KioskError.
    """
    from installation.naming.label_set import folder
    from installation.seeing.cameras import v4l

    settings = loaded.settings
    status = SandboxStatus.from_environment()
    cameras_before = allowed_cameras(v4l.video_nodes(), status)
    # Called before the files are read, so that a file saved while the show loads counts as changed.
    files_read = folder.signature(models / settings.labels)
    label_set = _load_label_set(loaded, models)
    language = settings.language
    if language.words != language.labels:
        log(f"words: the kiosk has no words in '{language.labels}', so it uses the English ones.")

    log(
        f"labels: {label_set.settings.title}, {len(label_set.labels):,} of "
        f"{label_set.size:,} labels can be shown"
    )
    from installation.memory.buffers import overwrite_freed_memory
    from installation.naming.networks.device import choose_device
    from installation.naming.reading.settler import Settler
    from installation.seeing.presence.presence import Presence
    from installation.seeing.tracker import Tracker

    device, description = choose_device(settings.device, where=loaded.where("device"))
    log(f"device: {description}.")
    overwrite_freed_memory()
    open_networks: Callable[[], Networks] = partial(
        _open_networks, loaded, label_set, device, description, files_read, clock, log
    )
    if device != "cpu" or not label_set.uses_default_network:
        open_networks = OpenNetworks(open_networks(), open_networks)
    else:
        _import_libraries()
    return Parts(
        label_set=label_set,
        open_camera=CameraOpener(
            settings.camera,
            cameras_before,
            clock,
            log,
            waits=status is not None and status.waits_for_camera,
            camera_id=0 if status is None else status.camera_id,
            as_fast_as_possible=as_fast_as_possible,
        ),
        open_networks=open_networks,
        tracker=Tracker(),
        presence=Presence(settings.reading.announce_s, settings.visitors.least_size),
        settler=Settler(label_set, settings.reading, random.Random()),
        reopen_networks=partial(
            _reopen_networks, loaded, device, description, files_read, clock, log
        ),
        renew=partial(_renew, settings),
    )


def _renew(settings: Settings, parts: Parts) -> Parts:
    """Return `parts` with new objects for `tracker`, `presence` and `settler`."""
    from installation.naming.reading.settler import Settler
    from installation.seeing.presence.presence import Presence
    from installation.seeing.tracker import Tracker

    return replace(
        parts,
        tracker=Tracker(),
        presence=Presence(settings.reading.announce_s, settings.visitors.least_size),
        settler=Settler(parts.label_set, settings.reading, random.Random()),
    )


def _import_libraries() -> None:
    """Import the libraries of the kiosk's own networks before the guard is sealed.

    This takes about 50 ms. Libraries that are loaded while the mirror runs would delay the main
    thread. ONNX Runtime also looks for graphics cards while it is imported, and warns if the guard
    prevents this.
    """
    import installation.naming.networks.efficientnet
    import installation.naming.reading.classifier
    import installation.naming.reload
    import installation.seeing.faces.mtcnn  # noqa: F401 - imported for their libraries


class OpenNetworks:
    """A function whose first call returns networks that are open already; later calls open others.

    The object keeps no reference to networks that it has returned, because they must be freed if
    they fail.
    """

    def __init__(self, networks: Networks, reopen: Callable[[], Networks]) -> None:
        self._networks: Networks | None = networks
        self._reopen = reopen

    @property
    def has_networks(self) -> bool:
        """Whether the next call of this object returns networks that are open already."""
        return self._networks is not None

    def __call__(self) -> Networks:
        """Return the networks given at the start; from the second call on, open others."""
        networks, self._networks = self._networks, None
        return self._reopen() if networks is None else networks


def _reopen_networks(
    loaded: Loaded[Settings],
    device: Device,
    description: str,
    files_read: Signature,
    clock: Clock,
    log: Log,
    label_set: LabelSet,
    on_processor: bool,
) -> Networks:
    """Return newly opened networks for `label_set`; if `on_processor`, they run on the CPU."""
    if on_processor and device != "cpu":
        device, description = "cpu", "the CPU, because the graphics card failed"
    return _open_networks(loaded, label_set, device, description, files_read, clock, log)


def _open_networks(
    loaded: Loaded[Settings],
    label_set: LabelSet,
    device: Device,
    description: str,
    files_read: Signature,
    clock: Clock,
    log: Log,
) -> Networks:
    """Return the networks for `label_set` on `device`, warmed up; raises KioskError.

    `description` is the device in words (`Networks.device`). `files_read` is the signature of the
    label set's files. `log` is called with a line about each part.
    """
    from installation.naming.reading.classifier import open_classifier
    from installation.naming.reload import WATCHED, LabelSetReloader
    from installation.seeing.faces.open import open_detector

    settings = loaded.settings
    detector = open_detector(settings.detector)
    log(f"detector: {detector.name}")
    classifier = open_classifier(label_set, device)
    log(f"network: {classifier.encoder.name} ({classifier.encoder.library})")
    warm_up(detector, classifier, settings.camera)
    if len(classifier.parts) > 1:
        log(choose_parts(classifier, clock))
    return Networks(
        detector=detector,
        classifier=classifier,
        device=description if device == "cpu" else device,
        reloader=LabelSetReloader(
            classifier,
            files_read,
            partial(_load_label_set, loaded, label_set.folder.parent),
            log,
            reports_mistakes=WATCHED not in os.environ,
        ),
    )


def allowed_cameras(nodes: Iterable[Path], status: SandboxStatus | None) -> list[Path]:
    """Return the video `nodes` that the show may open, because the launcher found them.

    A camera that appears only while the show loads is not in the result, for example one that
    starts more slowly than the computer. Without a launcher (`status` is None) the show may open
    all of them.
    """
    return [node for node in nodes if status is None or str(node) in status.devices]


def warm_up(detector: Detector, classifier: Classifier, settings: CameraSettings) -> None:
    """Run the detector and the classifier once on a grey frame of the camera's size.

    Code that compiles or allocates memory in its first run does so now, and not while a visitor
    waits. The classifier's `forget` is called too, for the same reason.
    """
    from installation.seeing.frame import Frame

    width, height = settings.width, settings.height
    if settings.rotate in (90, 270):
        width, height = height, width
    grey = Frame(bgr=np.full((height, width, 3), 127, np.uint8), taken_at=0.0)
    detector.detect(grey)
    classifier.classify(grey, [Box.from_centre(width / 2, height / 2, height / 5, height / 4)])
    classifier.forget()


def choose_parts(classifier: CropClassifier, clock: Clock) -> str:
    """Let the classifier use two crops for each face if there is time; return a line for the log.

    One crop shows head and shoulders, the other one half the body. One face is classified with both
    crops `MEASURED_READINGS` times. There is time if the shortest of these classifications is short
    enough for `READINGS_PER_S`. The shortest counts, because other programs may be busy while the
    show loads.
    """
    from installation.seeing.frame import Frame

    grey = Frame(bgr=np.full((480, 640, 3), 127, np.uint8), taken_at=0.0)
    box = Box.from_centre(320, 160, 70, 90)
    took_s = []
    for _ in range(MEASURED_READINGS):
        began_at = clock.now()
        classifier.classify(grey, [box])
        took_s.append(clock.now() - began_at)
    classifier.has_time = min(took_s) <= 1 / READINGS_PER_S
    classifier.forget()
    parts = "head and shoulders, and half the body" if classifier.has_time else "head and shoulders"
    return f"crops: {parts} (classifying a face with both crops takes {1000 * min(took_s):.0f} ms)"


def _load_label_set(loaded: Loaded[Settings], models: Path) -> LabelSet:
    """Return the label set that kiosk.yaml names; raises LabelSetError."""
    from installation.naming.label_set import built_file
    from installation.naming.label_set.load import load_label_set

    settings = loaded.settings
    label_set = load_label_set(
        settings.labels,
        settings.content,
        models,
        where=loaded.where("labels"),
        language=settings.language.labels,
        second=settings.language.second_labels,
    )
    built_file.check_built(label_set)
    return label_set
