"""A label set that is changed while the show runs: noticed, opened beside the old one, handed over.

The show looks at the set's files once a second. Nothing reaches it from outside in any other way:
no connection, no signal, no message, as the guard allows none. What was built before is only read
here; whoever builds (`kiosk labels build`, `kiosk labels watch`) is another process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from installation.errors import KioskError
from installation.naming.label_set.built_file import OtherTextError
from installation.naming.label_set.folder import NUMBERS, Signature, signature
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.classifier import CropClassifier, reopen_classifier
from installation.running.latest import Latest

POLL_S = 1.0
"""How often the files are looked at; a change is taken once it has not moved for as long."""

MOST_SAID = 5
"""Mistakes of one change that are said; whoever made it can ask `kiosk labels check` for all."""


@dataclass(frozen=True)
class Renewed:
    """A label set with its classifier, ready to take the place of the one in the show.

    `letters` are all the characters that the screen may then show.
    """

    classifier: CropClassifier
    letters: frozenset[str]


class Renewal:
    """The work of the thread `labels`: opens the set anew whenever its files have changed."""

    def __init__(
        self,
        classifier: CropClassifier,
        seen: Signature,
        load: Callable[[], LabelSet],
        say: Callable[[str], None],
    ) -> None:
        """Take the classifier of the show, and the state `seen` of its files when it was opened.

        `load` reads the set's files as the show does; `say` hears what is wrong with a change.
        """
        self._classifier = classifier
        self._opened = self._seen = self._tried = seen
        self._load = load
        self._say = say
        self.mailbox: Latest[Renewed] = Latest()
        """Where changed sets come out."""

    def __call__(self, stopping: threading.Event) -> None:
        """Look at the files until `stopping` is set."""
        while not stopping.wait(POLL_S):
            self.look()

    def look(self) -> None:
        """Look once; a set that has changed, and stands still since the last look, is opened."""
        now = signature(self._classifier.label_set.folder)
        still = now == self._seen
        self._seen = now
        if still and now != self._tried:
            self._tried = now
            self._open()

    def _open(self) -> None:
        try:
            label_set = self._load()
            numbers = [(self._tried[name], self._opened[name]) for name in NUMBERS]
            same_numbers = all(now == then for now, then in numbers)
            if same_numbers and label_set == self._classifier.label_set:
                return
            self._classifier = reopen_classifier(self._classifier, label_set)
            self._opened = self._tried
        except OtherTextError:
            text = "labels: other text is there; the last good set stays until it is built"
            self._say(f"{text} (by `kiosk labels build`, or by `labels watch` itself).")
            return
        except KioskError as error:
            self._say("labels: a change cannot be taken, and the last good set stays.")
            for mistake in error.mistakes[:MOST_SAID]:
                self._say(f"labels: {mistake}")
            return
        letters = frozenset("".join(label_set.texts()))
        self.mailbox.put(Renewed(self._classifier, letters))
