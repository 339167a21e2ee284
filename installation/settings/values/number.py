"""Reads numbers as people write them, and says how a setting must be written in YAML."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

Option = dict[str, Any]
"""The JSON schema of a number."""

NUMBER = re.compile(
    r"([-+]?(?:\d(?:[\d., '\u00a0\u202f]*\d)?|[.,]\d+))\s*(%|p[a-z]* ?c[a-z]*|[a-z\u00b0]*)\.?",
    re.IGNORECASE,
)
"""Matches a number as people write it, with or without a unit."""

AROUND_NUMBER = " \t\u00a0\"'\u2018\u2019\u201a\u201c\u201d\u201e();=~\u2248"
"""The blanks and signs that people write around a number; none of them changes its value."""

INSIDE_NUMBER = re.compile(r"[\s'](?=[.,])|(?<=[.,])\s|[\s'](?=\d{3}(?!\d))")
"""Matches a blank or apostrophe in a number if a point, a comma or exactly three digits follow; it
also matches a blank after a point or comma.
"""

OTHER_POINTS = str.maketrans("\u066b\u00b7", "..")
"""The Arabic decimal separator and the raised point, which are read as a decimal point."""

FRACTION = re.compile(r"(?:(\d{1,4})\s+)?(\d{1,5})\s*[/\u2044]\s*(\d{1,4})")
"""Matches a number that is written as a fraction, such as 1/2 or 1 1/2."""

VULGAR_FRACTION = re.compile("[\u00bc-\u00be\u2150-\u215e]")
"""Matches a fraction that is one character, such as \u00bd."""

PERCENT = re.compile(r"%|p[a-z]* ?c[a-z]*|prozent", re.IGNORECASE)
"""Matches the word or sign for a percentage, in the languages of the kiosk."""

SECONDS = {
    "ms": 0.001,
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
}
"""The length, s, of each unit of time that people write although settings are in seconds."""

MOST_ROUNDED = 0.05
"""The largest difference between a number and a whole number to which it is rounded: 29.97 pictures
a second become 30.
"""

THOUSANDS = re.compile(r"\d{1,3}(?:[., '\u00a0\u202f]\d{3})+")
"""Matches a whole number with separators between thousands."""

LEAST_PERCENT = 10
"""If a setting must be from 0 to 1, a value of this number or more is assumed to be a percentage.
The limit is a guess.
"""


def number_remedy(value: object, option: Option) -> str:
    """Return the remedy for a `value` that is meant as a number, such as "Write 5."; "" if none.

    `option` is the schema of the number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    share = option.get("type") == "number" and any(
        option.get(bound, math.inf) <= 1 for bound in ("maximum", "exclusiveMaximum")
    )
    hint = ""
    if isinstance(value, str):
        parsed = _parse_number(value, is_integer=option["type"] == "integer")
        if parsed is None:
            return ""
        number, unit, hint = parsed
        number *= SECONDS.get(unit, 1)
        share = share and (PERCENT.fullmatch(unit) is not None or number >= LEAST_PERCENT)
    else:
        number = float(value)
        share = share and number >= LEAST_PERCENT
    if not math.isfinite(number):
        return ""
    if share:
        number, hint = number / 100, ""
    elif option["type"] == "integer":
        number = _whole(number, option)
    if _allows(option, number):
        return f"Write {number:.12g}{hint}."
    if not share:
        return ""
    bound = _nearest_bound(number, option)
    fault = "large" if bound.startswith("at most") else "small"
    return f"Write {bound}; {100 * number:.12g} % is {number:.12g}, which is too {fault}."


def _parse_number(text: str, *, is_integer: bool) -> tuple[float, str, str] | None:
    """Return the number in `text`, its unit, and a hint such as ", with a point".

    The remedy ends with the hint: "Write 0.5, with a point." The hint may be "". Returns None if
    `text` is not a number.
    """
    seen = text.strip()
    text = VULGAR_FRACTION.sub(lambda match: " " + unicodedata.normalize("NFKC", match[0]), text)
    bare = text.translate(OTHER_POINTS).strip(AROUND_NUMBER).rstrip(".,")
    if (parts := FRACTION.fullmatch(bare)) and int(parts[3]):
        return round(int(parts[1] or 0) + int(parts[2]) / int(parts[3]), 3), "", ""
    match = NUMBER.fullmatch(bare)
    if match is None:
        return None
    digits, unit = match.groups()
    if is_integer and THOUSANDS.fullmatch(digits):
        digits = re.sub(r"\D", "", digits)
    digits = INSIDE_NUMBER.sub("", digits)
    hint = ", with a point" if "," in digits else ", without quotes" if digits == seen else ""
    try:
        return float(digits.replace(",", ".")), unit.casefold(), hint
    except ValueError:
        return None  # two points, or two numbers


def _whole(number: float, option: Option) -> float:
    """Return the whole number that the writer of `number` probably meant.

    The result is `number` itself if this is unclear. A rotation such as 450 or -90 becomes the same
    rotation from 0 to 359, if the setting allows that.
    """
    if not number.is_integer():
        thousands = round(1000 * number, 9)  # a point between thousands, as in 1.280
        if _allows(option, thousands):
            return thousands
        return float(round(number)) if abs(number - round(number)) <= MOST_ROUNDED else number
    # A rotation may be counted the other way round.
    return number % 360 if number % 360 in option.get("enum", ()) else number


def _nearest_bound(share: float, option: Option) -> str:
    """Return the bound of `option` that `share` violates, such as 'at most 0.99'."""
    if share > option.get("minimum", 0) and share > option.get("exclusiveMinimum", 0):
        return f"at most {option.get('maximum', option.get('exclusiveMaximum', 1) - 0.01):g}"
    return f"at least {option.get('minimum', option.get('exclusiveMinimum', 0) + 0.01):g}"


def _allows(option: Option, number: float) -> bool:
    """Return whether `option` allows `number`."""
    return (
        number in option.get("enum", [number])
        and number >= option.get("minimum", number)
        and number <= option.get("maximum", number)
        and number > option.get("exclusiveMinimum", -math.inf)
        and number < option.get("exclusiveMaximum", math.inf)
        and (option["type"] == "number" or number.is_integer())
    )
