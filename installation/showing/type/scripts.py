"""Finds the script of a character, and the scripts that share a font, from Unicode's data.

The data comes from fontTools, because Python's `unicodedata` has no scripts. Unicode lists the
scripts of characters that several scripts use. Such a character needs a font for one of these
scripts (the Arabic comma), unless one of them is drawn by the kiosk's own typeface (the acute
accent).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import fontTools.unicodedata

COMMON = frozenset({"Zyyy", "Zinh"})
"""The ISO 15924 codes of characters that all scripts share, and of marks that take the script of
their letter.
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
"""The halves of flags, and Unicode's blocks of pictographs; some of them, such as the cloud with
rain, are not wide.
"""

_PREFERRED = ("Arab", "Deva")
"""The scripts that are preferred for a shared character, because most readers use them."""


@lru_cache(maxsize=8192)
def script_of(letter: str) -> str:
    """Return the ISO 15924 code of the script of `letter`: `Latn`; `""` if all scripts share it."""
    script = str(fontTools.unicodedata.script(letter))
    if script not in COMMON:
        return script
    users = fontTools.unicodedata.script_extension(letter)
    if users & (COMMON | OWN_SCRIPTS | EAST_ASIAN_SCRIPTS):
        return ""
    return next((each for each in _PREFERRED if each in users), min(users))


def font_group(letter: str) -> str:
    """Return the name of the group of scripts that share a font with `letter`: `East Asian`."""
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
