"""The kiosk's own words, one file for each language in `words/`."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from installation.document import Section, load_yaml
from installation.errors import ScreenError

FOLDER = Path(__file__).parent / "words"


def _with(*names: str) -> Callable[[str], str]:
    """Return a check that a text has each of `names` in braces once, and no other braces."""

    def check(text: str) -> str:
        rest = text
        for name in names:
            rest = rest.replace(f"{{{name}}}", "", 1)
        if len(text) - len(rest) != sum(len(name) + 2 for name in names) or set(rest) & set("{}"):
            wanted = ", ".join(f"{{{name}}}" for name in names)
            raise ValueError(f"text that holds {wanted} once and no other braces")
        return text

    return check


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class Words(Section):
    """Every sentence on the wall that is not a label's."""

    language: Text
    """The language's name for itself."""
    title: Text
    """Large, where nobody is there; `screen.title` replaces it."""
    invitation: Text
    notice: Text
    """That an AI system categorises people: the notice of the AI Act, Article 50(3)."""
    guess: Text
    """That a label is a guess and no fact about a person."""
    privacy: Text
    """What becomes of the pictures. It may only promise what the program holds."""
    privacy_today: Annotated[Text, AfterValidator(_with("ways", "time"))]
    """The same once the guard was tried: in how many ways, and when today."""
    privacy_earlier: Annotated[Text, AfterValidator(_with("ways", "date"))]
    """The same after midnight."""
    privacy_unguarded: Text
    """The same where the guard is not there and nobody insists on it."""
    unguarded: Annotated[Text, AfterValidator(_with("missing"))]
    """On the calm card where the guard is not there and the show does not start without."""
    reading: Text
    """Under a face that has no verdict yet."""
    score: Annotated[Text, AfterValidator(_with("score"))]
    """Under a verdict; `{score}` stands for its score, 0–100."""
    unsure: Annotated[Text, AfterValidator(_with("score"))]
    """In its place where no label scored enough; `{score}` stands for the best label's."""
    loading: Text
    trouble_title: Text
    trouble: Text
    """Where something is wrong: one calm sentence."""

    staff_title: Text
    """Over the card for the people who run the show, which F1 shows and puts away."""
    staff_hint: Text
    staff_holds: Text
    """Beside a layer of the guard that is there."""
    staff_guard: Text
    staff_unguarded: Text
    """Where the show runs without any guard, for measurements."""
    staff_more: Annotated[Text, AfterValidator(_with("count"))]
    staff_tries: Text
    staff_tried: Annotated[Text, AfterValidator(_with("ways", "date", "time"))]
    staff_memory: Text
    staff_locked: Annotated[Text, AfterValidator(_with("locked", "made"))]
    """How many pieces of memory for frames are locked: they never go to swap."""
    staff_labels: Text
    staff_camera: Text
    staff_detector: Text
    staff_device: Text
    staff_mirror: Text
    staff_rate: Annotated[Text, AfterValidator(_with("rate", "dropped"))]
    staff_running: Text
    staff_time: Annotated[Text, AfterValidator(_with("hours", "minutes"))]

    def texts(self) -> tuple[str, ...]:
        """Return all of them, for what asks which scripts need a font."""
        return tuple(str(text) for text in self.model_dump().values())


def load_words(language: str = "en", folder: Path = FOLDER) -> Words:
    """Return the words of `language`; ScreenError names every mistake of the file with its line."""
    return load_yaml(folder / f"{language}.yaml", Words, ScreenError).settings


def privacy_line(
    words: Words, holds: bool, ways: int, at: datetime.datetime, today: datetime.date
) -> str:
    """Return what is true `today` of the pictures; `at` is when the guard was tried."""
    if not holds:
        return words.privacy_unguarded
    if at.date() == today:
        return words.privacy_today.format(ways=ways, time=at.strftime("%H:%M"))
    return words.privacy_earlier.format(ways=ways, date=at.date().isoformat())
