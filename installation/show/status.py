"""Collects the figures of the staff card while the show runs, and watches kiosk.yaml."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from installation import __version__
from installation.command_name import as_called
from installation.errors import KioskError
from installation.guarding.self_test import Proof
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.values import Sightings
from installation.running.latest import Latest
from installation.seeing.cameras.played import rehearsal
from installation.seeing.frame import Frame
from installation.settings.kiosk import Settings
from installation.settings.yaml_file import Loaded
from installation.show.camera.capture import CameraStatus
from installation.show.parts import Log, Networks
from installation.showing.scenes.faults import AnalysisFault, ChangedFile, FileFault
from installation.showing.scenes.staff import ShowStatus, layers

OPENING = "…"
"""The text on the card for a network that is not open yet."""

REFRESH_S = 1.0
"""How long the figures on the staff card stay the same, s, so that the staff can read them."""


POLL_S = 1.0
"""The time between two checks of kiosk.yaml, s. A changed file is read when it has stayed the same
for that time.
"""

MOST_LOGGED = 5
"""The largest number of mistakes of one change that are logged; `kiosk check` prints all."""


class SettingsWatch:
    """The work of the thread `settings`: finds changes and mistakes in kiosk.yaml.

    A show uses the file only at its start. Without this check, a mistake that somebody makes while
    the show runs would be found at the next start, for example in the morning after a power
    failure, when nobody is there. Rejected: settings that take effect while the show runs. Screen
    and fonts are opened before the sandbox closes. The closed sandbox lets the show open only
    cameras that the launcher had found.
    """

    def __init__(self, file: Path, load: Callable[[], Loaded[Settings]], log: Log) -> None:
        """Watch `file`, which `load` reads; create this object before the show reads the file.

        `log` is called with a line for each change.
        """
        self._file = file
        self._load = load
        self._log = log
        self._polled = self._tried = self._stamp()
        self._used: Settings | None = None
        self.state: tuple[ChangedFile, ...] = ()
        """What the staff must know about kiosk.yaml. Other threads may read this."""

    def load(self) -> Loaded[Settings]:
        """Return the settings with which the show runs; raises SettingsError."""
        loaded = self._load()
        self._used = loaded.settings
        return loaded

    def __call__(self, stopping: threading.Event) -> None:
        """Check kiosk.yaml once every `POLL_S` until `stopping` is set."""
        while not stopping.wait(POLL_S):
            self.poll()

    def poll(self) -> None:
        """Check the file once; read it if two checks in a row have found the same change."""
        now = self._stamp()
        still, self._polled = now == self._polled, now
        if still and now != self._tried:
            self._tried = now
            self._note(self._find())

    def _find(self) -> tuple[ChangedFile, ...]:
        try:
            changed = self._load().settings != self._used
        except KioskError as error:
            lines = tuple(as_called(str(mistake), anywhere=True) for mistake in error.mistakes)
            return (ChangedFile(FileFault.SETTINGS_WRONG, lines),)
        except Exception as error:  # for example no memory; the show goes on without this check
            logging.getLogger("kiosk").exception("failed to read the changed settings")
            return (ChangedFile(FileFault.SETTINGS_WRONG, (type(error).__name__,)),)
        return (ChangedFile(FileFault.SETTINGS_CHANGED),) if changed else ()

    def _note(self, state: tuple[ChangedFile, ...]) -> None:
        if state == self.state:
            return
        self.state = state
        name = self._file.name
        if not state:
            self._log(f"settings: {name} now has the settings of the running show again.")
        for changed in state:
            if changed.fault == FileFault.SETTINGS_CHANGED:
                self._log(f"settings: {name} has changed; the show uses it from its next start.")
                continue
            self._log(
                f"settings: {name} has mistakes now. The running show keeps its settings. Correct "
                "the mistakes before the next start, which fails otherwise."
            )
            for line in changed.lines[:MOST_LOGGED]:
                self._log(f"settings: {line}")

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            seen = os.stat(self._file)
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_size, seen.st_ino


class StatusReporter:
    """Gathers the status of the show, at most once a second."""

    def __init__(
        self,
        label_set: LabelSet,
        proof: Proof | None,
        frames: Latest[Frame],
        camera: CameraStatus,
        started_at: float,
        now: float,
        settings: SettingsWatch | None = None,
    ) -> None:
        """Store the sources of the staff card's figures.

        `label_set` is the set in use. `proof` is the guard's self-test, or None without a guard.
        `frames` is the mirror's mailbox, which counts the frames that pass through it. `camera` is
        the camera's status now. `started_at` is the start of the process, and `now` the start of
        the mirror (s, monotonic). `settings` watches kiosk.yaml (None: nobody watches it).
        """
        self.networks: Networks | None = None
        """The networks; None until they are open."""
        self.analysis_fault: AnalysisFault | None = None
        """The fault of the analysis."""
        self._proof = proof
        self._frames = frames
        self.camera = camera
        """The camera's newest status."""
        self._label_set = label_set
        self._started_at = started_at
        self._settings = settings
        self._counted_at = now
        self._count = 0
        self._status: ShowStatus | None = None

    def update(self, sightings: Sightings) -> None:
        """Store the label set that the newest `sightings` come from."""
        self._label_set = sightings.label_set

    def status(self, now: float) -> ShowStatus:
        """Return the status at the instant `now` (s, monotonic), at most `REFRESH_S` old."""
        if self._status is None or now - self._counted_at >= REFRESH_S:
            self._status = self._gather(now)
        return self._status

    def _gather(self, now: float) -> ShowStatus:
        """Return the status now; the frame rate in it is the average since the last call."""
        count = self._frames.received - self._frames.dropped
        passed_s = now - self._counted_at
        rate = (count - self._count) / passed_s if passed_s > 0 else 0.0
        self._counted_at, self._count = now, count
        networks, proof, label_set = self.networks, self._proof, self._label_set
        camera = self.camera
        return ShowStatus(
            layers=() if proof is None else layers(proof),
            ways_tried=0 if proof is None else proof.ways_tried,
            tested_at=proof.by_this_clock().tested_at if proof and proof.results else None,
            locked_blocks=camera.locked_blocks,
            blocks=camera.blocks,
            label_set=label_set.settings.title,
            visible_labels=len(label_set.labels),
            all_labels=label_set.size,
            camera=camera.name,
            detector=OPENING if networks is None else networks.detector.name,
            device=OPENING if networks is None else networks.device,
            mirror_fps=rate,
            dropped_frames=self._frames.dropped,
            uptime_s=now - self._started_at,
            version=__version__,
            is_rehearsal=camera.name.startswith(rehearsal.NAME),
            camera_faults=camera.faults,
            analysis_fault=self.analysis_fault,
            changed_files=self._changed_files(),
        )

    def _changed_files(self) -> tuple[ChangedFile, ...]:
        """Return what the threads that watch files have found."""
        found = () if self._settings is None else self._settings.state
        reloader = None if self.networks is None else self.networks.reloader
        mistakes = () if reloader is None else reloader.mistakes
        wrong_set = [ChangedFile(FileFault.LABELS_WRONG, mistakes)] if mistakes else []
        return (*found, *wrong_set)
