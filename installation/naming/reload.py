"""Reloads a label set that changes while the show runs: detects changes and opens the new set.

The show checks the set's files once a second, because the sandbox allows no connection, signal or
message from outside. The built file is only read here; another process builds it (`kiosk labels
build`, `kiosk labels watch`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from installation.errors import KioskError
from installation.naming.label_set.built_file import StaleBuildError
from installation.naming.label_set.folder import NUMBER_FILES, Signature, signature
from installation.naming.label_set.label_set import LabelSet
from installation.naming.reading.classifier import CropClassifier, reopen_classifier
from installation.running.latest import Latest

POLL_S = 1.0
"""The time between two checks of the files, s. A changed set is opened when the files have stayed
the same for that time.
"""

MOST_LOGGED = 5
"""The largest number of mistakes that are logged for one change of the files. `kiosk labels check`
prints all mistakes.
"""


@dataclass(frozen=True)
class ReloadedLabelSet:
    """A changed label set with its classifier, ready to replace the show's current ones.

    `letters` are all the characters that the screen may then show.
    """

    classifier: CropClassifier
    letters: frozenset[str]


WATCHED = "KIOSK_LABELS_WATCHED"
"""The environment variable that `kiosk labels watch` sets for the show that it starts. Such a show
reports only why the network or the built file cannot be opened, because `kiosk labels watch`
reports all other mistakes.
"""


class LabelSetReloader:
    """The work of the thread `labels`: opens the label set again after its files have changed."""

    def __init__(
        self,
        classifier: CropClassifier,
        files_read: Signature,
        load: Callable[[], LabelSet],
        log: Callable[[str], None],
        *,
        reports_mistakes: bool = True,
    ) -> None:
        """Watch for changes of the label set of `classifier`.

        `files_read` is the signature of the files from which the classifier was opened: the time,
        size and inode of each. `load` returns the label set from its files, as the show does at its
        start. `log` is called with a line for each of the first `MOST_LOGGED` mistakes. If
        `reports_mistakes` is false, `log` is called only when the network or the built file cannot
        be opened, because `kiosk labels watch` reports all other mistakes.
        """
        self._classifier = classifier
        self._opened = files_read
        """The signature of the files from which the classifier was opened: their times, sizes and
        inodes.
        """
        self._polled = files_read
        """The signature of the files at the last poll."""
        self._tried = files_read
        """The signature of the last files that the reloader tried to open."""
        self._load = load
        self._log = log
        self._reports_mistakes = reports_mistakes
        self.mailbox: Latest[ReloadedLabelSet] = Latest()
        """Receives changed label sets."""
        self.mistakes: tuple[str, ...] = ()
        """The reasons why the changed files are not used, in the words of the log. Other threads
        may read this tuple.
        """

    def __call__(self, stopping: threading.Event) -> None:
        """Check the files until `stopping` is set."""
        while not stopping.wait(POLL_S):
            self.poll()

    def poll(self) -> None:
        """Check the files once; open the set again if its files have changed and are complete.

        They count as complete if they are the same as at the last check. Otherwise, somebody may
        still be writing them.
        """
        now = signature(self._classifier.label_set.folder)
        still = now == self._polled
        self._polled = now
        if still and now != self._tried:
            self._tried = now
            self._open()

    def _open(self) -> None:
        """Put the changed set into the mailbox, or log why the old set stays in use."""
        label_set = None
        try:
            label_set = self._load()
            numbers = [(self._tried[name], self._opened[name]) for name in NUMBER_FILES]
            same_numbers = all(now == then for now, then in numbers)
            if same_numbers and label_set == self._classifier.label_set:
                self.mistakes = ()
                return
            self._classifier = reopen_classifier(
                self._classifier, label_set, same_files=same_numbers
            )
            self._opened = self._tried
        except StaleBuildError:
            if self._reports_mistakes:
                self._report(
                    "labels: the text has changed and must be built (run `kiosk labels build`); "
                    "until then the show uses the last valid set."
                )
            return
        except KioskError as error:
            if self._reports_mistakes or label_set is not None:
                self._log(
                    "labels: the changed set has mistakes, so the show uses the last valid set."
                )
                for mistake in error.mistakes[:MOST_LOGGED]:
                    self._log(f"labels: {mistake}")
                self.mistakes = tuple(str(mistake) for mistake in error.mistakes)
            return
        except Exception as error:
            # For example, a graphics card has run out of memory. The show continues with its
            # current set.
            logging.getLogger("kiosk").exception("failed to open a changed label set")
            self._report(
                f"labels: the changed set cannot be opened ({type(error).__name__}, logged above), "
                "so the show uses the last valid set."
            )
            return
        self.mistakes = ()
        letters = frozenset("".join(label_set.texts()))
        self.mailbox.put(ReloadedLabelSet(self._classifier, letters))

    def _report(self, line: str) -> None:
        """Log `line`, the reason why the changed files are not used.

        It is also kept for the staff's card.
        """
        self._log(line)
        self.mistakes = (line.removeprefix("labels: "),)
