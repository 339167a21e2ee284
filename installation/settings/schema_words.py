"""What a setting expects, in plain words made from the JSON schema of its model.

A new setting therefore needs no message of its own. The alternative, pydantic's own messages, speak
of types and validators to a reader who knows neither.
"""

from __future__ import annotations

from typing import Any

from installation.errors import did_you_mean, ellipsize, nearest

Keys = tuple[str | int, ...]
"""The way to a setting: `("camera", "fps")`, `("content", "hide", 3)`."""

Schema = dict[str, Any]
"""A model's JSON schema, or a piece of it."""

COLON = "Write each setting as 'name: value', with a space after the colon."
"""The remedy for lines that are not settings."""

CHOICE_CUTOFF = 0.7
"""`nearest`'s cutoff for a setting's choices, which are short words."""

BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
}


def setting_name(keys: Keys) -> str:
    """Return 'content.hide, item 4' for `("content", "hide", 3)`."""
    name = ".".join(ellipsize(key) for key in keys if isinstance(key, str))
    items = "".join(f", item {key + 1}" for key in keys if isinstance(key, int))
    return f"{name}{items}" or "the file"


def value_in_words(value: object) -> str:
    """Return how a message quotes a setting's value."""
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
    """Return the piece of `schema` for the setting at `keys`; empty if there is no such setting."""
    piece = schema
    for key in keys:
        for option in _options(piece, schema):
            if key in option.get("properties", {}):
                piece = option["properties"][key]
                break
            if isinstance(key, int) and "items" in option:
                piece = option["items"]
                break
            if isinstance(option.get("additionalProperties"), dict):
                piece = option["additionalProperties"]
                break
        else:
            return {}
    return piece


def expected_in_words(piece: Schema, schema: Schema) -> str:
    """Return what `piece` of `schema` takes, such as 'a whole number from 1 to 240'."""
    if "description" in piece:
        return str(piece["description"])
    options = [_option_in_words(option, schema) for option in _options(piece, schema)]
    return " or ".join(options) or "something else"


def remedy_for_value(value: object, plain_word: bool, piece: Schema, schema: Schema) -> str:
    """Return the remedy for a `value` that `piece` of `schema` does not take.

    `plain_word`: the file has it as a word without quotes, which YAML took for another type.
    """
    options = _options(piece, schema)
    if isinstance(value, str):
        choices = [str(choice) for option in options for choice in option.get("enum", [])]
        choices += [str(option["const"]) for option in options if "const" in option]
        if meant := nearest(value, choices, cutoff=CHOICE_CUTOFF):
            return did_you_mean(meant)
        if ":" in value and any(option.get("type") == "object" for option in options):
            return COLON
    if plain_word and any(_takes_any_text(option) for option in options):
        return "If it is meant as text, put it in quotes."
    default = piece.get("default")
    if isinstance(default, str | int | float) and default != "":
        return f"Change it, or leave it out for the default, {value_in_words(default)}."
    return "Change it, or leave it out." if "default" in piece else "Change it."


def explain_unknown_key(keys: Keys, schema: Schema) -> tuple[str, str]:
    """Return what is wrong with a key that its section does not take, and the remedy.

    A section's schema may say under `fixed` which keys it refuses, and why.
    """
    for option in _options(find_piece(schema, keys[:-1]), schema):
        if reason := option.get("fixed", {}).get(keys[-1]):
            return f"{setting_name(keys)} cannot be changed here ({reason})", "Remove it."
    return f"{setting_name(keys)} is not a setting", _remedy_for_unknown_key(keys, schema)


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
            return f"a list, each item {expected_in_words(option.get('items', {}), schema)}"
        case "object":
            names = _setting_names(option)
            return "a section with " + ", ".join(names) if names else "a section"
        case "null":
            return "nothing"
    return "something else"


def _range_in_words(option: Schema) -> str:
    if "minimum" in option and "maximum" in option:
        return f" from {option['minimum']:g} to {option['maximum']:g}"
    bounds = [f"{words} {option[bound]:g}" for bound, words in BOUNDS.items() if bound in option]
    return ", " + " and ".join(bounds) if bounds else ""


def _takes_any_text(option: Schema) -> bool:
    return option.get("type") == "string" and not option.keys() & {"enum", "const"}


def _remedy_for_unknown_key(keys: Keys, schema: Schema) -> str:
    key = str(keys[-1])
    options = _options(find_piece(schema, keys[:-1]), schema)
    known = [name for option in options for name in _setting_names(option)]
    if meant := nearest(key, known):
        return did_you_mean(meant)
    for section in _setting_names(schema):
        options = _options(find_piece(schema, (section,)), schema)
        if any(key in _setting_names(option) for option in options):
            return f"It belongs under '{section}:', on a line of its own and indented."
    if key in _setting_names(schema):
        return "It belongs at the start of a line, not indented."
    return f"Known here: {', '.join(known)}."


def _setting_names(option: Schema) -> list[str]:
    return list(option.get("properties", {}))
