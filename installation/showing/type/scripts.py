"""The script that a character belongs to, and the scripts that share a font, from Unicode's data.

The data is fontTools', since Python's `unicodedata` knows no scripts. Some characters are used by
several scripts, and Unicode lists which: such a character needs a font of one of them (the Arabic
comma), unless they include a script that the kiosk's own face draws (the acute accent).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import fontTools.unicodedata

COMMON = frozenset({"Zyyy", "Zinh"})
"""ISO 15924's codes for characters of every script, and for marks that take their letter's."""

OWN_SCRIPTS = frozenset({"Latn", "Grek", "Cyrl"})
"""What the kiosk's own face draws."""

EAST_ASIAN_SCRIPTS = frozenset({"Bopo", "Hang", "Hani", "Hira", "Kana", "Yiii"})
"""What the fonts for Chinese, Japanese and Korean draw."""

EAST_ASIAN = "East Asian"
EMOJI = "Emoji"
"""Pictures among the letters. They have colours and skins of their own, and are never drawn."""
SYMBOLS = "Symbols"
NO_SCRIPT = "Unknown"
"""Unicode's name for the script of what it has not assigned, and of private characters."""

_PICTOGRAPHS = frozenset(map(chr, range(0x1F300, 0x1FB00)))
"""Unicode's blocks of pictures; some of them, such as the cloud with rain, are not wide."""

_PREFERRED = ("Arab", "Deva")
"""Of the scripts that share a character, the ones named before the others: most read them."""


@lru_cache(maxsize=8192)
def script_of(letter: str) -> str:
    """Return the ISO 15924 code of the script of `letter`: `Latn`; `""` if every script has it."""
    script = str(fontTools.unicodedata.script(letter))
    if script not in COMMON:
        return script
    users = fontTools.unicodedata.script_extension(letter)
    if users & (COMMON | OWN_SCRIPTS | EAST_ASIAN_SCRIPTS):
        return ""
    return next((each for each in _PREFERRED if each in users), min(users))


def font_group(letter: str) -> str:
    """Return the name of the letters that share a font with `letter`: `Hebrew`, `East Asian`."""
    width = unicodedata.east_asian_width(letter)
    if unicodedata.category(letter) == "So" and (width == "W" or letter in _PICTOGRAPHS):
        return EMOJI
    if width in "WF" or fontTools.unicodedata.script_extension(letter) & EAST_ASIAN_SCRIPTS:
        return EAST_ASIAN
    script = script_of(letter)
    return str(fontTools.unicodedata.script_name(script)) if script else SYMBOLS
