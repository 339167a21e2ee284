from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from installation.errors import LabelSetError, Mistake, SettingsError
from installation.settings.kiosk import CameraSettings, ContentSettings, Settings, load_settings
from installation.settings.languages import Language
from installation.settings.paths import DEFAULT_FILE, MAX_TEXT_BYTES
from installation.settings.reasons import REASONS
from installation.settings.source import Device, Film, Rehearsal
from installation.settings.yaml_file import Loaded, Section, load_yaml, parse_yaml

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a kiosk.yaml into the current folder; models/ holds `persons` and `victorian`."""
    monkeypatch.chdir(tmp_path)
    for name in ("persons", "victorian"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "labelset.yaml").touch()

    def write(content: str | bytes) -> Path:
        path = tmp_path / "kiosk.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refused(path: Path, **options: str) -> list[str]:
    """Return what `load` says is wrong, a line each."""
    with pytest.raises(SettingsError) as caught:
        load_settings(path, models=Path("models"), **options)
    return str(caught.value).splitlines()


def mistakes_of(text: str) -> list[str]:
    """Return what is wrong with the form of `text`, a line each."""
    with pytest.raises(SettingsError) as caught:
        parse_yaml(text, "kiosk.yaml", Settings, SettingsError)
    return str(caught.value).splitlines()


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
    """The kiosk.yaml that ships is right, and every value in it is the default."""
    text = DEFAULT_FILE.read_text()
    assert parse_yaml(text, "kiosk.yaml", Settings, SettingsError).settings == Settings()


def test_the_shipped_file_names_every_setting() -> None:
    """A curator finds every setting there is in the kiosk.yaml that ships, and no other."""

    def names(value: object) -> object:
        return {key: names(inner) for key, inner in value.items()} if isinstance(value, dict) else 0

    assert names(yaml.safe_load(DEFAULT_FILE.read_text())) == names(keys_of(Settings))


def test_the_shipped_file_explains_every_setting() -> None:
    """Above every setting of the shipped kiosk.yaml stands a comment or a commented setting."""
    lines = DEFAULT_FILE.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r" *\w+:", line) and not re.match(r"\w+:$", line):
            assert re.match(r" *(#|\w+:)", before), line


def test_a_file_of_one_line_is_a_show(write: Write) -> None:
    """What a file does not say is as in the default show."""
    loaded = load_settings(write("labels: victorian\n"), models=Path("models"))
    assert loaded.settings == Settings(labels="victorian")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "camera:\n  fps: fast\n",
            [
                "kiosk.yaml:2: camera.fps is 'fast' (expected a whole number from 1 to 240). "
                "Change it, or leave it out for the default, 30."
            ],
        ),
        (
            "camera:\n  width: 12\n",
            [
                "kiosk.yaml:2: camera.width is 12 (expected a whole number from 160 to 7680). "
                "Change it, or leave it out for the default, 1280."
            ],
        ),
        (
            "camera:\n  fps: 30.0\n  mirror: 1\n",
            [
                "kiosk.yaml:2: camera.fps is 30.0 (expected a whole number from 1 to 240). "
                "Change it, or leave it out for the default, 30.",
                "kiosk.yaml:3: camera.mirror is 1 (expected true or false). "
                "Change it, or leave it out for the default, true.",
            ],
        ),
        (
            "reading:\n  hold_s: .nan\n",
            [
                "kiosk.yaml:2: reading.hold_s is .nan (expected a number from 0 to 3600). "
                "Change it, or leave it out for the default, 8.0."
            ],
        ),
        (
            "reading:\n  agreement: -.inf\n  min_score: 2\n",
            [
                "kiosk.yaml:2: reading.agreement is -.inf (expected a number from 0 to 1). "
                "Change it, or leave it out for the default, 0.6.",
                "kiosk.yaml:3: reading.min_score is 2 (expected a number from 0 to 1 or nothing). "
                "Change it, or leave it out.",
            ],
        ),
        (
            "camera:\n\n  # faster\n  fsp: 30\n",
            ["kiosk.yaml:4: camera.fsp is not a setting. Did you mean 'fps'?"],
        ),
        ("lables: x\n", ["kiosk.yaml:1: lables is not a setting. Did you mean 'labels'?"]),
        (
            "fps: 30\n",
            [
                "kiosk.yaml:1: fps is not a setting. "
                "It belongs under 'camera:', on a line of its own and indented."
            ],
        ),
        (
            "camera:\n  labels: persons\n",
            [
                "kiosk.yaml:2: camera.labels is not a setting. "
                "It belongs at the start of a line, not indented."
            ],
        ),
        (
            "sound: loud\n",
            [
                "kiosk.yaml:1: sound is not a setting. "
                "Known here: labels, language, privacy, device, detector, camera, reading, "
                "content, screen, words."
            ],
        ),
        (
            "device: gpu\ndetector: yunnet\n",
            [
                "kiosk.yaml:1: device is 'gpu' (expected one of auto, cuda, mps, cpu). "
                "Change it, or leave it out for the default, 'auto'.",
                "kiosk.yaml:2: detector is 'yunnet' (expected one of auto, mtcnn, yunet). "
                "Did you mean 'yunet'?",
            ],
        ),
        (
            "screen:\n  title: No\n  display: wall\n",
            [
                "kiosk.yaml:2: screen.title is No (expected text of at most 200 characters or "
                "nothing). If it is meant as text, put it in quotes.",
                "kiosk.yaml:3: screen.display is 'wall' (expected auto or a whole number from 0 to "
                "15). Change it, or leave it out for the default, 'auto'.",
            ],
        ),
        (
            "camera: 3\n",
            [
                "kiosk.yaml:1: camera is 3 (expected a section with source, width, height, fps, "
                "mirror, rotate). Change it, or leave it out."
            ],
        ),
        (
            "camera:\n  fps:30\n",
            [
                "kiosk.yaml:1: camera is 'fps:30' (expected a section with source, width, height, "
                "fps, mirror, rotate). Write each setting as 'name: value', with a space after the "
                "colon."
            ],
        ),
        (
            "labels: ../persons\n",
            [
                "kiosk.yaml:1: labels is '../persons' (expected the name of a folder in models/). "
                "Change it, or leave it out for the default, 'persons'."
            ],
        ),
        (
            "camera:\n  fps: 30\n  width: 640\n  fps: 60\n",
            ["kiosk.yaml:4: camera.fps occurs twice (first on line 2). Keep one of the two."],
        ),
        (
            "content:\n  hide:\n    - slur\n    - 3\n    - ages\n",
            [
                f"kiosk.yaml:4: content.hide, item 2 is 3 (expected one of {', '.join(REASONS)}). "
                "Change it.",
                "kiosk.yaml:5: content.hide, item 3 is 'ages' (expected one of "
                f"{', '.join(REASONS)}). Did you mean 'age'?",
            ],
        ),
        (
            "camera:\n\tfps: 30\n",
            [
                "kiosk.yaml:2: this is not well-formed YAML (found character '\\t' that cannot "
                "start any token). Indent with spaces, not with tabs."
            ],
        ),
        (
            "labels: persons\nscreen:\n  title: Who: are you?\n",
            [
                "kiosk.yaml:3: this is not well-formed YAML (mapping values are not allowed here). "
                "Put text that holds a colon in quotes, and indent all lines of a section alike."
            ],
        ),
        (
            "labels: 'persons\n",
            [
                "kiosk.yaml:2: this is not well-formed YAML (found unexpected end of stream). "
                "Check the indentation, quotes and brackets of this line and the one above."
            ],
        ),
        (
            "camera: &c {}\nreading: *c\n",
            [
                "kiosk.yaml:2: this is not well-formed YAML (an alias such as *name is not used "
                "here). Write the value out, or put text that begins with * or & in quotes."
            ],
        ),
        (
            "a: 1\n---\nb: 2\n",
            [
                "kiosk.yaml:2: this is not well-formed YAML (but found another document). Check "
                "the indentation, quotes and brackets of this line and the one above."
            ],
        ),
        (
            "- camera\n",
            [
                "kiosk.yaml:1: this is a list (expected lines of 'name: value'). Write each "
                "setting as 'name: value', with a space after the colon."
            ],
        ),
        (
            "labels: !!python/object:os.system persons\n",
            [
                "kiosk.yaml:1: labels has the tag !!python/object:os.system (expected none). "
                "Remove the tag."
            ],
        ),
        (
            '\nscreen:\n  title: "ring\\a"\n',
            ["kiosk.yaml:3: screen.title holds a character that is not text (U+0007). Remove it."],
        ),
        (
            "labels: persons\x07\n",
            ["kiosk.yaml:1: a character that is not text (U+0007). Remove it."],
        ),
        (
            "? [camera]\n: fps\n",
            [
                "kiosk.yaml:1: a sequence stands where a setting's name should. Write each setting "
                "as 'name: value', with a space after the colon."
            ],
        ),
        (
            "# nothing yet\n",
            [
                "kiosk.yaml: it holds no settings. Write it, or restore the file that came "
                "with the kiosk."
            ],
        ),
    ],
)
def test_a_mistake_is_named_with_line_and_remedy(text: str, messages: list[str]) -> None:
    """Each mistake is one line: where, what was seen and expected, and the remedy."""
    assert mistakes_of(text) == messages


def test_all_mistakes_are_named_at_once(write: Write) -> None:
    """A curator mends a file in one go: every mistake of every kind is named, in its order."""
    camera = "camera:\n  fps: fast\n  fsp: 1\n  fps: 2\n  source: film.mp4\n"
    text = f"labels: vitorian\n{camera}content:\n  hide: []\n"
    named = [message.split(" ")[:3] for message in refused(write(text))]
    assert named == [
        ["kiosk.yaml:1:", "labels", "is"],
        ["kiosk.yaml:3:", "camera.fps", "is"],
        ["kiosk.yaml:4:", "camera.fsp", "is"],
        ["kiosk.yaml:5:", "camera.fps", "occurs"],
        ["kiosk.yaml:6:", "camera.source", "is"],
        ["kiosk.yaml:8:", "content.hide", "leaves"],
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "",
            "kiosk.yaml: it is empty. Write it, or restore the file that came with the kiosk.",
        ),
        (
            " \n\t\n",
            "kiosk.yaml: it is empty. Write it, or restore the file that came with the kiosk.",
        ),
        (
            b"\x7fELF\0\0\0",
            "kiosk.yaml: it is not text (it holds zero bytes). Save it as plain text in UTF-8.",
        ),
        (
            "labels: persons\n# für alle\n".encode("latin-1"),
            "kiosk.yaml:2: it is not UTF-8 (byte 0xfc is not part of a letter; it seems to be "
            "Windows-1252). "
            "Save it as plain text in UTF-8.",
        ),
        (
            b"#" * (MAX_TEXT_BYTES + 1),
            "kiosk.yaml: it is larger than 64 KiB. Check that it is the right file.",
        ),
    ],
)
def test_a_file_that_is_no_settings_is_said_to_be(
    write: Write, content: str | bytes, message: str
) -> None:
    """Empty, binary, wrongly encoded and huge files are each told apart."""
    assert refused(write(content)) == [message]


def test_a_byte_order_mark_is_not_a_mistake(write: Write) -> None:
    """A file saved by Windows' Notepad is read like any other."""
    loaded = load_settings(write(b"\xef\xbb\xbflabels: victorian\r\n"), models=Path("models"))
    assert loaded.settings.labels == "victorian"


def test_a_missing_file_is_named_with_the_nearest_one(write: Write) -> None:
    """Who mistypes the file's name is told the name of the file that is there."""
    write("labels: persons\n")
    assert refused(Path("kosk.yaml")) == [
        "kosk.yaml: there is no such file. Did you mean 'kiosk.yaml'?"
    ]
    assert refused(Path("elsewhere/kiosk.yaml")) == [
        "elsewhere/kiosk.yaml: there is no such file. Check the path."
    ]


def test_a_folder_and_a_device_are_no_settings(write: Write, tmp_path: Path) -> None:
    """A folder or a device in the place of the file is an error, and nothing waits on it."""
    assert refused(tmp_path) == [".: this is a folder (expected a file). Name a file in it."]
    assert refused(Path("/dev/zero")) == [
        "/dev/zero: this is a device (expected a file). Name a file."
    ]
    assert refused(Path("a\0b"))[0].endswith("Check its name and permissions.")


@pytest.mark.parametrize("seconds", ["010", "1:30", "0x10", "1e3x", "2026-05-01"])
def test_numbers_are_decimal(seconds: str) -> None:
    """What YAML would quietly turn into another number or a date is refused as text."""
    (message,) = mistakes_of(f"reading:\n  hold_s: {seconds}\n")
    assert message.startswith(f"kiosk.yaml:2: reading.hold_s is '{seconds}' (expected a number")


@pytest.mark.parametrize("text", ["1e1", "10", "10.", "+10.0", "1.0E1"])
def test_a_number_may_be_written_in_any_usual_way(text: str) -> None:
    """Decimal numbers are read with or without point, sign and exponent."""
    loaded = parse_yaml(f"reading:\n  hold_s: {text}\n", "k", Settings, SettingsError)
    assert loaded.settings.reading.hold_s == 10.0


@pytest.mark.parametrize(("text", "mirror"), [("yes", True), ("Off", False), ("true", True)])
def test_yes_and_no_are_as_good_as_true_and_false(text: str, mirror: bool) -> None:
    """A curator may write yes, no, on and off for a switch."""
    loaded = parse_yaml(f"camera: {{mirror: {text}}}", "k", Settings, SettingsError)
    assert loaded.settings.camera.mirror is mirror


def test_a_section_with_nothing_under_it_is_the_default() -> None:
    """Who comments out every line of a section gets its defaults."""
    text = "camera:\n#  fps: 3\nscreen:\n  title:\n"
    assert parse_yaml(text, "k", Settings, SettingsError).settings == Settings()


@pytest.mark.parametrize("empty", ["", '""', "''"])
def test_a_sentence_that_is_left_empty_is_the_kiosks(empty: str) -> None:
    """The title and every other sentence of the curator's own may be left empty in any way."""
    text = f"screen:\n  title: {empty}\nwords:\n  invitation: {empty}\n  score: {empty}\n"
    assert parse_yaml(text, "k", Settings, SettingsError).settings == Settings()


def test_a_camera_may_be_a_number() -> None:
    """`source: 0` means the first camera and needs no quotes; a fraction means none."""
    loaded = parse_yaml("camera: {source: 0}", "k", Settings, SettingsError)
    assert loaded.settings.camera.source == Device(0)
    assert "camera.source is 1.5" in mistakes_of("camera: {source: 1.5}")[0]
    assert "camera.source is true" in mistakes_of("camera: {source: true}")[0]


def test_hiding_less_needs_a_sentence() -> None:
    """No reason can be taken out of `content.hide` without a sentence of the curator's own."""
    text = "content:\n  hide: [{}]\n  acknowledged: {}\n"
    kept = ", ".join(reason for reason in REASONS if reason != "age")
    expected = (
        "kiosk.yaml:2: content.hide leaves out age, so such labels would be put on visitors, and "
        "content.acknowledged has {} words (expected a sentence of 5 or more). Put the reasons "
        "back, or write in content.acknowledged who decided it and why."
    )
    for nothing in ("", '""', "' '"):
        assert mistakes_of(text.format(kept, nothing)) == [expected.format("no")]
    assert mistakes_of(text.format(kept, "I agree to it")) == [expected.format(4)]
    sentence = "Our board decided it on 3 May with the artist."
    loaded = parse_yaml(text.format(kept, sentence), "k", Settings, SettingsError)
    assert loaded.settings.content.hide == tuple(r for r in REASONS if r != "age")
    with pytest.raises(ValidationError):
        ContentSettings(hide=("slur",))


def test_the_order_of_the_reasons_does_not_matter() -> None:
    """A list with every reason needs no sentence, however it is ordered."""
    assert ContentSettings(hide=tuple(reversed(REASONS))).acknowledged == ""


def test_an_unknown_label_set_is_named_with_the_nearest(write: Write) -> None:
    """A label set that is not there is named with its line and the nearest one that is."""
    assert refused(write("\nlabels: vitorian\n")) == [
        "kiosk.yaml:2: labels is 'vitorian', but no such label set exists. "
        "Did you mean 'victorian'?"
    ]
    assert refused(write("labels: zoo\n")) == [
        "kiosk.yaml:1: labels is 'zoo', but no such label set exists. "
        "There are: persons, victorian."
    ]


def test_the_command_line_replaces_the_file(write: Write) -> None:
    """--source and --labels go before the file's values, and their mistakes name the option."""
    path = write("labels: 3\ncamera:\n")
    loaded = load_settings(path, source="rehearsal", labels="victorian", models=Path("models"))
    assert loaded.settings == Settings(
        labels="victorian", camera=CameraSettings(source=Rehearsal())
    )
    assert loaded.where("labels") == "--labels"
    assert loaded.where("camera", "source") == "--source"
    assert refused(path, labels="vitorian", source="no.mp4") == [
        "--labels: labels is 'vitorian', but no such label set exists. Did you mean 'victorian'?",
        "--source: camera.source is 'no.mp4', which does not exist (expected auto, rehearsal, a "
        "camera's number, a /dev/v4l/by-id path, a film or a folder of pictures). Check the path.",
    ]


def test_a_film_is_looked_for_beside_the_file_that_names_it(write: Write, tmp_path: Path) -> None:
    """A path in kiosk.yaml begins at its folder, one on the command line where it was typed."""
    other = tmp_path / "shows" / "kiosk.yaml"
    (other.parent / "film.mp4").parent.mkdir()
    (other.parent / "film.mp4").touch()
    other.write_text("camera: {source: film.mp4}\n")
    models = Path("models")
    assert load_settings(other, models=models).settings.camera.source == Film(
        other.parent / "film.mp4"
    )
    (message,) = refused(other, source="film.mp4")
    assert message.startswith("--source: camera.source is 'film.mp4'")
    other.write_text("camera: {source: filn.mp4}\n")
    assert refused(other) == [
        "shows/kiosk.yaml:1: camera.source is 'filn.mp4', which does not exist (expected auto, "
        "rehearsal, a camera's number, a /dev/v4l/by-id path, a film or a folder of pictures). "
        "Did you mean 'film.mp4'?"
    ]


@pytest.mark.parametrize("source", ["~nobody-here/film.mp4", "9" * 5000, "a" * 5000, "no\0where"])
def test_a_source_that_cannot_be_is_one_error(write: Write, source: str) -> None:
    """A source that can be neither a camera nor a path is refused in one short line."""
    (message,) = refused(write("labels: persons\n"), source=source)
    assert "which does not exist (expected auto, " in message
    assert len(message) < 250


def test_a_setting_knows_its_line(write: Write) -> None:
    """Later errors can name the line of a setting, of its section, or the file."""
    text = "labels: persons\ncamera:\n  # 60\n  fps: 60\n"
    loaded = load_settings(write(text), models=Path("models"))
    assert loaded.where("camera", "fps") == "kiosk.yaml:4"
    assert loaded.where("camera", "source") == "kiosk.yaml:2"
    assert loaded.where("screen", "display") == "kiosk.yaml"


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "{a: " * 16_000, "- " * 30_000, "a: " * 9, "!" * 60_000]
)
def test_a_hostile_file_is_an_error_and_no_crash(text: str) -> None:
    """Nesting without end and its like are refused in words, not by running out of stack."""
    mistakes_of(text)


@given(st.text())
def test_any_text_is_settings_or_one_kind_of_error(text: str) -> None:
    """Whatever text is in the file, the outcome is settings or an error with lines."""
    parse_or_refuse(text)


# fmt: off
_WORDS = st.sampled_from([
    "camera", "labels", "hide", "content", "fps", "source", "persons", "no", "é", "0", "1.5",
    ".nan", "[", "]", "{", "}", "'", '"', "!!int", "&a", "*a", "?", "|", ">", "~", "<<", "=",
    "#", ",", ": ", " ", "\n", "\n  ", "- ", "\t", "---\n", "%YAML 1.3\n", "\\x00", "\ud800",
    "\u202e",
])
# fmt: on


@given(st.lists(_WORDS, max_size=40).map("".join))
def test_any_yaml_is_settings_or_one_kind_of_error(text: str) -> None:
    """Whatever is made of YAML's own marks, the outcome is settings or an error with lines."""
    parse_or_refuse(text)


_KEYS = st.sampled_from([*Settings.model_fields, *CameraSettings.model_fields, "hide", "other"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
        max_leaves=20,
    )
)
def test_any_value_is_settings_or_one_kind_of_error(value: object) -> None:
    """Whatever values stand under whatever names, the outcome is settings or an error."""
    parse_or_refuse(yaml.safe_dump(value, allow_unicode=True))


@given(content=st.binary(max_size=200))
def test_any_bytes_are_settings_or_one_kind_of_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever bytes are in the file, the outcome is settings or an error, and nothing else."""
    path = tmp_path_factory.getbasetemp() / "kiosk.yaml"
    path.write_bytes(content)
    with contextlib.suppress(SettingsError):
        load_settings(path)


def parse_or_refuse(text: str) -> None:
    """Check the form of whatever is wrong with `text`."""
    mistakes: tuple[Mistake, ...] = ()
    try:
        parse_yaml(text, "kiosk.yaml", Settings, SettingsError)
    except SettingsError as error:
        mistakes = error.mistakes
    for mistake in mistakes:
        assert re.fullmatch(r"kiosk\.yaml(:[1-9][0-9]*)?", mistake.where)
        assert mistake.remedy.endswith((".", "?"))
        assert "\n" not in str(mistake)
        str(mistake).encode()


class Sign(Section):
    title: str
    letters: tuple[str, ...] = ()
    sizes: dict[str, int] = Field(default_factory=dict)


def test_other_files_are_read_the_same_way(tmp_path: Path) -> None:
    """A label set's file gets the same messages as kiosk.yaml, as an error of its own kind."""
    path = tmp_path / "labelset.yaml"
    path.write_text("letters: [a, 2]\nsizes: {wide: long}\n")
    with pytest.raises(LabelSetError) as caught:
        load_yaml(path, Sign, LabelSetError)
    assert [str(mistake).removeprefix(str(path)) for mistake in caught.value.mistakes] == [
        ": title is missing (expected text). Add a line 'title: …'.",
        ":1: letters, item 2 is 2 (expected text). If it is meant as text, put it in quotes.",
        ":2: sizes.wide is 'long' (expected a whole number). Change it.",
    ]
    path.write_text("title: a\nletters: [b]\n")
    loaded: Loaded[Sign] = load_yaml(path, Sign, LabelSetError)
    assert loaded.settings == Sign(title="a", letters=("b",))


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "labels: persons\nlanguage: ge\n",
            [
                "kiosk.yaml:2: language is 'ge', but neither the kiosk's words nor the names in "
                "models/persons are in it. There are: de, en, es, fr, ita."
            ],
        ),
        (
            "language: EN\n",
            [
                "kiosk.yaml:1: language is 'EN', but neither the kiosk's words nor the names in "
                "models/persons are in it. Did you mean 'en'?"
            ],
        ),
        (
            "language: no\n",
            [
                "kiosk.yaml:1: language is no (expected text). "
                "If it is meant as text, put it in quotes."
            ],
        ),
        (
            "labels: nobody\nlanguage: it\n",
            [
                "kiosk.yaml:1: labels is 'nobody', but no such label set exists. "
                "There are: persons, victorian."
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
                "It belongs under 'screen:', on a line of its own and indented."
            ],
        ),
        (
            "words:\n  privacy_today: Safe for ever.\n\n  guess: The truth.\n",
            [
                "kiosk.yaml:2: words.privacy_today cannot be changed here (it says what becomes of "
                "the pictures, and may promise only what this program holds). Remove it.",
                "kiosk.yaml:4: words.guess cannot be changed here (visitors have a right to read "
                "it as it is). Remove it.",
            ],
        ),
        (
            "words:\n  score: sure\n  unsure: '{score} {score}'\n  reading: '{'\n",
            [
                "kiosk.yaml:2: words.score is 'sure' (expected text that holds {score} once and no "
                "other braces). Change it, or leave it out.",
                "kiosk.yaml:3: words.unsure is '{score} {score}' (expected text that holds {score} "
                "once and no other braces). Change it, or leave it out.",
                "kiosk.yaml:4: words.reading is '{' (expected text without { or }). "
                "Change it, or leave it out.",
            ],
        ),
        (
            f"screen:\n  title: {'e' * 201}\n",
            [
                f"kiosk.yaml:2: screen.title is '{'e' * 60}…' (expected text of at most 200 "
                "characters or nothing). Change it, or leave it out.",
            ],
        ),
        (
            f"words:\n  trouble: {'e' * 201}\n  loading: ' '\n",
            [
                f"kiosk.yaml:2: words.trouble is '{'e' * 60}…' (expected text of at most 200 "
                "characters or nothing). Change it, or leave it out.",
                "kiosk.yaml:3: words.loading is ' ' (expected text of at most 200 characters or "
                "nothing). Change it, or leave it out.",
            ],
        ),
    ],
)
def test_mistakes_in_the_language_and_the_words(
    write: Write, tmp_path: Path, text: str, messages: list[str]
) -> None:
    """A curator who changes what the kiosk says reads what it cannot say, and where."""
    header = "\ufeffID;Name;NAME_ITA;definition_ita;first_name_xx\n"
    (tmp_path / "models/persons/labels.csv").write_text(header, encoding="utf-8")
    assert refused(write(text)) == messages


def test_a_language_of_the_kiosk_or_of_the_labels_is_a_language(
    write: Write, tmp_path: Path
) -> None:
    """The kiosk's own languages serve any label set, and a label set brings its own."""
    (tmp_path / "models/victorian/labels.csv").write_text('"id","name_it"\n', encoding="utf-8")
    for labels, code, language in (
        ("persons", "fr", Language("fr", "fr", translated=False)),
        ("victorian", "it", Language("en", "it", translated=True)),
    ):
        path = write(f"labels: {labels}\nlanguage: {code}\n")
        assert load_settings(path, models=Path("models")).settings.language == language
