"""The kiosk's own words, one file for each language in `words/`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from installation.errors import ScreenError
from installation.settings.kiosk import Settings
from installation.settings.paths import WORDS_FOLDER
from installation.settings.placeholders import NonEmptyText, Sentence, with_placeholders
from installation.settings.yaml_file import Section, load_yaml


class Words(Section):
    """Every sentence on the wall that is not a label's."""

    language: Sentence
    """The language's name for itself."""
    title: Sentence
    """Large, where nobody is there; `screen.title` replaces it."""
    invitation: Sentence
    notice: Sentence
    """That an AI system categorises people: the notice of the AI Act, Article 50(3)."""
    guess: Sentence
    """That a label is a guess and no fact about a person."""
    privacy: Sentence
    """What becomes of the pictures. It may only promise what the program holds."""
    privacy_today: Annotated[NonEmptyText, with_placeholders("ways", "time")]
    """The same once the guard was tried: in how many ways, and when today."""
    privacy_earlier: Annotated[NonEmptyText, with_placeholders("ways", "date")]
    """The same after midnight."""
    privacy_unguarded: Sentence
    """The same where the guard is not there and nobody insists on it."""
    unguarded_title: Sentence
    unguarded: Sentence
    """On the calm card where the guard is not there and the show does not start without."""
    unguarded_staff: Annotated[NonEmptyText, with_placeholders("names")]
    """Small, below it: what is missing, as the log names it."""
    reading: Sentence
    """Under a face that has no verdict yet."""
    score: Annotated[NonEmptyText, with_placeholders("score")]
    """Under a verdict; `{score}` stands for its score, 0–100."""
    unsure: Annotated[NonEmptyText, with_placeholders("score")]
    """In its place where no label scored enough; `{score}` stands for the best label's."""
    loading: Sentence
    trouble_title: Sentence
    trouble: Sentence
    """Where something is wrong: one calm sentence."""

    time: Annotated[NonEmptyText, with_placeholders("hour", "minute")]
    date: Annotated[NonEmptyText, with_placeholders("day", "month", "year")]
    first_day: Sentence
    """`{day}` on the first of a month."""
    months: Annotated[
        tuple[Sentence, ...],
        Field(min_length=12, max_length=12, description="a list of the twelve months"),
    ]
    staff_title: Sentence
    """Over the card for the people who run the show, which F1 shows and puts away."""
    staff_hint: Sentence
    staff_holds: Sentence
    """Beside a layer of the guard that is there."""
    staff_landlock: Sentence
    """What each layer does; the guard's own names are those of the evil it keeps away."""
    staff_new_privileges: Sentence
    staff_core_dumps: Sentence
    staff_seccomp: Sentence
    staff_file_size_limit: Sentence
    staff_closed_memory: Sentence
    staff_guard: Sentence
    staff_unguarded: Sentence
    """Where the show runs without any guard, for measurements."""
    staff_more: Annotated[NonEmptyText, with_placeholders("count")]
    staff_tries: Sentence
    staff_tried: Annotated[NonEmptyText, with_placeholders("ways", "date", "time")]
    staff_memory: Sentence
    staff_locked: Annotated[NonEmptyText, with_placeholders("locked", "made")]
    """How many pieces of memory for frames are locked: they never go to swap."""
    staff_labels: Sentence
    staff_camera: Sentence
    staff_detector: Sentence
    staff_device: Sentence
    staff_mirror: Sentence
    staff_rate: Annotated[NonEmptyText, with_placeholders("rate", "dropped")]
    staff_running: Sentence
    staff_time: Annotated[NonEmptyText, with_placeholders("hours", "minutes")]

    def texts(self) -> tuple[str, ...]:
        """Return all of them, for what asks which scripts need a font."""
        said = self.model_dump()
        return (*said.pop("months"), *said.values())

    def time_of(self, at: datetime.datetime) -> str:
        """Return the time of day as the language writes it: '09:05 Uhr'."""
        return self.time.format(hour=at.hour, minute=at.minute)

    def date_of(self, day: datetime.date) -> str:
        """Return the day as the language writes it: '1er mai 2026'."""
        number = self.first_day if day.day == 1 else day.day
        return self.date.format(day=number, month=self.months[day.month - 1], year=day.year)


def load_words(language: str = "en", folder: Path = WORDS_FOLDER) -> Words:
    """Return the words of `language`; ScreenError names every mistake of the file with its line."""
    return load_yaml(folder / f"{language}.yaml", Words, ScreenError).settings


def words_of(settings: Settings) -> Words:
    """Return the words of the show: its language's, and in their place the curator's own.

    Where only the labels are in that language, the kiosk's own words are English. Raises
    ScreenError as `load_words`.
    """
    words = load_words(settings.language.words)
    own = settings.words.model_dump(exclude_none=True)
    if settings.screen.title is not None:
        own["title"] = settings.screen.title
    return words.model_copy(update=own)


def privacy_line(
    words: Words, holds: bool, ways: int, at: datetime.datetime, today: datetime.date
) -> str:
    """Return what is true `today` of the pictures; `at` is when the guard was tried."""
    if not holds:
        return words.privacy_unguarded
    if at.date() == today:
        return words.privacy_today.format(ways=ways, time=words.time_of(at))
    return words.privacy_earlier.format(ways=ways, date=words.date_of(at.date()))
