"""Collects the figures of the staff card while the show runs."""

from __future__ import annotations

from installation import __version__
from installation.guarding.self_test import Proof
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.values import Sightings
from installation.running.latest import Latest
from installation.seeing.cameras.played import rehearsal
from installation.seeing.frame import Frame
from installation.show.camera.capture import CameraStatus
from installation.show.parts import Networks
from installation.showing.scenes.faults import AnalysisFault
from installation.showing.scenes.staff import ShowStatus, layers

OPENING = "…"
"""The text on the card for a network that is not open yet."""

REFRESH_S = 1.0
"""How long the figures stay the same, s, so that the staff can read them."""


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
    ) -> None:
        """Store the sources of the staff card's figures.

        `label_set` is the set in use. `proof` is the guard's self-test, or None without a guard.
        `frames` is the mirror's mailbox, which counts the frames that pass through it. `camera` is
        the camera's status now. `started_at` is the start of the process, and `now` the start of
        the mirror (s, monotonic).
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
        )
