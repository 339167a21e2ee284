"""Finds texts that other programs, such as spreadsheets, have damaged.

Without this check, a label or title such as "KÃ¼nstler" or "#REF!" would be shown to visitors. Such
texts are rejected, and the message proposes the text that was probably meant. The rules describe
what programs write, not how people write.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

from installation.errors import ellipsize

LOST = "\ufffd"
"""The character that programs write in place of a letter that they cannot decode: U+FFFD."""

OTHER_ENCODINGS = {
    "cp1252": "\u00c2\u00c3\u00c4\u00c5\u00ce\u00cf\u00d0\u00d1\u00e2",
    "mac-roman": "\u00ac\u221a\u0192\u2248\u201a",
}
"""The encodings in which programs read UTF-8 by mistake: Windows-1252 and Mac OS Roman.

A letter or quote that was decoded wrongly becomes two or three characters. Each value lists the
characters that can be the first of the two or three. The original is a Latin, Greek or Cyrillic
letter, or a quote.
"""

PUNCTUATION = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2039\u203a\u00ab\u00bb"
"""Quotes and dashes that may follow a capital letter in an undamaged text."""

NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

CELL_ERROR = re.compile(
    r"#(?:NAME\?|REF!|VALUE!|N/A|DIV/0!|NULL!|NUM!|SPILL!|GETTING_DATA"
    r"|BEZUG!|WERT!|NV|ZAHL!|NOM\?|VALEUR!|NOMBRE!|NB!|\u00a1REF!|\u00bfNOMBRE\?|\u00a1VALOR!)"
    r"|Err:[0-9]{3}|#ERROR!|Loading\.\.\."
)
"""Matches what a spreadsheet shows for a formula without a result, in four languages."""

FORMULA = re.compile(r"=[-+(\"A-Za-z0-9]")

NO_VALUE = ("NaN", "NULL", "undefined")
"""The words that programs write for an empty cell. The same word with other capital letters is not
matched, because it may be a name.
"""

ENTITY = re.compile(r"&(?:#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5}|[A-Za-z][A-Za-z0-9]{1,30});")

TAG = re.compile(
    r"</?(?:a|b|i|u|s|em|strong|br|p|span|div|font|li|ul|ol|h[1-6]|sub|sup|small|img|script|style"
    r"|table|tr|td|th|pre|code|center|hr|section)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)

EXCEL_ESCAPE = re.compile(r"_x00[01][0-9A-F]_")
"""Matches Excel's escape for a line break or another control character."""

ESCAPES = (
    re.compile(r"(?:\\u[0-9A-Fa-f]{4})+"),
    re.compile(r"(?:%[0-9A-F]{2}){2,}"),
    re.compile(r"(?:=[0-9A-F]{2}){2,}"),
)
"""Match the escapes for letters beyond ASCII in JSON, web addresses and e-mails."""

NARROW = re.compile(r"#{2,}")
"""Matches what a spreadsheet shows if a column is too narrow for its content."""

MOST_READINGS = 4
"""The largest number of wrong decodings, one after the other, that are undone in a text."""

LOST_IN_WORD = re.compile(r"[^\W\d_]\?[^\W\d_]")
"""Matches a question mark inside a word, which old programs write for a letter that they do not
have.
"""

MAX_MARKS = 8
"""The largest number of marks on one letter of an undamaged text. A letter of Sanskrit in Tibetan
script can have eight marks, and a Hebrew letter with vowels and cantillation can have five. Letters
with more than eight are made by generators of ornamental text.
"""


CURLY_PAIRS = {
    "\u201c": '\u201d\u201c"',
    "\u201d": "\u201d\u201c",
    "\u201e": '\u201c\u201d"',
    "\u2018": "\u2019\u2018'",
    "\u2019": "\u2019\u2018",
    "\u201a": "\u2018\u2019",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2039": "\u203a",
    "\u203a": "\u2039",
    "\u2033": "\u2033",
    "\u00b4": "\u00b4`",
}
"""The quotes and accents that people and programs write instead of " and '. Each key is an opening
quote, and its value lists the closing quotes that can belong to it. Some closing quotes are
straight, because programs often change only the first of two quotes.
"""

CURLY = "".join(CURLY_PAIRS)

INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Invisible characters; text copied from a web page or an e-mail may contain them."""


SUSPICIOUS = re.compile(r"[^ -~]|[#%&<=?\\_]|Err:|Loading|" + "|".join(map(re.escape, NO_VALUE)))
"""Matches in every damaged text and in few undamaged texts. So most undamaged texts need no further
check. A label set can have ten thousand texts, and all are checked before the first picture is
shown.
"""


class Damage(NamedTuple):
    """The damage to a text, and the remedy."""

    problem: str
    remedy: str


def is_plain(text: str) -> bool:
    """Return whether `text` is certainly undamaged, because `SUSPICIOUS` does not match it."""
    return not SUSPICIOUS.search(text)


def find_damage(text: str) -> Damage | None:
    """Return the damage that another program did to `text`; None if the text is undamaged."""
    if is_plain(text):
        return None
    seen = ellipsize(text)
    if LOST in text:
        problem = f"has a letter that was lost (U+FFFD, seen '{seen}')"
        return Damage(problem, "Type the text again, and save the file as UTF-8.")
    if (original := _undo_each(text)) != text:
        problem = f"was decoded with a wrong encoding (seen '{seen}')"
        return Damage(
            problem,
            f"Probably '{ellipsize(original)}' is meant: type it, and save the file as UTF-8.",
        )
    if CELL_ERROR.match(text):
        problem = f"is a spreadsheet's error '{seen}'"
        return Damage(
            problem, "Type text into the cell; text that begins with = needs a ' before it."
        )
    if NARROW.fullmatch(text):
        problem = f"is '{seen}', which a spreadsheet shows if a column is too narrow"
        return Damage(problem, "Make the column wider, or type the text.")
    if (plain := _unescape(text)) != text:
        problem = f"has escape sequences instead of letters (seen '{seen}')"
        return Damage(problem, f"Probably '{ellipsize(plain)}' is meant: type it.")
    if FORMULA.match(text):
        return Damage(f"is a formula (seen '{seen}')", "Type the formula's result, as text.")
    if text in NO_VALUE:
        problem = f"is '{seen}', which programs write for an empty cell"
        return Damage(problem, "Leave the cell empty, or write other text.")
    if ENTITY.search(text) and (plain := html.unescape(text)) != text:
        problem = f"has an HTML escape (seen '{seen}')"
        plain = " ".join(plain.split())  # turns no-break spaces into spaces
        return Damage(
            problem, f"Probably '{ellipsize(plain)}' is meant: type it." if plain else "Delete it."
        )
    if TAG.search(text):
        problem = f"has an HTML tag (seen '{seen}')"
        plain = " ".join(TAG.sub(" ", text).split())
        if not plain:
            return Damage(problem, "Delete it.")
        return Damage(
            problem,
            f"Probably '{ellipsize(plain)}' is meant: the screen has no bold or italic text.",
        )
    if EXCEL_ESCAPE.search(text):
        problem = f"has Excel's escape for a line break or a control character (seen '{seen}')"
        return Damage(problem, "Delete it.")
    if LOST_IN_WORD.search(text) and "://" not in text:
        problem = (
            f"has a question mark inside a word (seen '{seen}'), probably in place of a lost letter"
        )
        return Damage(problem, "Type the letter, and save the file as UTF-8.")
    letter, marks = _highest_stack(text)
    if marks > MAX_MARKS:
        problem = f"has a letter with {marks} marks on it: '{letter}' (U+{ord(letter):04X})"
        return Damage(problem, f"Type it again; a letter can have up to {MAX_MARKS} marks.")
    return None


def without_curly_quotes(text: str) -> str | None:
    """Return the text inside the curly quotes around `text`; None if there are none around it.

    The result is also None if there are other curly quotes between the two, as in a title that
    begins and ends with a quotation. A ’ between them counts as an apostrophe.
    """
    inside = text[1:-1].strip()
    if len(text) < 2 or text[-1] not in CURLY_PAIRS.get(text[0], ""):
        return None
    others = set(CURLY) - {"\u2019"} | ({text[-1]} - set(CURLY))
    return None if not inside or set(inside) & others else inside


def _highest_stack(text: str) -> tuple[str, int]:
    """Return the letter of `text` with the most nonspacing marks, and the number of its marks."""
    highest, letter, marks = ("", 0), "", 0
    for each in "" if text.isascii() else unicodedata.normalize("NFC", text):
        category = unicodedata.category(each)
        if category in ("Mn", "Me"):
            marks += 1
        elif category != "Cf":  # A joiner between two marks leaves both on the same letter.
            letter, marks = each, 0
        if marks > highest[1]:
            highest = letter or each, marks
    return highest


def _undo_each(text: str) -> str:
    """Return `text` after undoing wrong decodings one after the other, at most `MOST_READINGS`."""
    for _ in range(MOST_READINGS):
        if (before := undo_wrong_encoding(text)) == text:
            break
        text = before
    return text


def _unescape(text: str) -> str:
    """Return `text` with escaped letters replaced; if there are none, `text` itself."""
    by_json, by_address, by_mail = ESCAPES
    text = by_json.sub(lambda run: _of_json(run[0]), text)
    text = by_address.sub(lambda run: _of_bytes(run[0], "%"), text)
    return by_mail.sub(lambda run: _of_bytes(run[0], "="), text)


def _of_json(escaped: str) -> str:
    units = bytes.fromhex(escaped.replace("\\u", ""))
    try:
        return units.decode("utf-16-be")
    except UnicodeError:
        return escaped


def _of_bytes(escaped: str, mark: str) -> str:
    """Return the text of UTF-8 bytes written as `mark` and two hexadecimal digits each.

    Returns `escaped` unchanged if they are not valid UTF-8 or are only ASCII.
    """
    try:
        letters = bytes.fromhex(escaped.replace(mark, "")).decode("utf-8")
    except UnicodeError:
        return escaped
    return escaped if letters.isascii() else letters


def undo_wrong_encoding(text: str) -> str:
    """Return `text` with one wrong decoding of UTF-8 undone; if there was none, `text` itself."""
    for encoding, starts in OTHER_ENCODINGS.items():

        def original(run: re.Match[str], encoding: str = encoding, starts: str = starts) -> str:
            return _decoded(run, encoding) if run[0][0] in starts else run[0]

        if (before := NOT_ASCII.sub(original, text)) != text:
            return before
    return text


def _decoded(run: re.Match[str], encoding: str) -> str:
    """Return `run` encoded as `encoding` and then decoded as UTF-8; `run` if that is impossible."""
    letters = run[0]
    try:
        text = b"".join(_byte(letter, encoding) for letter in letters).decode("utf-8")
    except UnicodeError:
        return letters
    after = run.string[run.end() : run.end() + 1]
    if len(letters) == 2 and letters[1] in PUNCTUATION and not after.islower():
        return letters  # an undamaged last letter of a word, then a quote or dash
    return text


def _byte(letter: str, encoding: str) -> bytes:
    """Return the byte of `letter` in `encoding`.

    Windows-1252 does not define five bytes. Programs decode each of them as the control character
    with the same number. For such a control character, that byte is returned.
    """
    if encoding == "cp1252" and letter in "\x81\x8d\x8f\x90\x9d":
        return letter.encode("latin-1")
    return letter.encode(encoding)
