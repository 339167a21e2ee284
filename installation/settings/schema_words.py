"""Describes in plain words which values a setting allows, from the JSON schema of its model.

A new setting therefore needs no new message. Rejected: pydantic's messages, which use terms of
Python that a curator does not know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from installation.errors import did_you_mean, ellipsize, nearest
from installation.settings.values.number import number_remedy
from installation.settings.values.size import KEYS, size_remedy, unknown_size_remedy

Keys = tuple[str | int, ...]
"""The path of a setting in the file, such as `("camera", "fps")`. Items of a list are counted from
0: `("content", "hide", 3)` is the fourth item of `content.hide`.
"""

Schema = dict[str, Any]
"""A model's JSON schema, or a part of one."""

COLON = "Write each setting as 'name: value', with a space after the colon."
"""The remedy for a line that is not a setting."""

CONNECTOR = r"[A-Za-z][A-Za-z-]*[0-9]+([.-][0-9]+)*"
"""Matches the name of a display's connector as `xrandr` lists it."""

ROTATE_REMEDY = (
    "Write it under 'screen:' if the screen hangs sideways, or under 'camera:' if the camera is "
    "mounted sideways."
)
SIZE_REMEDY = (
    "Remove this setting. The show fills the display, whose size is set in the computer's settings."
)

HOURS_REMEDY = (
    "The show has no opening hours of its own. A timer of systemd can end it: see docs/venue.md, "
    "'8. Stopping for the night'."
)
HOURS = ("hours", "opening_hours", "schedule", "open", "close", "opens", "closes", "days")
"""Names of settings that people invent to state opening hours; none of these settings exists."""

ELSEWHERE = {"rotate": ROTATE_REMEDY, **dict.fromkeys(HOURS, HOURS_REMEDY)}
SCREEN_ELSEWHERE = dict.fromkeys(("width", "height", *KEYS), SIZE_REMEDY)
"""The remedies for settings that people write in the wrong place: at the top level (`ELSEWHERE`),
and under `screen` (`SCREEN_ELSEWHERE`).
"""

CHOICE_CUTOFF = 0.7
"""The cutoff of `nearest` for a setting's choices, which are short words."""

YES = ("true", "yes", "y", "on", "1", "ja", "wahr", "oui", "vrai", "si", "sí", "verdadero")
"""The words that people write for true in the languages of the kiosk, with or without quotes."""
NO = ("false", "no", "n", "off", "0", "nein", "falsch", "non", "faux", "falso")
"""The words that people write for false in the languages of the kiosk, with or without quotes."""

NOTHING = ("none", "nothing", "default", "n/a", "-", "undefined", "keine", "ninguno", "aucun")
"""The words that people write for "no value"."""

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def setting_name(keys: Keys) -> str:
    """Return 'content.hide, item 4' for `("content", "hide", 3)`."""
    name = ".".join(ellipsize(key) for key in keys if isinstance(key, str))
    items = "".join(f", item {key + 1}" for key in keys if isinstance(key, int))
    return f"{name}{items}" or "the file"


def value_in_words(value: object) -> str:
    """Return a setting's value as messages quote it."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{ellipsize(value)}'"
        case tuple():
            return "a list"
        case dict():
            return "a section"
    return str(value)


def find_piece(schema: Schema, keys: Keys) -> Schema:
    """Return the part of `schema` for the setting at `keys`; empty if there is none."""
    piece = schema
    for key in keys:
        for option in _options(piece, schema):
            if key in option.get("properties", {}):
                piece = option["properties"][key]
                break
            if isinstance(key, int) and (items := _item(option)):
                piece = items
                break
            if isinstance(option.get("additionalProperties"), dict):
                piece = option["additionalProperties"]
                break
        else:
            return {}
    return piece


def is_free_text(piece: Schema, schema: Schema) -> bool:
    """Return whether `piece` of `schema` is a text that people read, not a name or a path."""
    return any(
        option.get("type") == "string"
        and not option.keys() & {"const", "enum"}
        and str(piece.get("description", option.get("description", "text"))).startswith("text")
        for option in _options(piece, schema)
    )


def expected_in_words(piece: Schema, schema: Schema) -> str:
    """Return the values that `piece` of `schema` allows, such as 'a whole number from 1 to 240'."""
    if "description" in piece:
        return str(piece["description"])
    options = [_option_in_words(option, schema) for option in _options(piece, schema)]
    return " or ".join(options) or "something else"


def remedy_for_value(value: object, plain_word: bool, piece: Schema, schema: Schema) -> str:
    """Return the remedy for a `value` that `piece` of `schema` does not allow.

    `plain_word` is True if the value has no quotes in the file and YAML therefore read it as a
    number, as true or false, or as nothing.
    """
    options = _options(piece, schema)
    if remedy := size_remedy(value, piece) or _remedy_for_form(value, options):
        return remedy
    if isinstance(value, str):
        choices = [str(choice) for option in options for choice in option.get("enum", [])]
        choices += [str(option["const"]) for option in options if "const" in option]
        if meant := nearest(value, choices, cutoff=CHOICE_CUTOFF):
            return did_you_mean(meant)
        if set(":=") & set(value) and any(option.get("type") == "object" for option in options):
            return COLON
    if plain_word and any(_takes_text(option, str(value)) for option in options):
        return "If the value is meant as text, put it in quotes."
    default = piece.get("default")
    if isinstance(default, str | int | float) and default != "":
        return (
            f"Change the value, or delete the line to use the default, {value_in_words(default)}."
        )
    return "Change the value, or remove the setting." if "default" in piece else "Change it."


def _remedy_for_form(value: object, options: Sequence[Schema]) -> str:
    """Return the remedy for a value that is valid, but written in a wrong form; "" otherwise."""
    for option in options:
        match option.get("type"):
            case "boolean" if not isinstance(value, float | tuple | dict):
                word = str(value).strip().casefold()
                meant = "true" if word in YES else "false" if word in NO else ""
                if meant:
                    return f"Write {meant}{', without quotes' * (word == meant)}."
            case "integer" | "number":
                if meant := number_remedy(value, option):
                    return meant
            case "null" if isinstance(value, str) and value.casefold() in NOTHING:
                return "Leave it empty."
            case "array" if isinstance(value, str) and (items := _items(value, option)):
                return f"Type `[{ellipsize(', '.join(items))}]`, with brackets."
            case "object" if isinstance(value, tuple):
                return "Write each setting on a separate line, indented and without a dash."
            case "object" if "source" in _setting_names(option) and _is_source(value):
                return f"Type `source: {value}` on the next line, indented."
    return ""


def _items(value: str, option: Schema) -> list[str]:
    """Return the items of the list that `value` contains; none if it is not meant as a list."""
    if "," in value:
        return [item.strip() for item in value.split(",")]
    known = option.get("items", {}).get("enum", ())
    items = value.split()
    return items if all(item in known for item in items) else []


def _is_source(value: object) -> bool:
    return isinstance(value, str | int) and not set(":= ") & set(str(value))


def explain_unknown_key(keys: Keys, schema: Schema, value: object = None) -> tuple[str, str]:
    """Return the problem with a key that does not exist in its section, and the remedy.

    `value` is the key's value. If it is a size such as '1920x1080', the remedy uses its numbers.

    A section's schema may have two tables for such keys. `fixed` has the keys that the section
    rejects, each with the reason. `elsewhere` has the keys that people often write in this section
    by mistake, each with the remedy.
    """
    for option in _options(find_piece(schema, keys[:-1]), schema):
        if reason := option.get("fixed", {}).get(keys[-1]):
            return f"{setting_name(keys)} cannot be changed here ({reason})", "Remove it."
        if remedy := option.get("elsewhere", {}).get(keys[-1]):
            return f"{setting_name(keys)} is not a setting", remedy
    remedy = _remedy_for_unknown_key(keys, schema, value)
    return f"{setting_name(keys)} is not a setting", remedy


def _options(piece: Schema, schema: Schema) -> list[Schema]:
    """Return the alternatives that `piece` allows, with references and unions resolved."""
    if "$ref" in piece:
        return _options(schema["$defs"][piece["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in piece:
        return [option for part in piece["anyOf"] for option in _options(part, schema)]
    return [piece]


def _option_in_words(option: Schema, schema: Schema) -> str:
    if "const" in option:
        return str(option["const"])
    if "enum" in option:
        return "one of " + ", ".join(str(choice) for choice in option["enum"])
    match option.get("type"):
        case "integer":
            return "a whole number" + _range_in_words(option)
        case "number":
            return "a number" + _range_in_words(option)
        case "boolean":
            return "true or false"
        case "string":
            return str(option.get("description", "text"))
        case "array":
            item = expected_in_words(_item(option), schema)
            count = len(option.get("prefixItems", ()))
            start = f"a list of {count} items, in which" if count else "a list in which"
            return f"{start} each item is {item}"
        case "object":
            names = _setting_names(option)
            return "a section with " + ", ".join(names) if names else "a section"
        case "null":
            return "nothing"
    return "something else"


def _item(option: Schema) -> Schema:
    """Return the schema of a list's items, which is the same for all of them."""
    items: Schema = option.get("items") or next(iter(option.get("prefixItems", ())), {})
    return items


def _range_in_words(option: Schema) -> str:
    if "minimum" in option and "maximum" in option:
        return f" from {option['minimum']:g} to {option['maximum']:g}"
    bounds = [f"{words} {option[bound]:g}" for bound, words in BOUNDS.items() if bound in option]
    return ", " + " and ".join(bounds) if bounds else ""


def _takes_text(option: Schema, text: str) -> bool:
    """Return whether `option` is free text, not a choice of words, and allows `text`."""
    is_free = option.get("type") == "string" and not option.keys() & {"enum", "const"}
    return is_free and re.search(option.get("pattern", ""), text) is not None


def _remedy_for_unknown_key(keys: Keys, schema: Schema, value: object) -> str:
    key = str(keys[-1])
    known = _names_at(keys[:-1], schema)
    sized = (name for name in known if {"width", "height"} <= set(_names_at((name,), schema)))
    if remedy := unknown_size_remedy(key, value, known, next(sized, "") if len(keys) == 1 else ""):
        return remedy
    if meant := nearest(key, known):
        return did_you_mean(meant)
    for section in _setting_names(schema):
        if key in _names_at((section,), schema):
            return f"This setting belongs under '{section}:', on a separate, indented line."
    if key in _setting_names(schema):
        return "This setting belongs at the start of a line, not indented."
    return f"Settings allowed here: {', '.join(known)}."


def _names_at(keys: Keys, schema: Schema) -> list[str]:
    """Return the names of the settings in the section at `keys`."""
    options = _options(find_piece(schema, keys), schema)
    return [name for option in options for name in _setting_names(option)]


def _setting_names(option: Schema) -> list[str]:
    return list(option.get("properties", {}))


def typed(start: str, value: str) -> str:
    """Return the beginning of a remedy: "Type `name: value`", if `start` is "name: ".

    The result has no full stop, because callers add words to it.
    """
    return f"Type `{ellipsize(start)}{ellipsize(value)}`"


def quoted(text: str, *, not_with: str = "") -> str:
    """Return `text` in quotes, so that YAML reads it unchanged.

    Single quotes are used if `text` contains a double quote or a backslash, or if `not_with` is a
    double quote. Otherwise double quotes are used. Inside single quotes, each apostrophe of `text`
    is doubled.
    """
    if '"' not in text and "\\" not in text and not_with != '"':
        return f'"{text}"'
    if "'" not in text:
        return f"'{text}'"
    return "'" + text.replace("'", "''") + "'"


def yaml_remedy(description: str) -> str:
    """Return the remedy for a mistake in YAML's syntax, from PyYAML's `description` of it.

    It is used if `yaml_form` finds no mistake up to the line at which PyYAML stopped.
    """
    if "\\t" in description or "tab" in description:
        return "Indent with spaces, not with tabs."
    if "mapping values" in description:
        return "Put text that contains a colon in quotes, and indent all lines of a section alike."
    if "alias" in description or "anchor" in description:
        return (
            "Put text that begins with * or & in quotes; write the value in place of a reference."
        )
    return "Check the indentation, quotes and brackets of this line and of the line above."
