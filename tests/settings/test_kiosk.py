"""Tests of the settings of kiosk.yaml, and values that are meant for another setting.

Sizes and rotations of the wrong part, limits without effect, paths instead of names, languages by
name, addresses of network cameras. All mistakes of a file come at once.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from installation.settings.kiosk import (
    CameraSettings,
    ContentSettings,
    ReadingSettings,
    Settings,
    load_settings,
)
from installation.settings.languages import Language, word_languages
from installation.settings.paths import DEFAULT_FILE
from installation.settings.reasons import REASONS
from installation.settings.source import Device, Film, Rehearsal
from installation.settings.yaml_file import Section
from tests.support.kiosk_yaml import mistakes_in, mistakes_of, parse

Write = Callable[[str | bytes], Path]


def keys_of(model: type[BaseModel]) -> dict[str, object]:
    """Return every setting of `model` with its default, sections as dicts."""
    defaults = model()
    return {
        name: keys_of(type(value))
        if isinstance(value := getattr(defaults, name), Section)
        else value
        for name in model.model_fields
    }


def test_the_shipped_file_is_the_default_show() -> None:
    """The shipped kiosk.yaml has no mistakes, and each value in it is the default."""
    text = DEFAULT_FILE.read_text()
    assert parse(text) == Settings()


def test_the_shipped_file_names_every_setting() -> None:
    """The shipped kiosk.yaml has every setting, and no other."""

    def names(value: object) -> object:
        return {key: names(inner) for key, inner in value.items()} if isinstance(value, dict) else 0

    assert names(yaml.safe_load(DEFAULT_FILE.read_text())) == names(keys_of(Settings))


def test_the_shipped_file_explains_every_setting() -> None:
    """Each setting of the shipped kiosk.yaml has a comment above it, or above its group."""
    lines = DEFAULT_FILE.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r" *\w+:", line) and not re.match(r"\w+:$", line):
            assert re.match(r" *(#|\w+:)", before), line


def test_a_file_of_one_line_is_a_show(write: Write) -> None:
    """A file of one line is valid: a setting that it leaves out has its default."""
    loaded = load_settings(write("labels: victorian\n"), models=Path("models"))
    assert loaded.settings == Settings(labels="victorian")


def test_all_mistakes_are_reported_at_once(write: Write) -> None:
    """All mistakes of a file, of every kind, are reported in the order of its lines."""
    camera = "camera:\n  fps: fast\n  fsp: 1\n  fps: 2\n  source: film.mp4\n"
    text = f"labels: vitorian\n{camera}content:\n  hide: []\n"
    named = [message.split(" ")[:3] for message in mistakes_in(write(text))]
    assert named == [
        ["kiosk.yaml:1:", "labels", "is"],
        ["kiosk.yaml:3:", "camera.fps", "is"],
        ["kiosk.yaml:4:", "camera.fsp", "is"],
        ["kiosk.yaml:5:", "camera.fps", "occurs"],
        ["kiosk.yaml:6:", "camera.source", "is"],
        ["kiosk.yaml:8:", "content.hide", "lacks"],
    ]


def test_an_empty_section_has_its_defaults() -> None:
    """A section of which every line is commented out has its defaults."""
    text = "camera:\n#  fps: 3\nscreen:\n  title:\n"
    assert parse(text) == Settings()


@pytest.mark.parametrize("empty", ["", '""', "''"])
def test_an_empty_sentence_is_the_kiosks_own(empty: str) -> None:
    """An empty title or sentence, however it is written, means the kiosk's own."""
    text = f"screen:\n  title: {empty}\nwords:\n  invitation: {empty}\n  score: {empty}\n"
    assert parse(text) == Settings()


def test_a_camera_may_be_a_number() -> None:
    """`source: 0` is the first camera and needs no quotes; 1.5 and true are refused."""
    settings = parse("camera: {source: 0}")
    assert settings.camera.source == Device(0)
    assert "camera.source is 1.5" in mistakes_of("camera: {source: 1.5}")[0]
    assert "camera.source is true" in mistakes_of("camera: {source: true}")[0]


def test_telling_visitors_later_needs_a_sentence() -> None:
    """`reading.announce_s` below 3 needs five words or more in `reading.acknowledged`."""
    text = "reading:\n  announce_s: {}\n  acknowledged: {}\n"
    expected = (
        "kiosk.yaml:2: reading.announce_s is {} s, but reading.acknowledged has {} (expected 3 s "
        "or more, or 5 words or more). Write 3 or more, so that visitors are informed in time; or "
        "write in reading.acknowledged who decided this and why."
    )
    assert mistakes_of(text.format(0, "")) == [expected.format("0", "0 words")]
    assert mistakes_of(text.format(1, "Agreed")) == [expected.format("1", "1 word")]
    assert mistakes_of(text.format(2.5, "I agree to it")) == [expected.format("2.5", "4 words")]
    sentence = "A guard tells everybody at the door, says the director."
    assert parse(text.format(0, sentence)).reading.announce_s == 0
    assert parse(text.format(3, "")).reading == ReadingSettings()
    with pytest.raises(ValidationError):
        ReadingSettings(announce_s=2.9)


def test_hiding_less_needs_a_sentence() -> None:
    """`content.hide` may lack a reason only if `content.acknowledged` has five words or more."""
    text = "content:\n  hide: [{}]\n  acknowledged: {}\n"
    kept = ", ".join(reason for reason in REASONS if reason != "age")
    expected = (
        "kiosk.yaml:2: content.hide lacks age, but content.acknowledged has {} (expected all "
        "reasons in hide, or 5 words or more). Add them, so that visitors do not get such labels. "
        "Or write in content.acknowledged who left them out, and why."
    )
    for nothing in ("", '""', "' '"):
        assert mistakes_of(text.format(kept, nothing)) == [expected.format("0 words")]
    assert mistakes_of(text.format(kept, "I agree to it")) == [expected.format("4 words")]
    sentence = "Our board decided it on 3 May with the artist."
    settings = parse(text.format(kept, sentence))
    assert settings.content.hide == tuple(r for r in REASONS if r != "age")
    with pytest.raises(ValidationError):
        ContentSettings(hide=("slur",))


def test_the_order_of_the_reasons_does_not_matter() -> None:
    """A list with every reason needs no sentence, in any order."""
    assert ContentSettings(hide=tuple(reversed(REASONS))).acknowledged == ""


def test_an_unknown_label_set_is_answered_with_the_nearest(write: Write) -> None:
    """The message about a label set that does not exist has its line and the most similar name."""
    assert mistakes_in(write("\nlabels: vitorian\n")) == [
        "kiosk.yaml:2: labels is 'vitorian', but no such label set exists. "
        "Did you mean 'victorian'?"
    ]
    assert mistakes_in(write("labels: zoo\n")) == [
        "kiosk.yaml:1: labels is 'zoo', but no such label set exists. "
        "Label sets in this folder: persons, victorian."
    ]


def test_the_command_line_replaces_the_file(write: Write) -> None:
    """--source and --labels replace the file's values, and mistakes in them name the option."""
    path = write("labels: 3\ncamera:\n")
    loaded = load_settings(path, source="rehearsal", labels="victorian", models=Path("models"))
    assert loaded.settings == Settings(
        labels="victorian", camera=CameraSettings(source=Rehearsal())
    )
    assert loaded.where("labels") == "--labels"
    assert loaded.where("camera", "source") == "--source"
    assert mistakes_in(path, labels="vitorian", source="no.mp4") == [
        "--labels: labels is 'vitorian', but no such label set exists. Did you mean 'victorian'?",
        "--source: camera.source is 'no.mp4', which does not exist (expected auto, rehearsal, a "
        "camera's number, a /dev/v4l/by-id path, a film or a folder of pictures). Check the path.",
    ]


def test_a_relative_path_starts_at_the_folder_of_the_file(write: Write, tmp_path: Path) -> None:
    """A path in kiosk.yaml starts at its folder, a path in --source at the current folder."""
    other = tmp_path / "shows" / "kiosk.yaml"
    (other.parent / "film.mp4").parent.mkdir()
    (other.parent / "film.mp4").touch()
    other.write_text("camera: {source: film.mp4}\n")
    models = Path("models")
    assert load_settings(other, models=models).settings.camera.source == Film(
        other.parent / "film.mp4"
    )
    (message,) = mistakes_in(other, source="film.mp4")
    assert message.startswith("--source: camera.source is 'film.mp4'")
    other.write_text("camera: {source: filn.mp4}\n")
    assert mistakes_in(other) == [
        "shows/kiosk.yaml:1: camera.source is 'filn.mp4', which does not exist (expected auto, "
        "rehearsal, a camera's number, a /dev/v4l/by-id path, a film or a folder of pictures). "
        "Did you mean 'film.mp4'?"
    ]


@pytest.mark.parametrize("source", ["~nobody-here/film.mp4", "9" * 5000, "a" * 5000, "no\0where"])
def test_a_source_that_does_not_exist_is_one_short_line(write: Write, source: str) -> None:
    """A text that can be neither a camera nor a path is refused in one short line."""
    (message,) = mistakes_in(write("labels: persons\n"), source=source)
    assert "which does not exist (expected auto, " in message
    assert len(message) < 250


CODES = ", ".join(sorted([*word_languages(), "ita"]))
"""The kiosk's own languages, and one that only a label set has."""


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "labels: persons\nlanguage: ge\n",
            [
                "kiosk.yaml:2: language is 'ge', but neither the kiosk's words nor the names in "
                f"models/persons exist in this language. Known languages: {CODES}."
            ],
        ),
        (
            "language: EN\n",
            [
                "kiosk.yaml:1: language is 'EN', but neither the kiosk's words nor the names in "
                "models/persons exist in this language. Did you mean 'en'?"
            ],
        ),
        (
            "language: no\n",
            [
                "kiosk.yaml:1: language is no (expected a code such as en, or a list of two "
                "codes such as [de, en]). If the value is meant as text, put it in quotes."
            ],
        ),
        (
            "language: en, de\n",
            [
                "kiosk.yaml:1: language is 'en, de' (expected a code, or a list of two codes). "
                "Write [en, de]."
            ],
        ),
        (
            "language: [en de]\n",
            [
                "kiosk.yaml:1: language is 'en de' (expected a code, or a list of two codes). "
                "Write [en, de]."
            ],
        ),
        (
            "screen:\n  title: Room #3 # open\nlabels: persons # the default\n",
            [
                "kiosk.yaml:2: screen.title ends before the #, which begins a comment (seen "
                "'Room'). Put the text in quotes, or move the comment to a line of its own."
            ],
        ),
        (
            "labels: nobody\nlanguage: it\n",
            [
                "kiosk.yaml:1: labels is 'nobody', but no such label set exists. "
                "Label sets in this folder: persons, victorian."
            ],
        ),
        (
            "words:\n  invitaton: Come in.\n",
            ["kiosk.yaml:2: words.invitaton is not a setting. Did you mean 'invitation'?"],
        ),
        (
            "words:\n  title: Come in.\n",
            [
                "kiosk.yaml:2: words.title is not a setting. "
                "This setting belongs under 'screen:', on a separate, indented line."
            ],
        ),
        (
            "words:\n  privacy_today: Safe for ever.\n\n  guess: The truth.\n",
            [
                "kiosk.yaml:2: words.privacy_today cannot be changed here (it promises what "
                "happens to the pictures, so its text cannot be changed). "
                "Remove it.",
                "kiosk.yaml:4: words.guess cannot be changed here (visitors have the right to read "
                "this text unchanged). Remove it.",
            ],
        ),
        (
            "words:\n  score: sure\n  unsure: '{score} {score}'\n  reading: '{'\n",
            [
                "kiosk.yaml:2: words.score is 'sure' (expected text that contains {score} once "
                "and no "
                "other braces). Change the value, or remove the setting.",
                "kiosk.yaml:3: words.unsure is '{score} {score}' (expected text that contains "
                "{score} "
                "once and no other braces). Change the value, or remove the setting.",
                "kiosk.yaml:4: words.reading is '{' (expected text without { or }). "
                "Change the value, or remove the setting.",
            ],
        ),
        (
            "screen:\n  title: Who &amp; what\nwords:\n  trouble: KÃ¼nstler\n",
            [
                "kiosk.yaml:2: screen.title has an HTML escape (seen 'Who &amp; what'). "
                "Probably 'Who & what' is meant: type it.",
                "kiosk.yaml:4: words.trouble was decoded with a wrong encoding (seen 'KÃ¼nstler'). "
                "Probably 'Künstler' is meant: type it, and save the file as UTF-8.",
            ],
        ),
        (
            f"screen:\n  title: {'e' * 201}\n",
            [
                f"kiosk.yaml:2: screen.title is '{'e' * 60}…' (expected text of at most 200 "
                "characters or nothing). Change the value, or remove the setting.",
            ],
        ),
        (
            f"words:\n  trouble: {'e' * 201}\n  loading: ' '\n",
            [
                f"kiosk.yaml:2: words.trouble is '{'e' * 60}…' (expected text of at most 200 "
                "characters or nothing). Change the value, or remove the setting.",
                "kiosk.yaml:3: words.loading is ' ' (expected text of at most 200 characters or "
                "nothing). Change the value, or remove the setting.",
            ],
        ),
    ],
)
def test_mistakes_in_the_language_and_the_words(
    write: Write, tmp_path: Path, text: str, messages: list[str]
) -> None:
    """Mistakes in `language` and `words` are reported with their lines."""
    header = "\ufeffID;Name;NAME_ITA;definition_ita;first_name_xx\n"
    (tmp_path / "models/persons/labels.csv").write_text(header, encoding="utf-8")
    assert mistakes_in(write(text)) == messages


def test_a_language_is_one_of_the_kiosk_or_of_the_labels(write: Write, tmp_path: Path) -> None:
    """The kiosk's languages are valid for any label set, and a label set can have more."""
    (tmp_path / "models/victorian/labels.csv").write_text('"id","name_la"\n', encoding="utf-8")
    for labels, code, language in (
        ("persons", "fr", Language("fr", "fr", translated=False)),
        ("victorian", "la", Language("en", "la", translated=True)),
    ):
        path = write(f"labels: {labels}\nlanguage: {code}\n")
        assert load_settings(path, models=Path("models")).settings.language == language


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "screen:\n  rotate: 45\n  width: 1920\n  height: 1080\n",
            [
                "2: screen.rotate is 45 (expected one of 0, 90, 180, 270). Change the value, or "
                "delete the line to use the default, 0.",
                *(
                    f"{line}: screen.{key} is not a setting. Remove this setting. The show "
                    f"fills the "
                    "display, whose size is set in the computer's settings."
                    for line, key in ((3, "width"), (4, "height"))
                ),
            ],
        ),
        (
            "rotate: 90\n",
            [
                "1: rotate is not a setting. Write it under 'screen:' if the screen hangs "
                "sideways, or under 'camera:' if the camera is mounted sideways."
            ],
        ),
        (
            "reading:\n  min_score: 1\n  agreement: 0\n  hold_s: 0\n",
            [
                "2: reading.min_score is 1 (expected a number, at least 0 and below 1 or nothing). "
                "Change the value, or remove the setting.",
                "3: reading.agreement is 0 (expected a number, above 0 and at most 1). "
                "Change the value, or delete the line to use the default, 0.6.",
                "4: reading.hold_s is 0 (expected a number from 0.5 to 3600). "
                "Change the value, or delete the line to use the default, 8.0.",
            ],
        ),
        *(
            (
                f"labels: {value}\n",
                [
                    f"1: labels is '{value}' (expected the name of a folder in models/). "
                    "Type `persons`, the folder's name without a path."
                ],
            )
            for value in ("persons/", "models/persons", "./persons", "C:\\kiosk\\models\\persons")
        ),
        (
            "labels: mine\n",
            [
                "1: labels is 'mine', but models/mine/labelset.yaml does not exist. Rename "
                "'labelset.yaml.txt' to 'labelset.yaml' (file managers often hide the suffix)."
            ],
        ),
        *(
            (
                f"camera: {value}\n",
                [
                    f"1: camera is {seen} (expected a section with source, width, height, fps, "
                    "mirror, rotate, mains, focus, exposure, white_balance, keep_rate, controls). "
                    f"Type `source: {value}` on the next line, indented."
                ],
            )
            for value, seen in (("/dev/video0", "'/dev/video0'"), ("0", "0"), ("auto", "'auto'"))
        ),
        *(
            (
                f"language: {value}\n",
                [
                    f"1: language is '{value}', but neither the kiosk's words nor the names in "
                    f"models/persons exist in this language. Did you mean '{code}'?"
                ],
            )
            for value, code in (
                ("de-CH", "de"),
                ("DE_at", "de"),
                ("deutsch", "de"),
                ("German", "de"),
                ("español", "es"),
                ("fr;", "fr"),
            )
        ),
        (
            "language: Deutsch\nlabels: nobody\ncamera:\n  fps: fast\n",
            [
                "1: language is 'Deutsch' (expected a code such as de, en, es, fr). "
                "Did you mean 'de'?",
                "2: labels is 'nobody', but no such label set exists. Label sets in this folder: "
                "persons, "
                "victorian.",
                "4: camera.fps is 'fast' (expected a whole number from 1 to 240). "
                "Change the value, or delete the line to use the default, 30.",
            ],
        ),
    ],
)
def test_what_curators_mean_is_named(
    write: Write, tmp_path: Path, text: str, messages: list[str]
) -> None:
    """Values for another setting, without effect or nearly valid get a remedy."""
    (tmp_path / "models/mine").mkdir()
    (tmp_path / "models/mine/labelset.yaml.txt").touch()
    assert mistakes_in(write(text)) == [f"kiosk.yaml:{message}" for message in messages]
