"""The work of the thread `analysis`: computes sightings of visitors from the newest frame.

Rejected: a separate process for the analysis; measurements by `scripts/bench` show that a thread is
fast enough.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from installation.memory.buffers import return_freed_memory
from installation.memory.forgetting import forget_all
from installation.naming.reading.scheduler import ReadingScheduler
from installation.naming.reading.values import Reading, Sightings
from installation.running.clock import Clock
from installation.running.latest import Latest
from installation.seeing.finder import FaceFinder
from installation.seeing.frame import Frame
from installation.seeing.presence.presence import Present, View
from installation.seeing.tracker import Track
from installation.show.parts import Networks, Parts

if TYPE_CHECKING:
    # The thread `loader` imports this module after the first paint.
    from installation.naming.reading.classifier import Classifier

LONGEST_WAIT_S = 30.0
"""The longest time for which a changed label set waits for a moment without visitors, s; a guess.
After that it is used at once.
"""


class ScoresError(ArithmeticError):
    """The classifier returned scores that are infinite or NaN."""


class Analysis:
    """Detects, tracks and classifies faces, and settles on one verdict for each face."""

    def __init__(
        self,
        parts: Parts,
        networks: Networks,
        frames: Latest[Frame],
        sightings: Latest[Sightings],
        clock: Clock,
        view: View,
    ) -> None:
        """Take frames from `frames`, and put what `parts` and `networks` see into `sightings`.

        `clock` is the show's clock. `view` returns the part of a frame that is on the screen.
        """
        self._view = view
        self._detector = networks.detector
        self._finder = FaceFinder(networks.detector, parts.tracker)
        self._presence = parts.presence
        self.classifier = networks.classifier
        """The classifier in use."""
        self._holds_crops = False
        """Whether libraries may still hold crops that the classifier was given."""
        self._settler = parts.settler
        self._clock = clock
        self._scheduler = ReadingScheduler()
        self._frames = frames
        self._sightings = sightings
        self._next: tuple[Classifier, float] | None = None
        """The classifier of a changed label set, and the instant at which it arrived (s,
        monotonic).
        """
        self._reading_count = 0
        self._stopping = threading.Event()
        self.new_classifiers: Latest[Classifier] = Latest()
        """The mailbox through which the main thread passes the classifier of a changed label
        set.
        """

    def __call__(self, stopping: threading.Event) -> None:
        """Analyse frames until `stopping` is set or the frames end.

        At the end, all pixels and all data about visitors are erased. After that, the parts may be
        used again, with another camera.
        """
        self._stopping = stopping
        try:
            while not stopping.is_set() and not self._frames.ended:
                frame = self._frames.take(timeout=0.1)
                if frame is not None:
                    self.offer(frame)
        finally:
            frame = None
            with contextlib.suppress(Exception):  # so that what ended the work is reported
                forget_all(
                    (
                        *(self._frames, self._detector, self.classifier),
                        *(self._finder, self._presence, self._settler),
                    )
                )
            # The thread of the next analysis may not use the memory that this thread has freed.
            return_freed_memory()

    def offer(self, frame: Frame) -> None:
        """If a search for faces is due, analyse `frame` and publish the sightings."""
        if self._finder.is_due(frame):
            self._publish(self.analyse(frame))

    def analyse(self, frame: Frame) -> Sightings:
        """Return the sightings on `frame`, after classifying the visitors whose turn it is.

        Before the classification, the sightings known so far are published. So newcomers are
        announced at once, and not only after the other visitors have been classified.
        """
        tracks = self._finder.find(frame)
        began_at = self._clock.now()
        visitors, bystanders = self._presence.update(tracks, frame, self._view(frame), began_at)
        sightings = self._sight(frame, [], visitors, bystanders)
        unnamed = [each for each in visitors if not self._settler.is_named(each.track.id)]
        chosen = self._scheduler.choose(
            [each.track for each in unnamed if each.may_be_read],
            frame.taken_at,
            [each.track.id for each in unnamed if self._settler.is_unsure(each.track.id)],
        )
        if chosen:
            self._publish(sightings)
            readings = self._read(frame, chosen)
            sightings = self._sight(frame, readings, visitors, bystanders)
            self._holds_crops = True
        if self._holds_crops and not unnamed:
            self.classifier.forget()
            self._holds_crops = False
        self._scheduler.record(chosen, tracks, frame.taken_at, self._clock.now() - began_at)
        self._swap_label_set(frame.taken_at, has_visitors=bool(visitors))
        return sightings

    def _publish(self, sightings: Sightings) -> None:
        """Publish `sightings`, unless the analysis was stopped.

        An analysis is stopped if one of its calls hangs. When this call returns at last, another
        analysis runs already, and the sightings of the stopped analysis are old.
        """
        if not self._stopping.is_set():
            self._sightings.put(sightings)

    def _sight(
        self,
        frame: Frame,
        readings: Sequence[Reading],
        visitors: Sequence[Present],
        bystanders: Sequence[Track],
    ) -> Sightings:
        """Return the sightings on `frame`, from the evidence of earlier frames and of `readings`.

        `visitors` and `bystanders` are the people on the frame.
        """
        return Sightings(
            taken_at=frame.taken_at,
            visitors=self._settler.settle(readings, visitors, frame.taken_at),
            scene=frame.scene,
            label_set=self._settler.label_set,
            reading_count=self._reading_count,
            bystanders=tuple(bystanders),
        )

    def _read(self, frame: Frame, tracks: Sequence[Track]) -> list[Reading]:
        """Return a reading of each of `tracks`, of which there is at least one.

        Raises ScoresError if a score is not finite.
        """
        boxes = [track.box_at(frame.taken_at) for track in tracks]
        scores = self.classifier.classify(frame, boxes)
        if not np.isfinite(scores).all():
            raise ScoresError
        self._reading_count += len(tracks)
        return [
            Reading(track.id, frame.taken_at, row)
            for track, row in zip(tracks, scores, strict=True)
        ]

    def _swap_label_set(self, now: float, *, has_visitors: bool) -> None:
        """Use a changed label set if no visitor is present, or after `LONGEST_WAIT_S`."""
        classifier = self.new_classifiers.take(timeout=0)
        if classifier is not None:
            self._next = classifier, now
        if self._next is None:
            return
        following, waiting_since = self._next
        if has_visitors and now - waiting_since < LONGEST_WAIT_S:
            return
        self.classifier.forget()
        self.classifier, self._next = following, None
        self._settler.use_label_set(following.label_set)
