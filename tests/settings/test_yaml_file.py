from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from installation.errors import LabelSetError, Mistake, SettingsError
from installation.settings.kiosk import CameraSettings, Settings, load_settings
from installation.settings.reasons import REASONS
from installation.settings.yaml_file import Loaded, Section, load_yaml, parse_yaml
from tests.support.kiosk_yaml import mistakes_of, parse

Write = Callable[[str | bytes], Path]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "camera:\n  fps: fast\n",
            [
                "kiosk.yaml:2: camera.fps is 'fast' (expected a whole number from 1 to 240). "
                "Change the value, or delete the line to use the default, 30."
            ],
        ),
        (
            "camera:\n  width: 12\n",
            [
                "kiosk.yaml:2: camera.width is 12 (expected a whole number from 160 to 7680). "
                "Change the value, or delete the line to use the default, 1280."
            ],
        ),
        (
            "camera:\n  fps: 30.0\n  mirror: 1\n",
            [
                "kiosk.yaml:2: camera.fps is 30.0 (expected a whole number from 1 to 240). "
                "Write 30.",
                "kiosk.yaml:3: camera.mirror is 1 (expected true or false). Write true.",
            ],
        ),
        (
            "reading:\n  hold_s: .nan\n",
            [
                "kiosk.yaml:2: reading.hold_s is .nan (expected a number from 0.5 to 3600). "
                "Change the value, or delete the line to use the default, 8.0."
            ],
        ),
        (
            "reading:\n  agreement: -.inf\n  min_score: 2\n",
            [
                "kiosk.yaml:2: reading.agreement is -.inf (expected a number, above 0 and at most "
                "1). Change the value, or delete the line to use the default, 0.6.",
                "kiosk.yaml:3: reading.min_score is 2 (expected a number, at least 0 and below 1 "
                "or nothing). Change the value, or remove the setting.",
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
                "This setting belongs under 'camera:', on a separate, indented line."
            ],
        ),
        (
            "camera:\n  labels: persons\n",
            [
                "kiosk.yaml:2: camera.labels is not a setting. "
                "This setting belongs at the start of a line, not indented."
            ],
        ),
        (
            "hours: 10-18\n",
            [
                "kiosk.yaml:1: hours is not a setting. The show has no opening hours of its own. A "
                "timer of systemd can end it: see docs/venue.md, '8. Stopping for the night'."
            ],
        ),
        (
            "sound: loud\n",
            [
                "kiosk.yaml:1: sound is not a setting. "
                "Settings allowed here: labels, language, privacy, device, detector, camera, "
                "visitors, reading, "
                "content, screen, words."
            ],
        ),
        (
            "device: gpu\ndetector: yunnet\n",
            [
                "kiosk.yaml:1: device is 'gpu' (expected one of auto, cuda, mps, cpu). "
                "Change the value, or delete the line to use the default, 'auto'.",
                "kiosk.yaml:2: detector is 'yunnet' (expected one of auto, mtcnn, yunet). "
                "Did you mean 'yunet'?",
            ],
        ),
        (
            "screen:\n  title: No\n  display: wall\n",
            [
                "kiosk.yaml:2: screen.title is No (expected text of at most 200 characters or "
                "nothing). If the value is meant as text, put it in quotes.",
                "kiosk.yaml:3: screen.display is 'wall' (expected auto or a whole number from 0 to "
                "15 or a connector such as HDMI-1). Change the value, or delete the line to use "
                "the default, 'auto'.",
            ],
        ),
        (
            "camera: 3\n",
            [
                "kiosk.yaml:1: camera is 3 (expected a section with source, width, height, fps, "
                "mirror, rotate, mains, focus, exposure, white_balance, keep_rate, controls). Type "
                "`source: 3` on the next line, indented."
            ],
        ),
        (
            "camera:\n  fps:30\n",
            [
                "kiosk.yaml:2: 'fps:30' is not a setting (expected a colon and a space after the "
                "name). Type `fps: 30`."
            ],
        ),
        (
            "labels: ../persons\n",
            [
                "kiosk.yaml:1: labels is '../persons' (expected the name of a folder in models/). "
                "Type `persons`, the folder's name without a path."
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
                "kiosk.yaml:2: at the start of the line is a tab (expected spaces). Replace it "
                "with ordinary spaces."
            ],
        ),
        (
            "labels: persons\nscreen:\n  title: Who: are you?\n",
            [
                "kiosk.yaml:3: a text with a colon before a space needs quotes (seen 'Who: are "
                "you?'). "
                'Type `title: "Who: are you?"`, with the quotes.'
            ],
        ),
        (
            "labels: 'persons\n",
            [
                "kiosk.yaml:1: the quote ' that opens on this line is not closed. "
                "Type `labels: 'persons'`, with the closing quote."
            ],
        ),
        (
            "camera: &c {}\nreading: *c\n",
            [
                "kiosk.yaml:1: a text without quotes cannot begin with &. "
                'Type `camera: "&c {}"`, with the quotes.'
            ],
        ),
        (
            "a: 1\n---\nb: 2\n",
            [
                "kiosk.yaml:2: the line '---' begins a second document (expected one document in a "
                "file). Delete this line."
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
                "Remove the tag, or put text that begins with ! in quotes."
            ],
        ),
        (
            '\nscreen:\n  title: "ring\\a"\n',
            [
                "kiosk.yaml:3: screen.title contains a control, surrogate, unassigned or "
                "private-use character (U+0007). In double quotes a backslash is an "
                "escape. Use single quotes."
            ],
        ),
        (
            "labels: persons\x07\n",
            ["kiosk.yaml:1: this line has a character that is not text (U+0007). Remove it."],
        ),
        (
            "? [camera]\n: fps\n",
            [
                "kiosk.yaml:1: a sequence is used as the name of a setting (expected text). "
                "Write each setting as 'name: value', with a space after the colon."
            ],
        ),
        (
            "# nothing yet\n",
            [
                "kiosk.yaml: the file contains no settings. Write settings into it, or restore the "
                "file that came with the kiosk."
            ],
        ),
    ],
)
def test_a_mistake_has_its_line_and_a_remedy(text: str, messages: list[str]) -> None:
    """Each mistake is one line: where, what was seen and expected, and the remedy."""
    assert mistakes_of(text) == messages


@pytest.mark.parametrize("seconds", ["010", "1:30", "0x10", "1e3x", "2026-05-01"])
def test_numbers_are_decimal(seconds: str) -> None:
    """Text that YAML 1.1 takes for an octal number, a time or a date stays text."""
    (message,) = mistakes_of(f"reading:\n  hold_s: {seconds}\n")
    assert message.startswith(f"kiosk.yaml:2: reading.hold_s is '{seconds}' (expected a number")


@pytest.mark.parametrize("text", ["1e1", "10", "10.", "+10.0", "1.0E1"])
def test_a_number_may_be_written_in_any_usual_way(text: str) -> None:
    """Decimal numbers are read with or without point, sign and exponent."""
    settings = parse(f"reading:\n  hold_s: {text}\n")
    assert settings.reading.hold_s == 10.0


@pytest.mark.parametrize(("text", "mirror"), [("yes", True), ("Off", False), ("true", True)])
def test_yes_and_no_are_as_good_as_true_and_false(text: str, mirror: bool) -> None:
    """A switch may be yes, no, on and off as well as true and false."""
    settings = parse(f"camera: {{mirror: {text}}}")
    assert settings.camera.mirror is mirror


def test_a_setting_has_a_place(write: Write) -> None:
    """`where` returns the line of a setting, else of its section, else the file."""
    text = "labels: persons\ncamera:\n  # 60\n  fps: 60\n"
    loaded = load_settings(write(text), models=Path("models"))
    assert loaded.where("camera", "fps") == "kiosk.yaml:4"
    assert loaded.where("camera", "source") == "kiosk.yaml:2"
    assert loaded.where("screen", "display") == "kiosk.yaml"


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "{a: " * 16_000, "- " * 30_000, "a: " * 9, "!" * 60_000]
)
def test_deep_nesting_is_refused(text: str) -> None:
    """Nesting without end raises SettingsError, not RecursionError."""
    mistakes_of(text)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Any text results in settings or SettingsError."""
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
def test_any_yaml_is_parsed_or_refused(text: str) -> None:
    """Any mixture of YAML's marks results in settings or SettingsError."""
    parse_or_refuse(text)


_KEYS = st.sampled_from([*Settings.model_fields, *CameraSettings.model_fields, "hide", "other"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
        max_leaves=20,
    )
)
def test_any_value_is_parsed_or_refused(value: object) -> None:
    """Any value under any name results in settings or SettingsError."""
    parse_or_refuse(yaml.safe_dump(value, allow_unicode=True))


@given(content=st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Any bytes in the file result in settings or SettingsError."""
    path = tmp_path_factory.getbasetemp() / "kiosk.yaml"
    path.write_bytes(content)
    with contextlib.suppress(SettingsError):
        load_settings(path)


def parse_or_refuse(text: str) -> None:
    """Parse `text`, and check the form of every mistake in it."""
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


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("labels: \u201cpersons\u201d\n", 'Write "persons", with straight quotes.'),
        ("labels: \u201epersons\u201c\n", 'Write "persons", with straight quotes.'),
        ('labels: \u201cpersons"\n', 'Write "persons", with straight quotes.'),
        ("labels: \u00b4persons\u00b4\n", 'Write "persons", with straight quotes.'),
        ("labels: \u00ab\u00a0persons\u00a0\u00bb\n", 'Write "persons", with straight quotes.'),
        ("content:\n  hide: [\u201aslur\u2018]\n", 'Write "slur", with straight quotes.'),
        ("reading:\n  hold_s: \u201c8\u201d\n", "Write 8, without quotes."),
        ("reading:\n  agreement: \u201c60%\u201d\n", "Write 0.6."),
        ("camera:\n  mirror: \u2018true\u2019\n", "Write true, without quotes."),
        (
            "screen:\n  title: \u201cWho\u2019s there?\u201d\n",
            'Write "Who\u2019s there?", with straight quotes. '
            "To show curly quotes, write straight quotes around them.",
        ),
    ],
)
def test_curly_quotes_around_a_value_are_refused(text: str, remedy: str) -> None:
    """A value in curly quotes is refused, with the value to type.

    The quotes of a word processor would be part of a set's name, or of a sentence on the screen.
    """
    (message,) = [each for each in mistakes_of(text) if "curly quotes around its value" in each]
    assert message.endswith(
        f" has curly quotes around its value (expected straight ones). {remedy}"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("camera: {controls: {\u201cfocus_absolute\u201d: 120}}\n", "focus_absolute"),
        ("camera:\n  controls:\n    \u2018auto_exposure\u2019: 1\n", "auto_exposure"),
        ("camera:\n  controls:\n    \u201eauto_exposure\u201c: 1\n", "auto_exposure"),
        ("\u201clabels\u201d: persons\n", "labels"),
        ("words:\n  \u00abinvitation\u00bb: Come in\n", "invitation"),
    ],
)
def test_curly_quotes_around_a_name_are_refused(text: str, name: str) -> None:
    """The name of a camera's control, or of another setting, is to be typed without quotes."""
    (message,) = mistakes_of(text)
    assert message.endswith(
        f"the name '{name}' has curly quotes around it (expected none). "
        f"Type `{name}:`, without quotes."
    )


@pytest.mark.parametrize(
    "text",
    [
        'camera: {controls: {"focus_absolute\u201d: 120}}\n',
        'camera:\n  controls:\n    "focus_absolute\u201d: 120\n',
        "camera:\n  controls:\n    'focus_absolute\u2019: 120\n",
    ],
)
def test_a_straight_quote_before_a_name_and_a_curly_one_behind_it_are_removed(text: str) -> None:
    """A name whose quotes a word processor has changed in part is to be typed without quotes."""
    (message,) = mistakes_of(text)
    assert message.endswith("Type `focus_absolute: 120`, without quotes.")


@pytest.mark.parametrize(
    "title",
    [
        "Who\u2019s there?",
        "\u2019Tis you",
        "\u00abWho\u00bb are \u00abyou\u00bb",
        "The \u201cmirror\u201d",
        "\u201cMirror\u201d, 2019",
        '\u201cMirror of "you"',
        '"\u201cMirror\u201d"',
    ],
)
def test_curly_quotes_inside_a_text_are_shown(title: str) -> None:
    """Curly quotes and apostrophes are shown, unless a pair of them replaces YAML's own quotes."""
    shown = title.strip('"') if title.startswith('"') else title
    assert parse(f"screen:\n  title: {title}\n").screen.title == shown


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
        ":1: letters, item 2 is 2 (expected text). If the value is meant as text, put it in "
        "quotes.",
        ":2: sizes.wide is 'long' (expected a whole number). Change it.",
    ]
    path.write_text("title: a\nletters: [b]\n")
    loaded: Loaded[Sign] = load_yaml(path, Sign, LabelSetError)
    assert loaded.settings == Sign(title="a", letters=("b",))
