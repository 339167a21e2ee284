"""Reads the size of a picture as people write it, and says how it must be written in YAML.

People write `4K`, `Full HD`, `1920x1080` or `[1920, 1080]`; the settings are a width and a height.
"""

from __future__ import annotations

import re
from typing import Any

NAMES = {
    "vga": (640, 480),
    "svga": (800, 600),
    "xga": (1024, 768),
    "wxga": (1280, 800),
    "wuxga": (1920, 1200),
    **dict.fromkeys(("hd", "hdready", "hd720", "720p"), (1280, 720)),
    **dict.fromkeys(("fhd", "fullhd", "hd1080", "1080p", "1080i"), (1920, 1080)),
    **dict.fromkeys(("qhd", "wqhd", "quadhd", "2k", "1440p"), (2560, 1440)),
    **dict.fromkeys(("uhd", "ultrahd", "4k", "4kuhd", "uhd4k", "2160p"), (3840, 2160)),
    **dict.fromkeys(("8k", "8kuhd", "4320p"), (7680, 4320)),
}
"""The width and height, px, of each size that has a name. Sellers print these names on the boxes of
cameras and screens. The names are in lower case, without blanks, hyphens and underscores. 2K is
2560×1440, as sellers of webcams use the name, and not 2048×1080 as in cinemas.
"""

KEYS = ("size", "resolution", "res", "dimensions", "picture_size", "frame_size")
"""Names that people invent for a setting with a width and a height as one value."""

_SIDES = re.compile(r"(\d{2,5})\s*(?:px)?\s*(?:[x\u00d7*]|by)\s*(\d{2,5})\s*(?:px|pixels?)?")
_SIDES_AND_COMMA = re.compile(r"[(\[]?\s*(\d{3,5})\s*[,;/]\s*(\d{3,5})\s*[)\]]?")
_RATE = re.compile(r"\s*(?:@|\bat\b).*|(?<=p)\d{2}$")
"""Matches the frame rate after a size, as in `1080p30` and `1920x1080 @ 30`."""


def meant_size(value: object) -> tuple[int, int] | None:
    """Return the width and height, px, that `value` means; None if it is not a size.

    A `value` is a text, a sequence of two numbers, or a section with `width` and `height`.
    """
    if isinstance(value, dict) and value.keys() == {"width", "height"}:
        value = value["width"], value["height"]
    if isinstance(value, tuple):
        value = "x".join(str(side) for side in value)
    if not isinstance(value, str):
        return None
    text = _RATE.sub("", value.strip().casefold())
    if match := _SIDES.fullmatch(text) or _SIDES_AND_COMMA.fullmatch(text):
        return int(match[1]), int(match[2])
    return NAMES.get(re.sub(r"[\s_-]", "", text))


def size_remedy(value: object, piece: dict[str, Any]) -> str:
    """Return the remedy if `value` is a width and a height but the setting takes one number.

    An example is `width: 1920x1080`. `piece` is the JSON schema of the setting. The result is "" if
    there is no remedy.
    """
    size, title = meant_size(value), piece.get("title")
    if size is None or title not in ("Width", "Height", "Size"):
        return ""
    if title == "Size":  # the side of a square
        return f"Write {size[0]}." if size[0] == size[1] else ""
    return f"Write {_on_two_lines(*size)}."


def unknown_size_remedy(key: object, value: object, names: list[str], section: str) -> str:
    """Return the remedy for a `key` that its section does not have; "" if there is none.

    There is a remedy only for the keys in `KEYS`, such as `resolution`. `names` are the settings
    that the key's section has. `section` is the name of a subsection that has a width and a height,
    or "".
    """
    is_here = {"width", "height"} <= set(names)
    if str(key).casefold() not in KEYS or not (is_here or section):
        return ""
    sides = _on_two_lines(*(meant_size(value) or (1920, 1080)))
    if is_here:
        start = "Write" if meant_size(value) else "Write the sides in pixels, such as"
        return f"{start} {sides}."
    return (
        f"For the picture of the camera, write {sides} under '{section}:'. The show fills the "
        "display, whose size is set in the computer's settings."
    )


def _on_two_lines(width: int, height: int) -> str:
    return f"`width: {width}` and `height: {height}`, on two lines"
