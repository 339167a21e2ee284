"""A YAML file as a frozen model, with every mistake of the file named at once, each with its line.

YAML gives the lines, pydantic the types and ranges. What a setting expects is said in plain words
made from the model's own schema, so that a new setting needs no message of its own. `kiosk.yaml`
and each `labelset.yaml` are read here.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from installation.errors import KioskError, Mistake

LARGEST_FILE = 64 * 1024
"""Bytes; ten times the shipped kiosk.yaml, so whatever is larger is another file."""

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""How text in UTF-16 begins: with its byte-order mark."""

DEEPEST_NESTING = 10
"""Levels; the settings have three, and the parser would recurse for as long as a file asks."""

MOST_MISTAKES = 50
"""Mistakes of one file or folder that are named; more are only counted."""
MOST_COMPARED = 3000
"""Words among which the one that was meant is looked for; so many took 7 ms on a slow core."""


class Section(BaseModel):
    """Frozen settings that refuse keys they do not know; an empty section means the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: object) -> object:
        return {} if value is None else value


M = TypeVar("M", bound=BaseModel)
Keys = tuple[str | int, ...]
"""The way to a setting: `("camera", "fps")`, `("content", "hide", 3)`."""


@dataclass(frozen=True)
class Loaded(Generic[M]):
    """The settings of a file, and where each of them was said."""

    settings: M
    file: str
    """Its name, as messages say it."""
    lines: Mapping[Keys, int]
    options: Mapping[Keys, str]
    """The settings that the command line said, and the option that did."""

    def where(self, *keys: str | int) -> str:
        """Return 'kiosk.yaml:12' for the setting at `keys`, such as `"camera", "fps"`.

        Where the file does not say it: the line of its section, or only the file. Where the command
        line said it: '--source'.
        """
        if keys in self.options:
            return self.options[keys]
        line = _line(self.lines, keys)
        return f"{self.file}:{line}" if line else self.file


def load_yaml(path: Path, model: type[M], error: type[KioskError]) -> Loaded[M]:
    """Return the YAML file `path` as a `model`; raises `error` with all mistakes at once."""
    file = shown(path)
    return parse_yaml(read_text(path, file, error), file, model, error)


def shown(path: Path) -> str:
    """Return how a message names `path`: from the current folder where it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def read_text(path: Path, file: str, error: type[KioskError], limit: int = LARGEST_FILE) -> str:
    """Return the text of a UTF-8 file of at most `limit` bytes, with or without a BOM.

    `file` names it in messages. Raises `error` where it is missing, not a file, too large, empty,
    binary or in another encoding.
    """

    def wrong(what: str, remedy: str, line: int = 0) -> KioskError:
        return error(Mistake(f"{file}:{line}" if line else file, what, remedy))

    try:
        if path.is_dir():
            raise wrong("this is a folder (expected a file)", "Name a file in it.")
        if path.exists() and not path.is_file():
            raise wrong("this is a device (expected a file)", "Name a file.")
        with path.open("rb") as opened:
            content = opened.read(limit + 1)
    except FileNotFoundError:
        raise wrong("there is no such file", _nearest_file(path)) from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        raise wrong(f"it cannot be read ({reason})", "Check its name and permissions.") from None
    remedy = "Save it as plain text in UTF-8."
    if path.suffix == ".csv":
        remedy = 'In the spreadsheet, save it as "CSV UTF-8".'
    if len(content) > limit:
        raise wrong(f"it is larger than {limit // 1024} KiB", "Check that it is the right file.")
    if b"\0" in content:
        if content.startswith(b"PK"):
            raise wrong("it is a workbook (.xlsx or .ods) under another name", remedy)
        if content.startswith(UTF_16):
            raise wrong("it is not UTF-8 (it seems to be UTF-16)", remedy)
        raise wrong("it is not text (it holds zero bytes)", remedy)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        byte = content[failure.start]
        what = (
            f"it is not UTF-8 (byte {byte:#04x} is no part of a letter{_other_encoding(content)})"
        )
        raise wrong(what, remedy, line) from None
    if not text.strip():
        raise wrong("it is empty", "Write it, or put back the kiosk's own.")
    return text


def _other_encoding(content: bytes) -> str:
    """Return what text that is no UTF-8 seems to be, for a message; "" where nothing is likely."""
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return "; it seems to be Windows-1252"


def parse_yaml(
    text: str,
    file: str,
    model: type[M],
    error: type[KioskError],
    options: Mapping[Keys, tuple[str, object]] | None = None,
    context: object = None,
) -> Loaded[M]:
    """Return YAML `text` as a `model`; its lists come as tuples.

    `file` names it in messages. `options` are values from elsewhere that replace the file's, each
    with the name to say for it: `{("labels",): ("--labels", "persons")}`. `context` is what the
    model's own validators are given. Raises `error` with all mistakes at once, in the order of the
    file.
    """
    document = _Document()
    document.read(text)
    options = options or {}
    for keys, (_, value) in options.items():
        document.lay_over(keys, value)
    found: list[tuple[Keys, int, str, str]] = [((), *mistake) for mistake in document.mistakes]
    settings = None
    if not document.broken:
        try:
            settings = model.model_validate(document.data, context=context)
        except ValidationError as failure:
            found += _explain(failure, model.model_json_schema(), document)
    names = {keys: name for keys, (name, _) in options.items()}
    if settings is not None and not found:
        return Loaded(settings, file, document.lines, names)
    found.sort(key=lambda mistake: mistake[1])
    raise error(
        *(
            Mistake(names.get(keys) or (f"{file}:{line}" if line else file), what, remedy)
            for keys, line, what, remedy in found
        )
    )


class _Loader(yaml.SafeLoader):
    """YAML without its traps: `010`, `10:30` and `2026-05-01` are text, and nothing is repeated."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the base class's own form)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias such as *name is not used here", problem_mark=mark
            )
        if self._depth == DEEPEST_NESTING:
            raise yaml.MarkedYAMLError(
                problem=f"more than {DEEPEST_NESTING} levels, one inside the other",
                problem_mark=mark,
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
"""What plain words of YAML stand for: pattern, first letters, and how they are read."""

for _kind, (_pattern, _first, _) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        _TAG + _kind, re.compile(f"(?:{_pattern})$"), [*_first, *([""] if _kind == "null" else [])]
    )


class _Document:
    """A YAML file as plain values, with the line of each and what is wrong with its form."""

    def __init__(self) -> None:
        self.data: object = None
        self.lines: dict[Keys, int] = {}
        self.written: dict[Keys, str] = {}
        """Plain words that are no text to YAML, as they stand in the file."""
        self.mistakes: list[tuple[int, str, str]] = []
        self.broken = False
        """Whether there are no values to go on with."""

    def read(self, text: str) -> None:
        """Take `text` in; whatever it holds, this ends with values or with mistakes."""
        try:
            loader = _Loader(text)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.reader.ReaderError as failure:
            line = text.count("\n", 0, failure.position) + 1
            self._break(line, f"a character that is not text (U+{failure.character:04X})", "")
            return
        except yaml.MarkedYAMLError as failure:
            mark = failure.problem_mark or failure.context_mark
            problem = failure.problem or failure.context or "unknown"
            line = mark.line + 1 if mark else 1
            self._break(line, f"this is not well-formed YAML ({problem})", _yaml_remedy(problem))
            return
        except (ValueError, OverflowError):  # the parser's own, for "\UFFFFFFFF" and %YAML 1.9999…
            what = "this is not well-formed YAML (a number or an escaped letter is too large)"
            self._break(
                0, what, "Look for a line that begins with %, and for backslashes in quotes."
            )
            return
        if node is None:
            self._break(
                0,
                "it holds no settings",
                "Write it, or put back the kiosk's own.",
            )
        elif not isinstance(node, yaml.MappingNode):
            seen = "a list" if isinstance(node, yaml.SequenceNode) else "plain text"
            line = node.start_mark.line + 1
            self._break(line, f"this is {seen} (expected lines of 'name: value')", _COLON)
        else:
            self.data = self._value(node, ())

    def lay_over(self, keys: Keys, value: object) -> None:
        """Put `value` in the place of what the file says at `keys`."""
        section = self.data
        for key in keys[:-1]:
            if not isinstance(section, dict):
                return
            if section.get(key) is None:
                section[key] = {}
            section = section[key]
        if isinstance(section, dict):
            section[keys[-1]] = value
            self.written.pop(keys, None)

    def _break(self, line: int, what: str, remedy: str) -> None:
        self.mistakes.append((line, what, remedy or "Take it out."))
        self.broken = True

    def _value(self, node: yaml.Node, keys: Keys) -> object:
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._section(node, keys)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._value(item, (*keys, i)) for i, item in enumerate(node.value))
        text: str = node.value
        line = node.start_mark.line + 1
        kind = node.tag.removeprefix(_TAG)
        bad = next((letter for letter in text if _unprintable(letter)), None)
        if bad is not None:
            what = f"{_name(keys)} holds a character that is not text (U+{ord(bad):04X})"
            self.mistakes.append((line, what, "Take it out."))
        elif kind in _SCALARS and re.fullmatch(_SCALARS[kind][0], text):
            if kind != "null" or text:
                self.written[keys] = text
            return _SCALARS[kind][2](text)
        elif kind != "str":
            what = f"{_name(keys)} has the tag {node.tag.replace(_TAG, '!!')} (expected none)"
            self.mistakes.append((line, what, "Take the tag out."))
        return text

    def _section(self, node: yaml.MappingNode, keys: Keys) -> dict[str, object]:
        section: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                what = f"a {key_node.id} stands where a setting's name should"
                self.mistakes.append((line, what, _COLON))
                continue
            key = str(key_node.value)
            path = (*keys, key)
            if key in section:
                what = f"{_name(path)} is there twice (first on line {self.lines[path]})"
                self.mistakes.append((line, what, "Keep one of the two."))
                continue
            self.lines[path] = line
            section[key] = self._value(value_node, path)
        return section


_COLON = "Write each setting as 'name: value', with a space after the colon."


def _yaml_remedy(problem: str) -> str:
    if "\\t" in problem or "tab" in problem:
        return "Indent with spaces, not with tabs."
    if "mapping values" in problem:
        return "Put text that holds a colon in quotes, and indent all lines of a section alike."
    if "expected ':'" in problem:
        return _COLON
    if "alias" in problem or "anchor" in problem:
        return "Write the value out, or put text that begins with * or & in quotes."
    return "Check the indentation, quotes and brackets of this line and the one above."


def _unprintable(letter: str) -> bool:
    return letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Co")


def _explain(
    failure: ValidationError, schema: dict[str, Any], document: _Document
) -> list[tuple[Keys, int, str, str]]:
    """Return one mistake (keys, line, what, remedy) for each setting that pydantic refused."""
    explained: dict[Keys, tuple[Keys, int, str, str]] = {}
    for problem in failure.errors(include_url=False):
        keys, value = _follow(document.data, problem["loc"])
        context = problem.get("ctx", {})
        if problem["type"] == "missing":
            keys = (*keys, problem["loc"][-1])
            expected = _expected(_at(schema, keys), schema)
            what = f"{_name(keys)} is missing (expected {expected})"
            remedy = f"Add a line '{keys[-1]}: …'."
        elif problem["type"] == "extra_forbidden":
            what, remedy = _stranger(keys, schema)
        elif "remedy" in context:
            what, remedy = problem["msg"], context["remedy"]
        else:
            seen = document.written.get(keys) or _seen(value)
            wanted = _at(schema, keys)
            expected = str(context.get("error") or _expected(wanted, schema))
            what = f"{_name(keys)} is {seen} (expected {expected})"
            remedy = _mend(value, keys in document.written, wanted, schema)
        explained.setdefault(keys, (keys, _line(document.lines, keys) or 0, what, remedy))
    return list(explained.values())


def _follow(data: Any, location: Sequence[str | int]) -> tuple[Keys, object]:
    """Return the keys of `location` that are in `data`, and the value there.

    pydantic puts the names of a union's members among the keys; those are passed over.
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
    """Return the line of the setting at `keys`, else of the section it would be in, else None."""
    for end in range(len(keys), 0, -1):
        if keys[:end] in lines:
            return lines[keys[:end]]
    return None


def _name(keys: Keys) -> str:
    """Return 'content.hide, item 4' for `("content", "hide", 3)`."""
    name = ".".join(cut(key) for key in keys if isinstance(key, str))
    items = "".join(f", item {key + 1}" for key in keys if isinstance(key, int))
    return f"{name}{items}" or "the file"


def cut(text: str) -> str:
    """Return `text` on one line and not longer than a message can bear."""
    plain = "".join(letter if letter.isprintable() else "·" for letter in text)
    return plain if len(plain) <= 60 else f"{plain[:60]}…"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first `most` of `names`, and how many more there are."""
    first = ", ".join(names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most:,} more"


def _seen(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{cut(value)}'"
        case tuple():
            return "a list"
        case dict():
            return "a section"
    return str(value)


Schema = dict[str, Any]
"""A piece of a model's JSON schema, which says in one form what every type expects."""


def _at(schema: Schema, keys: Keys) -> Schema:
    """Return the piece of `schema` for the setting at `keys`; empty where there is none."""
    piece = schema
    for key in keys:
        for part in _parts(piece, schema):
            if key in part.get("properties", {}):
                piece = part["properties"][key]
                break
            if isinstance(key, int) and "items" in part:
                piece = part["items"]
                break
            if isinstance(part.get("additionalProperties"), dict):
                piece = part["additionalProperties"]
                break
        else:
            return {}
    return piece


def _parts(piece: Schema, schema: Schema) -> list[Schema]:
    """Return what `piece` may be, one after the other, references and unions resolved."""
    if "$ref" in piece:
        return _parts(schema["$defs"][piece["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in piece:
        return [part for option in piece["anyOf"] for part in _parts(option, schema)]
    return [piece]


def _expected(piece: Schema, schema: Schema) -> str:
    """Return in plain words what `piece` of `schema` takes: 'a whole number from 1 to 240'."""
    if "description" in piece:
        return str(piece["description"])
    return " or ".join(_plain(part, schema) for part in _parts(piece, schema)) or "something else"


def _plain(part: Schema, schema: Schema) -> str:
    if "const" in part:
        return str(part["const"])
    if "enum" in part:
        return "one of " + ", ".join(str(choice) for choice in part["enum"])
    match part.get("type"):
        case "integer":
            return "a whole number" + _range(part)
        case "number":
            return "a number" + _range(part)
        case "boolean":
            return "true or false"
        case "string":
            return str(part.get("description", "text"))
        case "array":
            return f"a list, each item {_expected(part.get('items', {}), schema)}"
        case "object":
            known = part.get("properties", {})
            return "a section with " + ", ".join(known) if known else "a section"
        case "null":
            return "nothing"
    return "something else"


def _range(part: Schema) -> str:
    if "minimum" in part and "maximum" in part:
        return f" from {part['minimum']:g} to {part['maximum']:g}"
    bounds = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
    }
    said = [f"{words} {part[bound]:g}" for bound, words in bounds.items() if bound in part]
    return ", " + " and ".join(said) if said else ""


def _mend(value: object, plain_word: bool, wanted: Schema, schema: Schema) -> str:
    parts = _parts(wanted, schema)
    if isinstance(value, str):
        choices = [str(choice) for part in parts for choice in part.get("enum", [])]
        choices += [str(part["const"]) for part in parts if "const" in part]
        if nearest := did_you_mean(value, choices, cutoff=0.7):
            return nearest
        if ":" in value and any(part.get("type") == "object" for part in parts):
            return _COLON
    free = (part.get("type") == "string" and not part.keys() & {"enum", "const"} for part in parts)
    if plain_word and any(free):
        return "If it is meant as text, put it in quotes."
    default = wanted.get("default")
    if isinstance(default, str | int | float) and default != "":
        return f"Change it, or leave it out for the default, {_seen(default)}."
    return "Change it, or leave it out." if "default" in wanted else "Change it."


def _stranger(keys: Keys, schema: Schema) -> tuple[str, str]:
    """Return what is wrong with a key that its section does not take, and the remedy.

    A section's schema may say under `fixed` which keys it refuses, and why.
    """
    for part in _parts(_at(schema, keys[:-1]), schema):
        if why := part.get("fixed", {}).get(keys[-1]):
            return f"{_name(keys)} cannot be changed here ({why})", "Take it out."
    return f"{_name(keys)} is not a setting", _nearest_setting(keys, schema)


def _nearest_setting(keys: Keys, schema: Schema) -> str:
    key = str(keys[-1])
    known = [name for part in _parts(_at(schema, keys[:-1]), schema) for name in _names(part)]
    if nearest := did_you_mean(key, known):
        return nearest
    for section in _names(schema):
        if any(key in _names(part) for part in _parts(_at(schema, (section,)), schema)):
            return f"It belongs under '{section}:', on a line of its own and indented."
    if key in _names(schema):
        return "It belongs at the start of a line, not indented."
    return f"Known here: {', '.join(known)}."


def _names(part: Schema) -> list[str]:
    return list(part.get("properties", {}))


def did_you_mean(word: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """Return "Did you mean 'fps'?", or nothing where no known word is near.

    `cutoff` is difflib's ratio, 0–1; where the choices are short, a higher one keeps 'gpu' from
    being sent to 'cpu'.
    """
    nearest = difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return f"Did you mean '{cut(nearest[0])}'?" if nearest else ""


def suggestions() -> Callable[[str, Collection[str]], str]:
    """Return a `did_you_mean` for one stranger's file, which may hold any number of mistakes.

    The search is slow: it is made for no more mistakes than are named, and among no more words
    than MOST_COMPARED.
    """
    named = iter(range(MOST_MISTAKES))

    def suggest(word: str, known: Collection[str]) -> str:
        slow = len(known) > MOST_COMPARED or next(named, None) is None
        return "" if slow else did_you_mean(word, list(known))

    return suggest


def shortened(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return the first mistakes, and how many more there are."""
    kept = list(mistakes[:MOST_MISTAKES])
    if more := len(mistakes) - len(kept):
        where = kept[-1].where.rpartition(":")[0] or kept[-1].where
        kept.append(Mistake(where, f"{more:,} more mistakes are not listed", "Mend these first."))
    return kept


def _nearest_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except (OSError, ValueError):
        names = []
    return did_you_mean(path.name, names) or "Check the path."
