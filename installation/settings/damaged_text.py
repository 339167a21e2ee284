"""Finds texts that other programs, such as spreadsheets, have damaged.

A label or a title that reads "KÃ¼nstler" or "#REF!" would hang on the wall. So such texts are
refused, with what was probably meant. The rules describe what programs write, not how people write.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from installation.errors import ellipsize

LOST = "\ufffd"
"""The sign that programs write for a letter that they cannot read."""

OTHER_ENCODINGS = {
    "cp1252": "\u00c2\u00c3\u00c4\u00c5\u00ce\u00cf\u00d0\u00d1\u00e2",
    "mac-roman": "\u00ac\u221a\u0192\u2248\u201a",
}
"""Those in which programs read UTF-8 by mistake: that of Windows, and that of old Macs.

Each has the letters as which Latin, Greek or Cyrillic letters, or a quote, begin in it.
"""

PUNCTUATION = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2039\u203a\u00ab\u00bb"
"""Quotes and dashes, which may follow a capital letter in a text that is right."""

NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

CELL_ERROR = re.compile(
    r"#(?:NAME\?|REF!|VALUE!|N/A|DIV/0!|NULL!|NUM!|SPILL!|GETTING_DATA"
    r"|BEZUG!|WERT!|NV|ZAHL!|NOM\?|VALEUR!|NOMBRE!|NB!|\u00a1REF!|\u00bfNOMBRE\?|\u00a1VALOR!)"
    r"|Err:[0-9]{3}|#ERROR!|Loading\.\.\."
)
"""What a spreadsheet shows for a formula without a result, in four languages."""

FORMULA = re.compile(r"=[-+(\"A-Za-z0-9]")

NO_VALUE = ("NaN", "NULL", "undefined")
"""What programs write for an empty cell; in other capital letters they may be names."""

ENTITY = re.compile(r"&(?:#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5}|[A-Za-z][A-Za-z0-9]{1,30});")

TAG = re.compile(
    r"</?(?:a|b|i|u|s|em|strong|br|p|span|div|font|li|ul|ol|h[1-6]|sub|sup|small|img|script|style"
    r"|table|tr|td|th|pre|code|center|hr|section)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)

EXCEL_ESCAPE = re.compile(r"_x00[01][0-9A-F]_")
"""How Excel writes a line break or another control character into its files."""

ESCAPES = (
    re.compile(r"(?:\\u[0-9A-Fa-f]{4})+"),
    re.compile(r"(?:%[0-9A-F]{2}){2,}"),
    re.compile(r"(?:=[0-9A-F]{2}){2,}"),
)
"""How JSON, web addresses and e-mails write letters beyond ASCII."""

NARROW = re.compile(r"#{2,}")
"""What a spreadsheet shows if a column is too narrow for what is in it."""

MOST_READINGS = 4
"""How often a text is read in a wrong encoding, one file after the other, and is undone."""

LOST_IN_WORD = re.compile(r"[^\W\d_]\?[^\W\d_]")
"""A question mark inside a word, which old programs write for a letter that they do not have."""


class Damage(NamedTuple):
    """What is wrong with a text, and the remedy."""

    what: str
    remedy: str


def find_damage(text: str) -> Damage | None:
    """Return what another program did to `text`; None if nothing is found."""
    seen = ellipsize(text)
    if LOST in text:
        what = f"has a letter that was lost (U+FFFD, seen '{seen}')"
        return Damage(what, "Type it again, and save the file as UTF-8.")
    if (original := _undo_each(text)) != text:
        what = f"was read in a wrong encoding (seen '{seen}')"
        return Damage(what, f"Was '{ellipsize(original)}' meant? Type it, and save as UTF-8.")
    if CELL_ERROR.match(text):
        what = f"is a spreadsheet's error '{seen}'"
        return Damage(what, "Type text into the cell; text that begins with = needs a ' before it.")
    if NARROW.fullmatch(text):
        what = f"is '{seen}', which a spreadsheet shows if a column is too narrow"
        return Damage(what, "Make the column wider, or type the text.")
    if (plain := _unescape(text)) != text:
        what = f"has letters in the spelling of a program (seen '{seen}')"
        return Damage(what, f"Was '{ellipsize(plain)}' meant? Type it.")
    if FORMULA.match(text):
        return Damage(f"is a formula (seen '{seen}')", "Type its result, as text.")
    if text in NO_VALUE:
        what = f"is '{seen}', which programs write for an empty cell"
        return Damage(what, "Leave the cell empty, or write other text.")
    if ENTITY.search(text) and (plain := html.unescape(text)) != text:
        what = f"has a sign of web pages (seen '{seen}')"
        plain = " ".join(plain.split())  # a no-break space is a blank
        return Damage(what, f"Was '{ellipsize(plain)}' meant? Type it." if plain else "Delete it.")
    if TAG.search(text):
        what = f"has a tag of web pages (seen '{seen}')"
        plain = " ".join(TAG.sub(" ", text).split())
        if not plain:
            return Damage(what, "Delete it.")
        return Damage(what, f"Was '{ellipsize(plain)}' meant? The wall has no bold or italic text.")
    if EXCEL_ESCAPE.search(text):
        what = f"has Excel's sign for a line break or a control character (seen '{seen}')"
        return Damage(what, "Delete it.")
    if LOST_IN_WORD.search(text) and "://" not in text:
        what = f"has a question mark inside a word (seen '{seen}'), as for a letter that was lost"
        return Damage(what, "Type the letter, and save the file as UTF-8.")
    return None


def _undo_each(text: str) -> str:
    """Return `text` as it was before it was read in a wrong encoding, once or several times."""
    for _ in range(MOST_READINGS):
        if (before := undo_wrong_encoding(text)) == text:
            break
        text = before
    return text


def _unescape(text: str) -> str:
    """Return `text` with the letters that a program has spelt out in ASCII; else `text` itself."""
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
    """Return the letters whose UTF-8 is spelt as hexadecimal numbers; only letters beyond ASCII."""
    try:
        letters = bytes.fromhex(escaped.replace(mark, "")).decode("utf-8")
    except UnicodeError:
        return escaped
    return escaped if letters.isascii() else letters


def undo_wrong_encoding(text: str) -> str:
    """Return `text` as it was before UTF-8 was read in another encoding; else `text` itself."""
    for encoding, starts in OTHER_ENCODINGS.items():

        def original(run: re.Match[str], encoding: str = encoding, starts: str = starts) -> str:
            return _decoded(run, encoding) if run[0][0] in starts else run[0]

        if (before := NOT_ASCII.sub(original, text)) != text:
            return before
    return text


def _decoded(run: re.Match[str], encoding: str) -> str:
    """Return the text whose UTF-8 reads as the letters of `run` in `encoding`; else the letters."""
    letters = run[0]
    try:
        text = b"".join(_byte(letter, encoding) for letter in letters).decode("utf-8")
    except UnicodeError:
        return letters
    after = run.string[run.end() : run.end() + 1]
    if len(letters) == 2 and letters[1] in PUNCTUATION and not after.islower():
        return letters  # the last letter of a word, and a quote or dash
    return text


def _byte(letter: str, encoding: str) -> bytes:
    """Return the byte of `letter`; Windows keeps five bytes without a letter as they are."""
    if encoding == "cp1252" and letter in "\x81\x8d\x8f\x90\x9d":
        return letter.encode("latin-1")
    return letter.encode(encoding)
