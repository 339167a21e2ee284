"""The kiosk's own words: one file in `words/` for each language.

To add a language, add a file; the tests for all languages find it there. `Words` is not a model of
pydantic, although pydantic checks each file, because importing pydantic would delay the title card,
which needs words.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import yaml

from installation.errors import ScreenError
from installation.settings.paths import WORDS_FOLDER

if TYPE_CHECKING:
    from pydantic import Field

    from installation.settings.kiosk import Settings
    from installation.settings.placeholders import NonEmptyText, Sentence, with_placeholders
    from installation.settings.yaml_file import Section


LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""PyYAML's loader in C if it is installed; it is ten times as fast as the one in Python."""


@dataclass(frozen=True)
class Words:
    """All words on the screen in one language, except those that come from the label set."""

    language: Sentence
    """The name of the language in the language itself, such as 'Deutsch'."""
    code: Sentence
    """The language's ISO 639 code, by which label sets name their translations."""
    thousands: Annotated[str, Field(min_length=1, max_length=1)]
    """The character that separates the thousands of a number."""
    title: Sentence
    """The large question while nobody is in the picture; `screen.title` in kiosk.yaml replaces it.
    """
    invitation: Sentence
    """The line below `title` if the mirror is the background."""
    notice: Sentence
    """The notice of the AI Act, Article 50(3), at the top of every scene of the mirror."""
    way_out: Annotated[NonEmptyText, with_placeholders("seconds")]
    """The line below the notice, which says that a visitor who turns away is not classified, and
    that their square and their name disappear within `{seconds}` seconds.
    """
    way_out_one: Sentence
    """The same line as `way_out`, for square and name that disappear within one second."""
    countdown: Annotated[NonEmptyText, with_placeholders("seconds")]
    """The words on the tag of an empty square: what comes next, and the seconds until the visitor
    is classified.
    """
    brief_countdown: Annotated[NonEmptyText, with_placeholders("seconds")]
    """The shorter words that are shown beside a small face, instead of `countdown`."""
    turn_away: Sentence
    """The sentence that tells visitors how not to be classified. It stands under an empty square,
    and below `reading`.
    """
    artwork: Sentence
    """The sentence below `turn_away` that says that this is an artwork."""
    promise: Sentence
    """The sentence below `artwork`, which promises what happens to the pictures."""
    guess: Sentence
    """The statement at the foot that a name is a guess and not a fact."""
    no_guess: Sentence
    """The statement that replaces `guess` while no visitor has a name or is about to get one."""
    only_square: Sentence
    """The remark at the foot, in a crowd, that explains squares without words."""
    names: Annotated[NonEmptyText, with_placeholders("credit", "used", "all")]
    """The sentence about the origin of the names. `{credit}` stands for the label set's credit,
    `{used}` for the number of names that can be shown, and `{all}` for the number of all names.
    """
    blacked_out: Annotated[NonEmptyText, with_placeholders("hidden", "all")]
    """The line below `title` that says how many of all names are hidden."""
    blacked_out_one: Annotated[NonEmptyText, with_placeholders("all")]
    """The line that is used instead of `blacked_out` if one name is hidden."""
    privacy: Sentence
    """The sentence about the pictures that is shown if no self-test has run."""
    privacy_today: Annotated[NonEmptyText, with_placeholders("time")]
    """The sentence that replaces `privacy` if the last self-test was today, at `{time}`."""
    privacy_earlier: Annotated[NonEmptyText, with_placeholders("date")]
    """The sentence that replaces `privacy` if the last self-test was on an earlier day."""
    privacy_undated: Sentence
    """The sentence that replaces `privacy` if the self-test ran, but the date is not known."""
    privacy_unguarded: Sentence
    """The sentence that replaces `privacy` if the kernel does not prevent the storing of pictures
    and kiosk.yaml allows such a show.
    """
    unguarded_title: Sentence
    unguarded: Sentence
    """The sentence on the card of a show that does not start because the sandbox is incomplete."""
    unguarded_staff: Annotated[NonEmptyText, with_placeholders("names")]
    """The small line at the bottom of the card with `unguarded`. It names the missing layers of the
    sandbox as the log names them.
    """
    reading: Sentence
    """The sentence under the face of a visitor for whom a name is being chosen."""
    score: Annotated[NonEmptyText, with_placeholders("score")]
    """The line under a chosen name; `{score}` stands for the score of the name, 0–100."""
    brief_score: Annotated[NonEmptyText, with_placeholders("score")]
    """The shorter line that is shown beside a small face, instead of `score`."""
    unsure: Annotated[NonEmptyText, with_placeholders("score")]
    """The line that is shown instead of `score` if no label had a sufficient score; `{score}`
    stands for the highest score, 0–100.
    """
    others: Annotated[NonEmptyText, with_placeholders("count", "score")]
    """The line below the next best names. `{count}` stands for the number of labels that are not
    listed, and `{score}` for the sum of their scores, 0–100.
    """
    given: Sentence
    """The remark after a next best name whose score is higher than that of the visitor's name. It
    says that another visitor already has that next best name.
    """
    drawn: Sentence
    """The line below `score` if the name was drawn at random (`draw: sample` in kiosk.yaml)."""
    withdrawn: Annotated[NonEmptyText, with_placeholders("score")]
    """The sentence under a name that is taken back, and therefore struck through."""
    loading: Sentence
    trouble_title: Sentence
    trouble: Sentence
    """The sentence on the card that visitors see if something is wrong."""
    paused_title: Sentence
    paused: Sentence
    """The sentence on the card that visitors see if the show failed repeatedly, so that minutes may
    pass before it is started again.
    """
    no_camera: Sentence
    """The sentence on the card while the show waits for its camera."""
    rehearsal: Sentence
    """The word in a corner of the mirror while the rehearsal plays."""

    time: Annotated[NonEmptyText, with_placeholders("hour", "minute")]
    date: Annotated[NonEmptyText, with_placeholders("day", "month", "year")]
    first_day: Sentence
    """The text that replaces `{day}` in `date` on the first of a month, such as '1er'."""
    months: Annotated[
        tuple[Sentence, ...],
        Field(min_length=12, max_length=12, description="a list of the twelve months"),
    ]
    staff_title: Sentence
    """The title of the staff card."""
    staff_hint: Sentence
    staff_layers: Annotated[NonEmptyText, with_placeholders("holding", "all")]
    """The line of the staff card that says how many layers of the sandbox are active."""
    staff_landlock: Sentence
    """The words that say what the layer Landlock does. The next attributes say what the
    other layers do. The staff card has these words because few people know the layers' technical
    names.
    """
    staff_new_privileges: Sentence
    staff_core_dumps: Sentence
    staff_seccomp: Sentence
    staff_file_size_limit: Sentence
    staff_closed_memory: Sentence
    staff_guard: Sentence
    staff_unguarded: Sentence
    """The words on the staff card if the show runs without a sandbox, for measurements."""
    staff_more: Annotated[NonEmptyText, with_placeholders("count")]
    staff_tries: Sentence
    staff_tried: Annotated[NonEmptyText, with_placeholders("ways", "date", "time")]
    staff_memory: Sentence
    staff_locked: Annotated[NonEmptyText, with_placeholders("locked", "made")]
    """The line of the staff card that says how many of the blocks of memory for frames are locked,
    and therefore never written to swap.
    """
    staff_labels: Sentence
    staff_camera: Sentence
    staff_detector: Sentence
    staff_device: Sentence
    staff_mirror: Sentence
    staff_rate: Annotated[NonEmptyText, with_placeholders("rate", "dropped")]
    staff_memlock: Sentence
    """The remedy on the staff card if not all blocks of memory for frames are locked."""
    staff_slow: Sentence
    """The remedy on the staff card if the mirror shows too few frames a second."""
    staff_plug: Sentence
    """The remedy on the staff card if the rehearsal plays because there is no camera."""
    staff_running: Sentence
    staff_time: Annotated[NonEmptyText, with_placeholders("hours", "minutes")]
    staff_frozen: Sentence
    """The words on the staff card if the camera is frozen. The next attributes are the words for
    the camera's other faults. Those whose names end in `_remedy` say what to do.
    """
    staff_frozen_remedy: Sentence
    staff_black: Sentence
    staff_black_remedy: Sentence
    staff_overexposed: Sentence
    staff_overexposed_remedy: Sentence
    staff_torn: Sentence
    staff_torn_remedy: Sentence
    staff_other_size: Sentence
    staff_other_size_remedy: Sentence
    staff_half_rate: Sentence
    staff_half_rate_remedy: Sentence
    staff_controls: Sentence
    staff_controls_remedy: Sentence
    staff_low_rate: Sentence
    staff_low_rate_remedy: Sentence
    staff_lost: Sentence
    staff_lost_remedy: Sentence
    staff_silent: Sentence
    staff_silent_remedy: Sentence
    staff_waiting: Sentence
    staff_waiting_remedy: Sentence
    staff_no_reading: Sentence
    """The words on the staff card if a network has failed. If the graphics card has failed,
    `staff_card_failed` is shown instead. Those whose names end in `_remedy` say
    what to do.
    """
    staff_no_reading_remedy: Sentence
    staff_card_failed: Sentence
    staff_card_failed_remedy: Sentence
    staff_file_wrong: Sentence
    """The words on the staff card of a running show if a changed kiosk.yaml or label set has a
    mistake. The next attributes are the remedies, and the words for a changed file without a
    mistake.
    """
    staff_settings_wrong_remedy: Sentence
    staff_labels_wrong_remedy: Sentence
    staff_settings_changed: Sentence
    staff_settings_changed_remedy: Sentence
    staff_wrong: Sentence
    """The heading above the mistakes because of which the show cannot run."""
    staff_wrong_remedy: Sentence
    staff_log: Sentence
    """The sentence below `staff_wrong` if there are no mistakes to list, because only the log has
    the reason.
    """

    def texts(self) -> tuple[str, ...]:
        """Return all words as texts, so that fonts can be found for them."""
        texts = asdict(self)
        return (*texts.pop("months"), *texts.values())

    def updated(self, texts: Mapping[str, str]) -> Words:
        """Return these words with some replaced by `texts`, which are keyed by attribute name."""
        changed: dict[str, Any] = dict(texts)
        return replace(self, **changed)

    def way_out_in(self, seconds: int) -> str:
        """Return `way_out` with the number `seconds`; for one second, return `way_out_one`."""
        return self.way_out_one if seconds == 1 else self.way_out.format(seconds=seconds)

    def number(self, count: int) -> str:
        """Return `count` as it is written in this language, such as '1.889'."""
        return f"{count:,}".replace(",", self.thousands)

    def time_of(self, at: datetime.datetime) -> str:
        """Return the time of day as it is written in this language, such as '09:05 Uhr'."""
        return self.time.format(hour=at.hour, minute=at.minute)

    def date_of(self, day: datetime.date) -> str:
        """Return the date as it is written in this language, such as '1er mai 2026'."""
        number = self.first_day if day.day == 1 else day.day
        return self.date.format(day=number, month=self.months[day.month - 1], year=day.year)


def load_words(language: str = "en", folder: Path = WORDS_FOLDER) -> Words:
    """Return the words of `language`; raises ScreenError with all mistakes and their lines."""
    from installation.settings.yaml_file import load_yaml

    checked = load_yaml(folder / f"{language}.yaml", _model(), ScreenError).settings
    return Words(**dict(checked))


def read_unchecked(language: str, folder: Path = WORDS_FOLDER) -> Words | None:
    """Return the words of `language`; None if one is missing from the file or is not a text.

    This is for the title card, which is painted before pydantic is imported. Nothing more is
    checked and no mistake is reported; `load_words` does both later.
    """
    try:
        texts = yaml.load((folder / f"{language}.yaml").read_bytes(), LOADER)  # noqa: S506 - safe
        words = Words(**(texts | {"months": tuple(texts["months"])}))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return None
    return words if all(isinstance(text, str) for text in words.texts()) else None


@cache
def _model() -> type[Section]:
    """Return pydantic's model of a file of words; it has the attributes of `Words`."""
    from pydantic import Field, create_model

    from installation.settings.placeholders import NonEmptyText, Sentence, with_placeholders
    from installation.settings.yaml_file import Section

    names = {
        "Field": Field,
        "NonEmptyText": NonEmptyText,
        "Sentence": Sentence,
        "with_placeholders": with_placeholders,
    }
    hints = get_type_hints(Words, localns=names, include_extras=True)
    rules: dict[str, Any] = {name: (hint, ...) for name, hint in hints.items()}
    model: type[Section] = create_model("Words", __base__=Section, **rules)
    return model


def words_of(settings: Settings) -> tuple[Words, ...]:
    """Return the show's words in its one or two languages, including the curator's own sentences.

    The curator's sentences are in one language only, so they replace sentences of the first
    language, and these sentences are empty in the second one. Raises ScreenError as `load_words`
    does.
    """
    own = settings.words.model_dump(exclude_none=True)
    if settings.screen.title is not None:
        own["title"] = settings.screen.title
    first = load_words(settings.language.words).updated(own)
    second = settings.language.second
    if second is None or second.words == settings.language.words:
        return (first,)
    return first, load_words(second.words).updated(dict.fromkeys(own, ""))


def with_privacy_line(
    words: Words, prevented: bool, tested_at: datetime.datetime | None, today: datetime.date
) -> Words:
    """Return `words` with the privacy line that is true `today`.

    The arguments are those of `privacy_line`. If `prevented` is false, `promise` is empty,
    because the screen must not promise anything about the pictures.
    """
    line = privacy_line(words, prevented, tested_at, today)
    return words.updated({"privacy": line, "promise": words.promise if prevented else ""})


def privacy_line(
    words: Words, prevented: bool, tested_at: datetime.datetime | None, today: datetime.date
) -> str:
    """Return the sentence about the pictures that is true `today`.

    Args:
        words: The words in the language of the sentence.
        prevented: Whether the self-test found that the kernel prevents storing pictures.
        tested_at: The local time of the self-test; None if the machine does not know the time.
        today: The day on which the sentence is shown.
    """
    if not prevented:
        return words.privacy_unguarded
    if tested_at is None:
        return words.privacy_undated
    if tested_at.date() == today:
        return words.privacy_today.format(time=words.time_of(tested_at))
    return words.privacy_earlier.format(date=words.date_of(tested_at.date()))
