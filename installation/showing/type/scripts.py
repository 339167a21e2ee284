"""Finds a character's script by Unicode's data, and the group of scripts that share a font.

The data comes from fontTools, because Python's `unicodedata` has no scripts. For a character that
several scripts use, Unicode lists these scripts. Such a character, for example the Arabic comma,
needs a font for one of them. If the kiosk's own typeface draws one of these scripts, as for the
acute accent, no further font is needed.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import fontTools.unicodedata

COMMON = frozenset({"Zyyy", "Zinh"})
"""The ISO 15924 codes for characters that all scripts use, and for marks that belong to the script
of the letter before them.
"""

OWN_SCRIPTS = frozenset({"Latn", "Grek", "Cyrl"})
"""The scripts that the kiosk's own typeface draws."""

EAST_ASIAN_SCRIPTS = frozenset({"Bopo", "Hang", "Hani", "Hira", "Kana", "Yiii"})
"""The scripts that the fonts for Chinese, Japanese and Korean draw."""

EAST_ASIAN = "East Asian"
EMOJI = "Emoji"
"""The group of emoji, which are never drawn, because they have fixed colours and skin tones."""
SYMBOLS = "Symbols"
NO_SCRIPT = "Unknown"
"""The name of the script of unassigned and private-use characters."""

_PICTOGRAPHS = frozenset(map(chr, (*range(0x1F1E6, 0x1F200), *range(0x1F300, 0x1FB00))))
"""The letters that form flags in pairs, and Unicode's blocks of pictographs. `font_group` finds
other emoji by their width, but some of these, such as the cloud with rain, are not wide.
"""

_PREFERRED = ("Arab", "Deva")
"""The scripts whose fonts are preferred for a character of several scripts, because they have the
most readers.
"""


@lru_cache(maxsize=8192)
def script_of(letter: str) -> str:
    """Return the ISO 15924 code of `letter`'s script, like `Latn`.

    For a character that several scripts share, the result is the code of one of them. It is `""` if
    all scripts share the character, or if Latin, Greek, Cyrillic or an East Asian script uses it.
    """
    script = str(fontTools.unicodedata.script(letter))
    if script not in COMMON:
        return script
    users = fontTools.unicodedata.script_extension(letter)
    if users & (COMMON | OWN_SCRIPTS | EAST_ASIAN_SCRIPTS):
        return ""
    return next((each for each in _PREFERRED if each in users), min(users))


def font_group(letter: str) -> str:
    """Return the name of the group of scripts whose font has `letter`, such as `East Asian`."""
    width = unicodedata.east_asian_width(letter)
    kind = unicodedata.category(letter)
    # The category of skin tones is Sk.
    if (kind in ("So", "Sk") and letter in _PICTOGRAPHS) or (kind == "So" and width == "W"):
        return EMOJI
    # Python calls letters that are newer than itself wide.
    is_wide = width in "WF" and kind != "Cn"
    if is_wide or fontTools.unicodedata.script_extension(letter) & EAST_ASIAN_SCRIPTS:
        return EAST_ASIAN
    script = script_of(letter)
    return str(fontTools.unicodedata.script_name(script)) if script else SYMBOLS
