"""The tree of what can go wrong, and the one form in which it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong, where it is, and how to mend it.

    Printed as `where: what. Remedy.`; `what` names what was seen and what was expected.
    No part of it may hold pixels or anything that identifies a visitor.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what.rstrip('.')}. {self.remedy}"


class KioskError(Exception):
    """What people, files or devices did wrong: one or more mistakes, a line each."""

    def __init__(self, *mistakes: Mistake) -> None:
        assert mistakes, "an error names at least one mistake"
        super().__init__(*mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


def mistakes_of(attempts: Iterable[Callable[[], object]]) -> list[Mistake]:
    """Make all of `attempts`, and return what is wrong with those that raise KioskError."""
    mistakes: list[Mistake] = []
    for attempt in attempts:
        try:
            attempt()
        except KioskError as error:
            mistakes += error.mistakes
    return mistakes


class SettingsError(KioskError):
    """kiosk.yaml or the command line asks for what cannot be."""


class LabelSetError(KioskError):
    """A label set's files are missing, wrong, or do not fit each other."""


class WeightsError(KioskError):
    """A network's weights are missing, truncated or not the ones that were pinned."""


class CameraError(KioskError):
    """A camera, film or folder of pictures cannot be opened or read."""


class ScreenError(KioskError):
    """The display that was asked for does not exist or cannot be opened."""


class GuardError(KioskError):
    """The machine cannot keep the promise that no picture of a visitor is kept."""


class FetchError(KioskError):
    """A file cannot be fetched, or is not the one that was asked for."""
