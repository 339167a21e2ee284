"""Reads a YAML file into a frozen model; reports all mistakes in one error, each with its line.

PyYAML provides the line numbers, pydantic checks types and ranges, and `schema_words` describes in
plain words what a setting expects. `kiosk.yaml` and each `labelset.yaml` are read here.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from installation.errors import KioskError, Mistake, display_path, ellipsize
from installation.settings.damaged_text import without_curly_quotes
from installation.settings.schema_words import (
    COLON,
    Keys,
    Schema,
    expected_in_words,
    explain_unknown_key,
    find_piece,
    is_free_text,
    quoted,
    remedy_for_value,
    setting_name,
    typed,
    value_in_words,
)
from installation.settings.text_file import read_text
from installation.settings.yaml_form import (
    LINE_END,
    explain_failure,
    explain_plain_text,
    find_flaws,
    find_joined,
)

MAX_NESTING = 10
"""The largest number of nested levels. The settings have three; without a limit, a file could make
the parser recurse too deeply.
"""


class Section(BaseModel):
    """Frozen settings that reject unknown keys; an empty section means the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: object) -> object:
        return {} if value is None else value


COMMENT = re.compile(r"\s+#")
"""Matches the beginning of a comment after a value."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Loaded(Generic[M]):
    """The settings of a file, and the line or option that set each of them."""

    settings: M
    file: str
    """The file's name in messages."""
    lines: Mapping[Keys, int]
    """The line of each setting and section in the file."""
    options: Mapping[Keys, str]
    """The command-line options that replaced settings, keyed by the setting."""

    def where(self, *keys: str | int) -> str:
        """Return where the setting at `keys`, such as `"camera", "fps"`, was set.

        The result is a line, such as 'kiosk.yaml:12', or a command-line option, such as '--source'.
        If neither contains the setting, the result names its section's line, or only the file.
        """
        if keys in self.options:
            return self.options[keys]
        line = _line(self.lines, keys)
        return f"{self.file}:{line}" if line else self.file


def load_yaml(path: Path, model: type[M], error: type[KioskError]) -> Loaded[M]:
    """Return the YAML file `path` as a `model`; raises `error` with all mistakes at once."""
    file = display_path(path)
    return parse_yaml(read_text(path, file, error), file, model, error)


def parse_yaml(
    text: str,
    file: str,
    model: type[M],
    error: type[KioskError],
    options: Mapping[Keys, tuple[str, object]] | None = None,
    context: object = None,
) -> Loaded[M]:
    """Return YAML `text` as a `model`, with lists as tuples.

    Args:
        text: The content of the file.
        file: The file's name in messages.
        model: The class of the settings.
        error: The exception to raise, with all mistakes in the order of the file.
        options: Values that replace values of the file, each with its name in messages:
            `{("labels",): ("--labels", "persons")}`.
        context: What the model's own validators receive as `info.context`.
    """
    document = _Document()
    document.read(text)
    options = options or {}
    for keys, (_, value) in options.items():
        document.replace(keys, value)
    found = list(document.mistakes)
    if document.commented or document.curly:
        schema = model.model_json_schema()
        found += _cut_texts(document, schema) + _curly_texts(document, schema)
    settings = None
    if not document.broken:
        try:
            settings = model.model_validate(document.data, context=context)
        except ValidationError as failure:
            found += _explain(failure, model.model_json_schema(), document)
    names = {keys: name for keys, (name, _) in options.items()}
    if settings is not None and not found:
        return Loaded(settings, file, document.lines, names)
    raise error(
        *(
            Mistake(
                names.get(mistake.keys) or (f"{file}:{mistake.line}" if mistake.line else file),
                mistake.problem,
                mistake.remedy,
            )
            for mistake in sorted(found, key=lambda mistake: mistake.line)
        )
    )


@dataclass(frozen=True)
class _Found:
    """A mistake in the file; `line` 0 means the whole file."""

    keys: Keys
    line: int
    problem: str
    remedy: str


class _Loader(yaml.SafeLoader):
    """A YAML loader that treats `010`, `10:30` and `2026-05-01` as text, and rejects aliases."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the base class's own form)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent) or getattr(self.peek_event(), "anchor", None):  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases and anchors, such as *name and &name, are not supported here",
                problem_mark=mark,
            )
        if self._depth == MAX_NESTING:
            raise yaml.MarkedYAMLError(
                problem=f"more than {MAX_NESTING} nested levels", problem_mark=mark
            )
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_TAG = "tag:yaml.org,2002:"
_SCALARS: dict[str, tuple[str, str, Callable[[str], object]]] = {
    "null": (r"~|null|Null|NULL|", "~nN", lambda _: None),
    "bool": (
        r"(?i:true|false|yes|no|on|off)",
        "tTfFyYnNoO",
        lambda text: text.lower() in ("true", "yes", "on"),
    ),
    "int": (r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789", int),
    "float": (
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?(?i:\.inf)|(?i:\.nan)",
        "-+.0123456789",
        lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    ),
}
"""The types, other than text, that a value without quotes can have in YAML. Each has a pattern for
the value, the letters with which such a value may begin, and a function that converts it.
"""

for _kind, (_pattern, _first, _) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        _TAG + _kind, re.compile(f"(?:{_pattern})$"), [*_first, *([""] if _kind == "null" else [])]
    )


class _Document:
    """A YAML file as plain values, with the line of each value, and the file's syntax mistakes."""

    def __init__(self) -> None:
        self.data: object = None
        self._text = ""
        self.lines: dict[Keys, int] = {}
        self.plain_words: dict[Keys, str] = {}
        """The spelling in the file of each value that YAML reads as a number, boolean or null."""
        self.commented: dict[Keys, str] = {}
        """The values without quotes that are followed by a comment on the same line."""
        self.curly: dict[Keys, str] = {}
        """The values that have curly quotes around them, without these quotes."""
        self.mistakes: list[_Found] = []
        self.broken = False
        """Whether the file is so damaged that its values cannot be validated."""

    def read(self, text: str) -> None:
        """Parse `text` into `data`.

        Syntax mistakes are added to `mistakes` instead of being raised.
        """
        self._text = text
        try:
            loader = _Loader(text)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.reader.ReaderError as failure:
            line = text.count("\n", 0, failure.position) + 1
            self._break(
                line,
                f"this line has a character that is not text (U+{failure.character:04X})",
                "Remove it.",
            )
            return
        except yaml.MarkedYAMLError as failure:
            mark = failure.problem_mark or failure.context_mark
            description = failure.problem or failure.context or "unknown"
            self._break(*explain_failure(text, mark.line + 1 if mark else 1, description))
            return
        except (ValueError, OverflowError):  # raised by PyYAML for "\UFFFFFFFF" and %YAML 1.9999…
            problem = "this is not well-formed YAML (a number after % or a backslash is too large)"
            remedy = "Look for a line that begins with %, and for backslashes in quotes."
            self._break(0, problem, remedy)
            return
        if node is None:
            remedy = "Write settings into it, or restore the file that came with the kiosk."
            self._break(0, "the file contains no settings", remedy)
        elif flaws := list(find_flaws(text)):
            for flaw in flaws:
                self._break(*flaw)
        elif not isinstance(node, yaml.MappingNode):
            if isinstance(node, yaml.ScalarNode) and (joined := explain_plain_text(text)):
                self._break(*joined)
                return
            seen = "a list" if isinstance(node, yaml.SequenceNode) else "plain text"
            line = node.start_mark.line + 1
            self._break(line, f"this is {seen} (expected lines of 'name: value')", COLON)
        else:
            self.data = self._value(node, ())

    def replace(self, keys: Keys, value: object) -> None:
        """Set the setting at `keys` to `value`, replacing any value from the file."""
        section = self.data
        for key in keys[:-1]:
            if not isinstance(section, dict):
                return
            if section.get(key) is None:
                section[key] = {}
            section = section[key]
        if isinstance(section, dict):
            section[keys[-1]] = value
            self.plain_words.pop(keys, None)

    def _break(self, line: int, problem: str, remedy: str) -> None:
        self.mistakes.append(_Found((), line, problem, remedy))
        self.broken = True

    def _value(self, node: yaml.Node, keys: Keys) -> object:
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._section(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._value(item, (*keys, i)) for i, item in enumerate(node.value))
        text: str = node.value
        line = node.start_mark.line + 1
        after = LINE_END.split(self._text[node.end_mark.index :], maxsplit=1)[0]
        if isinstance(node, yaml.ScalarNode) and node.style is None and COMMENT.match(after):
            self.commented[keys] = text
        kind = node.tag.removeprefix(_TAG)
        bad = next((letter for letter in text if _unprintable(letter)), None)
        if bad is not None:
            name, code = setting_name(keys), f"U+{ord(bad):04X}"
            problem = (
                f"{name} contains a control, surrogate, unassigned or private-use character "
                f"({code})"
            )
            remedy = "Remove it."
            if isinstance(node, yaml.ScalarNode) and node.style == '"':
                remedy = "In double quotes a backslash is an escape. Use single quotes."
            self.mistakes.append(_Found((), line, problem, remedy))
        elif kind in _SCALARS and re.fullmatch(_SCALARS[kind][0], text):
            if kind != "null" or text:
                self.plain_words[keys] = text
            return _SCALARS[kind][2](text)
        elif kind != "str":
            tag = node.tag.replace(_TAG, "!!")
            problem = f"{setting_name(keys)} has the tag {tag} (expected none)"
            remedy = "Remove the tag, or put text that begins with ! in quotes."
            self.mistakes.append(_Found((), line, problem, remedy))
        elif getattr(node, "style", None) is None and (inside := without_curly_quotes(text)):
            self.curly[keys] = inside
            return inside
        return text

    def _section(self, node: yaml.MappingNode, keys: Keys) -> dict[str, object]:
        section: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                problem = f"a {key_node.id} is used as the name of a setting (expected text)"
                self.mistakes.append(_Found((), line, problem, COLON))
                continue
            key = str(key_node.value)
            if key_node.style is None and (inside := without_curly_quotes(key)):
                problem = (
                    f"the name '{ellipsize(inside)}' has curly quotes around it (expected none)"
                )
                remedy = f"{typed(f'{inside}:', '')}, without quotes."
                self.mistakes.append(_Found((), line, problem, remedy))
                key = inside
            path = (*keys, key)
            if key in section:
                problem = f"{setting_name(path)} occurs twice (first on line {self.lines[path]})"
                self.mistakes.append(_Found((), line, problem, "Keep one of the two."))
                continue
            self.lines[path] = line
            section[key] = self._value(value_node, path)
            if isinstance(value_node, yaml.ScalarNode) and value_node.style is None:
                first, last = value_node.start_mark.line + 1, value_node.end_mark.line + 1
                joined = list(find_joined(self._text, first, last)) if first > line else []
                if joined:  # the text is a section whose settings lack a colon or a space
                    self.mistakes += [_Found((), *flaw) for flaw in joined]
                    section[key] = None
        return section


def _cut_texts(document: _Document, schema: Schema) -> list[_Found]:
    """Return a mistake for each free text that has no quotes and is cut at a ` #`.

    YAML treats the rest as a comment, but the writer may have meant it as text.
    """
    return [
        _Found(
            keys,
            document.lines[keys],
            f"{setting_name(keys)} ends before the #, which begins a comment (seen "
            f"'{ellipsize(text)}')",
            "Put the text in quotes, or move the comment to a line of its own.",
        )
        for keys, text in document.commented.items()
        if keys[-1] != "id" and is_free_text(find_piece(schema, keys), schema)
    ]


def _curly_texts(document: _Document, schema: Schema) -> list[_Found]:
    """Return a mistake for each value inside curly quotes, as a word processor writes them.

    A value with straight quotes around the curly ones is right: the curly ones are part of it.
    """
    found = []
    for keys, inside in document.curly.items():
        piece = find_piece(schema, keys)
        remedy = remedy_for_value(inside, False, piece, schema)
        if not remedy.startswith("Write"):
            remedy = f"Write {quoted(ellipsize(inside))}, with straight quotes."
        if is_free_text(piece, schema):
            remedy += " To show curly quotes, write straight quotes around them."
        problem = f"{setting_name(keys)} has curly quotes around its value (expected straight ones)"
        found.append(_Found(keys, document.lines[keys], problem, remedy))
    return found


def _unprintable(letter: str) -> bool:
    return letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co")


def _explain(failure: ValidationError, schema: Schema, document: _Document) -> list[_Found]:
    """Return a mistake for each setting that pydantic rejected."""
    explained: dict[Keys, _Found] = {}
    for refused in failure.errors(include_url=False):
        keys, value = _follow(document.data, refused["loc"])
        if keys in document.curly:
            continue  # reported with the value in a form that may be right
        context = refused.get("ctx", {})
        if refused["type"] == "missing":
            keys = (*keys, refused["loc"][-1])
            expected = expected_in_words(find_piece(schema, keys), schema)
            problem = f"{setting_name(keys)} is missing (expected {expected})"
            remedy = f"Add a line '{keys[-1]}: …'."
        elif refused["type"] == "extra_forbidden":
            problem, remedy = explain_unknown_key(keys, schema, value)
        elif "damage" in context:
            problem = f"{setting_name(keys)} {context['damage']}"
            remedy = context["remedy"]
        elif "remedy" in context:
            problem, remedy = refused["msg"], context["remedy"]
        else:
            seen = document.plain_words.get(keys) or value_in_words(value)
            piece = find_piece(schema, keys)
            expected = str(context.get("error") or expected_in_words(piece, schema))
            problem = f"{setting_name(keys)} is {seen} (expected {expected})"
            remedy = remedy_for_value(value, keys in document.plain_words, piece, schema)
        explained.setdefault(keys, _Found(keys, _line(document.lines, keys) or 0, problem, remedy))
    return list(explained.values())


def _follow(data: Any, location: Sequence[str | int]) -> tuple[Keys, object]:
    """Return the keys of `location` that exist in `data`, and the value to which they lead.

    pydantic inserts the names of a union's members into the keys; these names are skipped.
    """
    keys: list[str | int] = []
    for key in location:
        if isinstance(data, str):
            break
        with contextlib.suppress(KeyError, IndexError, TypeError):
            data = data[key]
            keys.append(key)
    return tuple(keys), data


def _line(lines: Mapping[Keys, int], keys: Keys) -> int | None:
    """Return the line of the setting at `keys`, or else its section's line; None if unknown."""
    for end in range(len(keys), 0, -1):
        if keys[:end] in lines:
            return lines[keys[:end]]
    return None
