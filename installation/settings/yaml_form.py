"""Finds the line of a YAML file that has to be corrected, and the text to type there.

PyYAML reports the line at which it stopped; for an open quote, this is the end of the file.
Therefore this module parses the lines again, in the forms in which people write settings: `name:
value`, items of a list, comments. The first flaw found is reported; PyYAML's message is used only
if no flaw is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from installation.errors import ellipsize
from installation.settings.damaged_text import CURLY, INVISIBLE, without_curly_quotes
from installation.settings.schema_words import quoted, typed, yaml_remedy

LINE_END = re.compile(r"\r\n|\r|\n")

SETTING = re.compile(r"(\s*)([^\s\-:#'\"\[\]{},=][^:#'\"\[\]{},=]*):(?:(\s+)(.*))?$")
"""Matches a setting; the groups are indentation, name, the blanks after the colon, and value."""

ITEM = re.compile(r"(\s*)-(\s+)(.*)$")
"""Matches an item of a list; the groups are indentation, the blanks after the dash, and value."""

JOINED = re.compile(r"\s*([A-Za-z_]\w*)\s*[=:\uff1a]\s*(.*)$")
"""Matches a setting whose name and value are joined by something other than a colon and a space."""

WORD_AND_VALUE = re.compile(r"\s*([A-Za-z_]\w*) +(\S.*)$")
"""Matches a setting with only blanks between its name and its value."""

QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
"""Matches a text in quotes on one line."""

JSON_COMMENT = re.compile(r"(?:^|[\s,{])(//|/\*)(?:\s|$)")
"""Matches a comment in the style of JavaScript, as in some JSON files; in YAML, # begins one."""

BLOCK_TEXT = re.compile(r"[|>][-+0-9]*\s*(#.*)?$")
"""Matches a value such as | or >, which means that the text is on the indented lines below."""

WINDOWS_PATH = re.compile(r'"(?:[A-Za-z]:\\|\\\\)[^"]*"')
"""Matches a Windows path in double quotes, in which YAML treats each backslash as an escape."""

CONFLICT_MARKS = ("<<<<<<<", "=======", ">>>>>>>")
"""The beginnings of git's merge-conflict markers."""

RESERVED_STARTS = "@`%*&!|>,]}?-"
"""The characters with which a text without quotes cannot begin."""

CURLY_AFTER_NAME = re.compile(f"[{CURLY}](?=\\s*:)")
CLOSING = {"[": "]", "{": "}"}

IN_BRACKETS = re.compile(
    r"""(?<=\s)\#[^\n]*|(?<=[\s\[{,:])(?:"(?:\\.|[^"\\])*"(?!\s*[^\s,:\]}\#])"""
    r"""|'(?:''|[^'])*'(?!\s*[^\s,:\]}\#])|(["'])(.*?)(?=\s*(?:[,\]}\n]|$)))""",
    re.DOTALL,
)
"""Matches a comment, or an item that begins with a quote. If this quote is not closed at the end of
the item, the groups are the quote and the text after it. In all other matches, both are empty.
"""


class Flaw(NamedTuple):
    """A mistake in a file's syntax: the line to correct, the problem, and the remedy."""

    line: int
    problem: str
    remedy: str


class _Line(NamedTuple):
    """A line with a setting or an item of a list; `name` is "" for an item."""

    number: int
    text: str
    indent: str
    name: str
    gap: str
    value: str

    def written(self, value: str) -> str:
        """Return the line with its value replaced by `value`, for a remedy."""
        return typed(f"{self.name}: " if self.name else "- ", value)


def find_flaws(text: str) -> Iterator[Flaw]:
    """Yield the flaws that are reported even if YAML accepts the text, in the lines' order."""
    lines = LINE_END.split(text)
    for line in _settings(lines):
        flaw = _blank_flaw(line) or _path_flaw(line)
        if flaw is None and line.value[:1] in ('"', "'"):
            flaw = _open_quote_flaw(line, lines)
        if flaw:
            yield flaw


def explain_failure(text: str, failure_line: int, description: str) -> Flaw:
    """Return the flaw in a text rejected at `failure_line` with PyYAML's message `description`."""
    lines = LINE_END.split(text)
    for flaw in _broken_lines(lines):
        if flaw.line <= failure_line:
            return flaw
        break
    problem = f"this is not well-formed YAML ({description})"
    return Flaw(failure_line, problem, yaml_remedy(description))


def explain_plain_text(text: str) -> Flaw | None:
    """Return the flaw in a text that YAML parses as plain text without settings."""
    return next(_broken_lines(LINE_END.split(text)), None)


def find_joined(text: str, first: int, last: int) -> Iterator[Flaw]:
    """Yield a flaw for each line from `first` to `last` that looks like a setting.

    These lines continue a text without quotes, so YAML treats them as a part of that text.
    """
    for number, line in enumerate(LINE_END.split(text)[first - 1 : last], first):
        if flaw := _joined_flaw(number, line):
            yield flaw


def _broken_lines(lines: Sequence[str]) -> Iterator[Flaw]:
    """Yield the flaws of a text that YAML rejects, in the order of its lines."""
    parsed = {line.number: line for line in _settings(lines)}
    skipped = _inside_values(lines, parsed)
    above: list[_Line] = []
    for number, text in enumerate(lines, 1):
        if flaw := _comment_flaw(number, text):
            yield flaw
        if number in skipped or not text.strip() or text.strip().startswith("#"):
            continue
        line = parsed.get(number)
        flaw = _line_flaw(number, text, line, bool(above))
        if line is None and flaw is None:
            flaw = _missing_colon_flaw(number, text, above, parsed)
        if line is not None and flaw is None:
            flaw = (
                _blank_flaw(line)
                or _path_flaw(line)
                or _value_flaw(line, lines)
                or _indent_flaw(line, above)
            )
            _push(line, above)
        if flaw:
            yield flaw


def _settings(lines: Sequence[str]) -> Iterator[_Line]:
    """Yield the lines that are a setting or an item, but not lines inside a longer value."""
    until = 0
    for number, text in enumerate(lines, 1):
        if number <= until or text.strip().startswith("#"):
            continue
        if match := SETTING.match(text):
            indent, name, gap, value = match.groups(default="")
        elif match := ITEM.match(text):
            (indent, gap, value), name = match.groups(), ""
        else:
            continue
        line = _Line(number, text, indent, name.rstrip(), gap, value.strip())
        yield line
        until = _last_line(line, lines)


def _last_line(line: _Line, lines: Sequence[str]) -> int:
    """Return the number of the last line of a value that is written on several lines."""
    if BLOCK_TEXT.match(line.value):
        number = line.number
        while number < len(lines) and (
            not lines[number].strip() or _depth(lines[number]) > len(line.indent)
        ):
            number += 1
        return number
    end = None
    if line.value[:1] in ('"', "'") and not _open_quote_flaw(line, lines):
        end = _end_of_quotes(line, lines)
    elif line.value[:1] in CLOSING and not _bracket_flaw(line, lines):
        end = _end_of_brackets(line, lines)
    return end[0] if end else line.number


def _inside_values(lines: Sequence[str], parsed: dict[int, _Line]) -> set[int]:
    """Return the numbers of the lines that continue the value of a line above."""
    return {
        number
        for line in parsed.values()
        for number in range(line.number + 1, _last_line(line, lines) + 1)
    }


def _depth(text: str) -> int:
    return len(text) - len(text.lstrip())


def _line_flaw(number: int, text: str, line: _Line | None, has_settings: bool) -> Flaw | None:
    """Return the flaw of a line that is neither a setting nor an item; None if no flaw is found."""
    seen = ellipsize(text.strip())
    if text.startswith(CONFLICT_MARKS):
        problem = f"this line is a git merge-conflict marker (seen '{seen}')"
        remedy = "Keep one version, and delete the other version and the marker lines."
        return Flaw(number, problem, remedy)
    if text.rstrip() in ("---", "...") and has_settings:
        problem = f"the line '{seen}' begins a second document (expected one document in a file)"
        return Flaw(number, problem, "Delete this line.")
    if line is not None:
        return None
    quote = text.lstrip()[:1]
    if quote in ("'", '"') and text.count(quote) % 2:
        problem = f"the quote {quote} that opens on this line is not closed"
        bare = CURLY_AFTER_NAME.sub("", text.strip().replace(quote, ""))
        return Flaw(number, problem, f"Type `{bare}`, without quotes.")
    return _joined_flaw(number, text)


def _joined_flaw(number: int, text: str) -> Flaw | None:
    """Return a flaw if a setting's name and value are not separated by a colon and a space."""
    match = JOINED.match(text)
    if match is None:
        return None
    name, value = match.groups()
    seen = f"'{ellipsize(text.strip())}'"
    problem = f"{seen} is not a setting (expected a colon and a space after the name)"
    return Flaw(number, problem, f"{typed(f'{name}: ', value)}.")


def _missing_colon_flaw(
    number: int, text: str, above: Sequence[_Line], parsed: Mapping[int, _Line]
) -> Flaw | None:
    """Return a flaw if a setting has no colon."""
    match = WORD_AND_VALUE.match(text)
    below = next((line for place, line in sorted(parsed.items()) if place > number), None)
    around = [len(line.indent) for line in (*above[-1:], below) if line is not None]
    if match is None or not any(_depth(text) <= depth for depth in around):
        return None
    problem = f"'{ellipsize(text.strip())}' has no colon (expected one after the name)"
    return Flaw(number, problem, f"{typed(f'{match[1]}: ', match[2])}.")


def _comment_flaw(number: int, text: str) -> Flaw | None:
    """Return a flaw if a line has, outside quotes, a comment in the style of JavaScript."""
    match = JSON_COMMENT.search(QUOTED.sub("", re.split(r"(?:^|\s)#", text, maxsplit=1)[0]))
    if match is None:
        return None
    problem = f"a comment does not begin with {match[1]} here (expected #)"
    return Flaw(number, problem, "Begin each line of the comment with #, or delete the comment.")


def _blank_flaw(line: _Line) -> Flaw | None:
    """Return a flaw if a line has white space that YAML rejects, or invisible characters."""
    place = f"after '{line.name}:'" if line.name else "after the dash"
    for blanks, where in ((line.indent, "at the start of the line"), (line.gap, place)):
        strange = next((letter for letter in blanks if letter != " "), None)
        if strange is not None and not (strange == "\t" and not line.value and blanks == line.gap):
            kind = "tab" if strange == "\t" else f"no-break space (U+{ord(strange):04X})"
            if strange not in "\t\u00a0\u202f":
                kind = f"space of another kind (U+{ord(strange):04X})"
            problem = f"{where} is a {kind} (expected spaces)"
            return Flaw(line.number, problem, "Replace it with ordinary spaces.")
    invisible = next((letter for letter in line.name if letter in INVISIBLE), None)
    if invisible is not None:
        plain = "".join(letter for letter in line.name if letter not in INVISIBLE)
        problem = f"the name '{plain}' contains an invisible character (U+{ord(invisible):04X})"
        return Flaw(line.number, problem, "Delete the line, and type it again.")
    return None


def _path_flaw(line: _Line) -> Flaw | None:
    """Return a flaw if a Windows path is in double quotes."""
    if match := WINDOWS_PATH.match(line.value):
        problem = f"in double quotes a backslash is an escape (seen {ellipsize(match[0])})"
        if "\\\\" in match[0][3:]:
            return None  # the backslashes are doubled already
        remedy = f"{line.written(quoted(match[0][1:-1]))}, with single quotes."
        return Flaw(line.number, problem, remedy)
    return None


def _value_flaw(line: _Line, lines: Sequence[str]) -> Flaw | None:
    """Return the flaw in the value of a line, in a text that YAML rejects."""
    value, number = line.value, line.number
    if not value or value.startswith("#") or BLOCK_TEXT.match(value):
        return None
    if value[0] in "\"'":
        return _open_quote_flaw(line, lines) or _after_quotes_flaw(line, lines)
    if value[0] in CLOSING:
        return _open_item_flaw(line, lines) or _bracket_flaw(line, lines)
    text = without_curly_quotes(_without_comment(line)) or _without_comment(line)
    remedy = f"{line.written(quoted(text))}, with the quotes."
    if value[0] in RESERVED_STARTS and (value[0] not in "?-" or value[1:2] in ("", " ")):
        return Flaw(number, f"a text without quotes cannot begin with {value[0]}", remedy)
    if line.name and re.search(r":(\s|$)", text):  # an item may be a setting itself
        problem = f"a text with a colon before a space needs quotes (seen '{ellipsize(text)}')"
        return Flaw(number, problem, remedy)
    return None


def _open_quote_flaw(line: _Line, lines: Sequence[str]) -> Flaw | None:
    """Return a flaw if a quote is not closed before the next setting."""
    if _end_of_quotes(line, lines) is not None:
        return None
    quote = line.value[0]
    problem = f"the quote {quote} that opens on this line is not closed"
    text = _without_comment(line).rstrip(CURLY) + quote
    remedy = f"{line.written(text)}, with the closing quote."
    return Flaw(line.number, problem, remedy)


def _after_quotes_flaw(line: _Line, lines: Sequence[str]) -> Flaw | None:
    """Return a flaw if text follows the closing quote on the same line."""
    end = _end_of_quotes(line, lines)
    if end is None:
        return None
    rest = lines[end[0] - 1][end[1] :]
    if not rest.strip() or (rest.lstrip().startswith("#") and rest[0].isspace()):
        return None
    quote = line.value[0]
    text = _without_comment(line)
    if rest.strip() in (",", ";"):
        problem = f"a {rest.strip()} follows the closing quote"
        return Flaw(end[0], problem, f"{line.written(text[:-1].rstrip())}, without it.")
    whole = text[1:-1] if text.endswith(quote) and len(text) > 1 else text
    kind = "apostrophe" if quote == "'" and text.endswith(quote) else "quote"
    problem = f"the {kind} {quote} inside the text ends the text (seen {ellipsize(text)})"
    both = "'" in whole and '"' in whole
    quotes = "including the quotes at both ends of the text"
    advice = "with each apostrophe doubled" if both else quotes
    return Flaw(line.number, problem, f"{line.written(quoted(whole, not_with=quote))}, {advice}.")


def _open_item_flaw(line: _Line, lines: Sequence[str]) -> Flaw | None:
    """Return a flaw if a quote inside brackets is not closed at the end of its item."""
    text = "\n".join(text[column:] for _, text, column in _value_lines(line, lines))
    match = next((found for found in IN_BRACKETS.finditer(text) if found[1]), None)
    if match is None:
        return None
    quote, item = match[1], ellipsize(match[2])
    number = line.number + text.count("\n", 0, match.start())
    if quote in match[2]:
        problem = f"text follows the closing quote {quote} (seen {quote}{item})"
        other = "'" if quote == '"' else '"'
        remedy = f"Write a comma after each item. Put {other} around a text that contains {quote}."
        return Flaw(number, problem, remedy)
    problem = f"the quote {quote} that opens on this line is not closed"
    bare = CURLY_AFTER_NAME.sub("", item)
    remedy = f"Type `{quote}{item}{quote}`, with the closing quote."
    return Flaw(number, problem, remedy if bare == item else f"Type `{bare}`, without quotes.")


def _bracket_flaw(line: _Line, lines: Sequence[str]) -> Flaw | None:
    """Return a flaw if a bracket stays open, or if text follows the closing bracket."""
    opening, end = line.value[0], _end_of_brackets(line, lines)
    if end is None:
        problem = f"the bracket {opening} that opens on this line is not closed"
        return Flaw(line.number, problem, f"Write {CLOSING[opening]} after the last item.")
    rest = lines[end[0] - 1][end[1] :].strip()
    if not rest or rest.startswith("#"):
        return None
    text = _without_comment(line)
    problem = f"a text without quotes cannot begin with {opening}"
    return Flaw(line.number, problem, f"{line.written(quoted(text))}, with the quotes.")


def _without_comment(line: _Line) -> str:
    return re.split(r"\s#", line.value, maxsplit=1)[0].rstrip()


def _indent_flaw(line: _Line, above: Sequence[_Line]) -> Flaw | None:
    """Return a flaw if a line is indented differently from the lines of its section."""
    depth = len(line.indent)
    if not above:
        problem = f"the first setting is indented by {depth} (expected 0)"
        return Flaw(line.number, problem, "Delete the spaces at its start.") if depth else None
    last = above[-1]
    expected = None
    if not line.name and last.name:
        return None
    if depth > len(last.indent) and last.value and not last.value.startswith("#"):
        expected = last
    elif depth < len(last.indent):
        fitting = [one for one in above if len(one.indent) <= depth]
        if not fitting or len(fitting[-1].indent) != depth:
            expected = above[len(fitting)]
    if expected is None:
        return None
    spaces = len(expected.indent)
    problem = f"the line is indented by {depth} (expected {spaces}, as on line {expected.number})"
    return Flaw(line.number, problem, f"Indent the line by {spaces} spaces.")


def _push(line: _Line, above: list[_Line]) -> None:
    """Push `line` onto the stack `above`, after popping lines with the same or more indentation."""
    while above and len(above[-1].indent) >= len(line.indent):
        above.pop()
    above.append(line)


def _value_lines(line: _Line, lines: Sequence[str]) -> Iterator[tuple[int, str, int]]:
    """Yield the number, text and first column of each line that may hold the value of `line`.

    The value ends before the next setting or item with at most the indentation of `line`. A quote
    or bracket in later lines belongs to another value. This limit also keeps the search short.
    """
    yield line.number, line.text, line.text.index(line.value, len(line.indent + line.name))
    for number in range(line.number + 1, len(lines) + 1):
        text = lines[number - 1]
        match = SETTING.match(text) or (None if line.name else ITEM.match(text))
        if match and len(match[1]) <= len(line.indent):
            return
        yield number, text, 0


def _end_of_quotes(line: _Line, lines: Sequence[str]) -> tuple[int, int] | None:
    """Return the line and column after the quote that closes the value; None if there is none."""
    quote, skipped = line.value[0], 1
    for number, text, column in _value_lines(line, lines):
        column += skipped
        skipped = 0
        while column < len(text):
            if text[column] == "\\" and quote == '"':
                column += 1
            elif text[column] == quote:
                if quote == '"' or text[column + 1 : column + 2] != "'":
                    return number, column + 1
                column += 1
            column += 1
    return None


def _end_of_brackets(line: _Line, lines: Sequence[str]) -> tuple[int, int] | None:
    """Return the line and column after the bracket that closes the value; None if there is none."""
    waiting, quote = [], ""
    for number, text, column in _value_lines(line, lines):
        before = " "
        for place, letter in enumerate(text[column:], column):
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "\"'" and before in " [{,:":
                quote = letter
            elif letter == "#" and before == " ":
                break
            elif letter in CLOSING:
                waiting.append(CLOSING[letter])
            elif waiting and letter == waiting[-1]:
                waiting.pop()
                if not waiting:
                    return number, place + 1
            before = letter
    return None
