"""Tests of the line to correct: a mistake is named where it was typed, not where YAML gives up.

Open quotes and brackets, quotes in quotes, foreign blanks, tabs, invisible characters, backslashes,
full-width colons, second documents, comments of other languages, merge conflicts.
"""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation.settings.schema_words import quoted
from installation.settings.yaml_form import explain_failure, find_flaws
from tests.support.call_count import count_calls
from tests.support.kiosk_yaml import mistakes_of, parse

LONG = "".join(f"# a line between the quote and the end, {n}\n" for n in range(90))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f'screen:\n  title: "Who are you?\n  display: auto\n{LONG}words:\n  reading: "x"\n',
            '2: the quote " that opens on this line is not closed. '
            'Type `title: "Who are you?"`, with the closing quote.',
        ),
        (
            f"labels: 'persons\n{LONG}",
            "1: the quote ' that opens on this line is not closed. "
            "Type `labels: 'persons'`, with the closing quote.",
        ),
        (
            'screen:\r\n  title: "Who\r\n  display: 0\r\n',
            '2: the quote " that opens on this line is not closed. '
            'Type `title: "Who"`, with the closing quote.',
        ),
        (
            'words:\n  loading: "Wait\n  trouble: Gone.\n  reading: You."\n',
            '2: the quote " that opens on this line is not closed. '
            'Type `loading: "Wait"`, with the closing quote.',
        ),
        (
            "content:\n  hide:\n    - 'slur\n    - insult\n    - age\n",
            "3: the quote ' that opens on this line is not closed. "
            "Type `- 'slur'`, with the closing quote.",
        ),
        (
            f'"labels: persons\nlanguage: en\n{LONG}',
            '1: the quote " that opens on this line is not closed. '
            "Type `labels: persons`, without quotes.",
        ),
        (
            f'labels: objects\n"language": "en\n{LONG}',
            '2: the quote " that opens on this line is not closed. '
            "Type `language: en`, without quotes.",
        ),
        (
            f"content:\n  hide: [slur, insult\n  acknowledged: ''\n{LONG}screen:\n  title: x\n",
            "2: the bracket [ that opens on this line is not closed. Write ] after the last item.",
        ),
        (
            f"camera: {{fps: 30\nscreen:\n  title: x\n{LONG}",
            "1: the bracket { that opens on this line is not closed. Write } after the last item.",
        ),
        (
            'camera: {fps: 30\nscreen:\n  title: "a } here"\n',
            "1: the bracket { that opens on this line is not closed. Write } after the last item.",
        ),
    ],
)
def test_what_is_left_open_is_named_where_it_opens(text: str, message: str) -> None:
    """A quote or bracket that is not closed is reported on the line where it opens."""
    assert mistakes_of(text) == [f"kiosk.yaml:{message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('content:\n  hide: ["slur, insult]\n', '2: the quote " that opens @"slur"`'),
        ("content:\n  hide: [slur, 'insult, age]\n", "2: the quote ' that opens @'insult'`"),
        ('language: ["de, en]\nscreen:\n  title: "x"\n', '1: the quote " that opens @"de"`'),
        (
            'content:\n  hide: [\n    "slur,\n    insult\n  ]\n',
            '3: the quote " that opens @"slur"`',
        ),
        ('content:\n  hide: ["slur", "insult, "age"]\n', '2: the quote " that opens @"insult"`'),
        ('camera: {source: "auto, fps: 30}\n', '1: the quote " that opens @"auto"`'),
        ("screen: {title: \"Who's, display: 0}\n", '1: the quote " that opens @"Who\'s"`'),
    ],
)
def test_a_quote_left_open_in_brackets_is_named_and_not_the_bracket(
    text: str, message: str
) -> None:
    """An open quote hides the bracket that closes the list, so the quote is the mistake."""
    message = message.replace("@", "on this line is not closed. Type `")
    assert mistakes_of(text) == [f"kiosk.yaml:{message}, with the closing quote."]


def test_text_after_the_closing_quote_of_an_item_is_named() -> None:
    """An apostrophe that ends an item in single quotes is reported as such."""
    assert mistakes_of("content:\n  hide: ['don't', slur]\n") == [
        "kiosk.yaml:2: text follows the closing quote ' (seen 'don't'). "
        "Write a comma after each item. Put \" around a text that contains '."
    ]


def test_a_curly_quote_that_ends_a_text_becomes_its_closing_quote() -> None:
    """A remedy that adds straight quotes leaves out the curly ones of a word processor."""
    (message,) = mistakes_of('labels: "persons\u201d\n')
    assert message.endswith('Type `labels: "persons"`, with the closing quote.')
    (message,) = mistakes_of("screen:\n  title: \u201cWho: you?\u201d\n")
    assert message.endswith('Type `title: "Who: you?"`, with the quotes.')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "screen:\n  title: 'Who's there?'\n",
            "2: the apostrophe ' inside the text ends the text (seen 'Who's there?'). "
            'Type `title: "Who\'s there?"`, including the quotes at both ends of the text.',
        ),
        (
            'screen:\n  title: "say "hello" now"\n',
            '2: the quote " inside the text ends the text (seen "say "hello" now"). '
            "Type `title: 'say \"hello\" now'`, including the quotes at both ends of the text.",
        ),
        (
            "screen:\n  title: '\"Who's there?\"'\n",
            "2: the apostrophe ' inside the text ends the text (seen '\"Who's there?\"'). "
            "Type `title: '\"Who''s there?\"'`, with each apostrophe doubled.",
        ),
        (
            'screen:\n  title: "Hello", she said\n',
            '2: the quote " inside the text ends the text (seen "Hello", she said). '
            "Type `title: '\"Hello\", she said'`, including the quotes at both ends of the text.",
        ),
        (
            'labels: "persons",\nlanguage: "en",\n',
            '1: a , follows the closing quote. Type `labels: "persons"`, without it.',
        ),
        (
            "screen:\n  title: Who: are you?\n",
            "2: a text with a colon before a space needs quotes (seen 'Who: are you?'). "
            'Type `title: "Who: are you?"`, with the quotes.',
        ),
        (
            'screen:\n  title: He: "Who?"  # first line\n',
            "2: a text with a colon before a space needs quotes (seen 'He: \"Who?\"'). "
            "Type `title: 'He: \"Who?\"'`, with the quotes.",
        ),
        (
            "words:\n  score: {score} of 100\n",
            "2: a text without quotes cannot begin with {. "
            'Type `score: "{score} of 100"`, with the quotes.',
        ),
        (
            "screen:\n  title: [untitled] mirror\n",
            "2: a text without quotes cannot begin with [. "
            'Type `title: "[untitled] mirror"`, with the quotes.',
        ),
        *(
            (
                f"screen:\n  title: {start}me\n",
                f"2: a text without quotes cannot begin with {start[0]}. "
                f'Type `title: "{start}me"`, with the quotes.',
            )
            for start in ("@", "%", "*", "&", "`", "> ", "| ", "? ", "- ", ",")
        ),
        (
            'camera:\n  source: "C:\\Users\\me\\film.mp4"\n',
            '2: in double quotes a backslash is an escape (seen "C:\\Users\\me\\film.mp4"). '
            "Type `source: 'C:\\Users\\me\\film.mp4'`, with single quotes.",
        ),
        (
            'camera:\n  source: "D:\\temp\\new.mp4"\n',
            '2: in double quotes a backslash is an escape (seen "D:\\temp\\new.mp4"). '
            "Type `source: 'D:\\temp\\new.mp4'`, with single quotes.",
        ),
        (
            'camera:\n  source: "\\\\server\\films"\n',
            '2: in double quotes a backslash is an escape (seen "\\\\server\\films"). '
            "Type `source: '\\\\server\\films'`, with single quotes.",
        ),
    ],
)
def test_a_text_that_needs_other_quotes_is_written_out(text: str, message: str) -> None:
    """If YAML reads a text as something else, the remedy has the whole line to type."""
    assert mistakes_of(text) == [f"kiosk.yaml:{message}"]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "camera:\n\u00a0\u00a0fps: 30\n\u00a0\u00a0width: 640\n",
            [
                f"{line}: at the start of the line is a no-break space (U+00A0) (expected spaces). "
                "Replace it with ordinary spaces."
                for line in (2, 3)
            ],
        ),
        (
            "camera:\n  fps:\u00a030\n",
            [
                "2: after 'fps:' is a no-break space (U+00A0) (expected spaces). "
                "Replace it with ordinary spaces."
            ],
        ),
        (
            "camera:\n  fps: 30\n  \twidth: 640\n",
            [
                "3: at the start of the line is a tab (expected spaces). "
                "Replace it with ordinary spaces."
            ],
        ),
        (
            "camera:\n  fps:\t30\n",
            ["2: after 'fps:' is a tab (expected spaces). Replace it with ordinary spaces."],
        ),
        (
            "content:\n  hide:\n    -\u3000slur\n",
            [
                "3: after the dash is a space of another kind (U+3000) (expected spaces). "
                "Replace it with ordinary spaces."
            ],
        ),
        (
            "labels: persons\n\ufefflanguage: en\nscr\u00adeen:\n  display: 0\n",
            [
                "2: the name 'language' contains an invisible character (U+FEFF). "
                "Delete the line, and type it again.",
                "3: the name 'screen' contains an invisible character (U+00AD). "
                "Delete the line, and type it again.",
            ],
        ),
        (
            "labels persons\n# the language\nlanguage: en\n",
            [
                "1: 'labels persons' has no colon (expected one after the name). "
                "Type `labels: persons`."
            ],
        ),
        (
            "camera:\n  source auto\n  fps: 30\n",
            ["2: 'source auto' has no colon (expected one after the name). Type `source: auto`."],
        ),
        (
            "screen:\n  title:\n    who are\n    you\n  idle list\n",
            ["5: 'idle list' has no colon (expected one after the name). Type `idle: list`."],
        ),
        (
            '{\n  "labels": "persons", // the show\n  "language": "en"\n}\n',
            [
                "2: a comment does not begin with // here (expected #). "
                "Begin each line of the comment with #, or delete the comment."
            ],
        ),
        (
            "/* the show\n   of the house */\nlabels: persons\n",
            [
                "1: a comment does not begin with /* here (expected #). "
                "Begin each line of the comment with #, or delete the comment."
            ],
        ),
        (
            "labels = persons\n",
            [
                "1: 'labels = persons' is not a setting (expected a colon and a space after the "
                "name). Type `labels: persons`."
            ],
        ),
        (
            "labels:persons\n",
            [
                "1: 'labels:persons' is not a setting (expected a colon and a space after the "
                "name). Type `labels: persons`."
            ],
        ),
        (
            "labels\uff1apersons\nlanguage\uff1a en\n",
            [
                "1: 'labels\uff1apersons' is not a setting (expected a colon and a space after the "
                "name). Type `labels: persons`."
            ],
        ),
        (
            "camera:\n  fps:30\n  width: 640\n",
            [
                "2: 'fps:30' is not a setting (expected a colon and a space after the name). "
                "Type `fps: 30`."
            ],
        ),
        (
            "camera:\n  fps = 30\n  width = 640\n",
            [
                "2: 'fps = 30' is not a setting (expected a colon and a space after the name). "
                "Type `fps: 30`.",
                "3: 'width = 640' is not a setting (expected a colon and a space after the name). "
                "Type `width: 640`.",
            ],
        ),
        (
            "camera:\n  fps: 30\n   width: 640\n",
            [
                "3: the line is indented by 3 (expected 2, as on line 2). "
                "Indent the line by 2 spaces."
            ],
        ),
        (
            "camera:\n    fps: 30\n  width: 640\n",
            [
                "3: the line is indented by 2 (expected 4, as on line 2). "
                "Indent the line by 4 spaces."
            ],
        ),
        (
            " labels: persons\nlanguage: en\n",
            ["1: the first setting is indented by 1 (expected 0). Delete the spaces at its start."],
        ),
        (
            "labels: persons\n...\nlanguage: en\n",
            [
                "2: the line '...' begins a second document (expected one document in a file). "
                "Delete this line."
            ],
        ),
        (
            "<<<<<<< HEAD\nlabels: persons\n=======\nlabels: objects\n>>>>>>> theirs\n",
            [
                "1: this line is a git merge-conflict marker (seen '<<<<<<< HEAD'). "
                "Keep one version, and delete the other version and the marker lines."
            ],
        ),
    ],
)
def test_a_line_that_only_looks_like_a_setting_is_named(text: str, messages: list[str]) -> None:
    """A line with a foreign blank or sign, which only looks like a setting, is named."""
    assert mistakes_of(text) == [f"kiosk.yaml:{message}" for message in messages]


@pytest.mark.parametrize(
    "text",
    [
        'screen:\n  title: "a text\n    of two lines: right"\n  display: 0\n',
        "screen:\n  title: |\n    'who is\n    fps:30\n",
        "content:\n  hide: [\n    slur,\n    'insult'\n  ]\n",
        "screen:\n  title: 'Who''s there?'  # it's a question\n",
        'camera:\n  source: "C:\\\\films"\n',
        'screen:\n  title: I\'m here, "you" are not\n',
        "screen: {title: 'a: b'}\n",
        "content:\n  hide: ['slur', # it's \"a\n    'don''t', \"a \\\" b\"]\n",
        "# it's a comment\nlabels:\t\n",
    ],
)
def test_a_text_that_yaml_takes_as_it_is_meant_has_no_flaw(text: str) -> None:
    """Unusual but valid text is not reported."""
    assert list(find_flaws(text)) == []


@given(st.text(st.sampled_from("ab'\"\\ :#-[]{}@&*!|>?,"), min_size=1, max_size=12))
def test_a_quoted_text_is_read_back(text: str) -> None:
    """A text in the quotes that a remedy proposes is read as it was meant."""
    text = text.strip() or "a"
    if not set("{}") & set(text):
        title = parse(f"screen:\n  title: {quoted(text)}\n").screen.title
        assert title == text
        assert parse(f"screen:\n  title: {quoted(text, not_with=chr(34))}\n").screen.title == text


@pytest.mark.parametrize(
    "line", ['a: "\n', "x: [\n", "- [\n", "a: '''\n", " a=b\n", "a: |\n", 'x: "a\n - [\n', " "]
)
def test_a_file_twice_as_large_takes_twice_the_calls(line: str) -> None:
    """The time to explain a file that is wrong in each line grows with its size, not faster."""
    calls = []
    for size in (4096, 8192):
        text = line * (size // len(line)) + "b: ["
        calls.append(count_calls(partial(mistakes_of, text)))
    assert calls[1] < 2.5 * calls[0]


def test_the_parsers_words_are_the_last_resort() -> None:
    """If no flaw is found, the message has PyYAML's line and words."""
    flaw = explain_failure("a: b\n", 7, "found the unfindable")
    assert flaw.line == 7
    assert flaw.problem == "this is not well-formed YAML (found the unfindable)"
