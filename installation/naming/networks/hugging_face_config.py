"""config.json and its like from Hugging Face: what they say of a network, judged as it is read.

Nothing here imports torch or timm, so that `kiosk labels check` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from installation.errors import LabelSetError, Mistake, display_path, ellipsize
from installation.naming.label_set.folder import LARGEST
from installation.naming.label_set.output_names import parse_config
from installation.settings.text_file import read_text

if TYPE_CHECKING:
    from installation.naming.networks.encoder import Channels

TIMM = "timm"
VIT = "ViTForImageClassification"
DEIT = "DeiTForImageClassification"
DEIT_TAUGHT = "DeiTForImageClassificationWithTeacher"
CONVNEXT = "ConvNextForImageClassification"
KINDS = (VIT, DEIT, DEIT_TAUGHT, CONVNEXT)
"""The classes of transformers whose networks are understood."""
UNDERSTOOD = f"those that timm saved, with an `architecture`, and transformers' {', '.join(KINDS)}"

WIDEST = 20_000
"""Numbers in a layer; the largest have some 15,000."""


class Config:
    """A JSON file from Hugging Face, whose numbers are judged as they are read."""

    def __init__(self, said: Mapping[str, object], file: str) -> None:
        self.said = said
        self.file = file

    @classmethod
    def read(cls, path: Path) -> Config:
        """Read the file; raises LabelSetError where it is no JSON or no mapping."""
        file = display_path(path)
        return cls(
            parse_config(read_text(path, file, LabelSetError, LARGEST[path.name]), file), file
        )

    def kind(self) -> str:
        """Return what saved the network: TIMM, or the name of one of transformers' classes.

        Raises LabelSetError where that is none of KINDS.
        """
        if "architecture" in self.said:
            return TIMM
        kinds = self.said.get("architectures")
        kind = kinds[0] if isinstance(kinds, list) and len(kinds) == 1 else None
        if kind not in KINDS:
            raise self.wrong(f"it is for {ellipsize(repr(kinds))} (expected {UNDERSTOOD})")
        return str(kind)

    def part(self, key: str) -> Config:
        """Return the mapping under `key`; an empty one where there is none."""
        part = self.said.get(key)
        return Config(part if isinstance(part, dict) else {}, self.file)

    def number(self, key: str, default: int | None, most: int = WIDEST) -> int:
        """Return the whole number from 1 to `most` under `key`, or `default`."""
        value = self.said.get(key, default)
        if type(value) is not int or not 1 <= value <= most:
            seen = "missing" if value is None else ellipsize(repr(value))
            raise self.wrong(f"{key} is {seen} (expected a number from 1 to {most:,})")
        return value

    def side(self, key: str, default: int | None, least: int = 16) -> int:
        """Return a square's side, px, given as a number or as two or three that end in it."""
        value = self.said.get(key, default)
        sides = value[-2:] if isinstance(value, list) else [value, value]
        last = sides[-1] if len(sides) == 2 and sides[0] == sides[1] else None
        if type(last) is not int or not least <= last <= 1024:
            what = f"{key} is {ellipsize(repr(value))} (expected a square of {least} to 1,024 px)"
            raise self.wrong(what)
        return last

    def numbers(self, key: str, default: list[int], most: int = WIDEST) -> list[int]:
        """Return as many whole numbers from 1 to `most` as `default` has."""
        value = self.said.get(key, default)
        if (
            not isinstance(value, list)
            or len(value) != len(default)
            or not all(type(of) is int and 1 <= of <= most for of in value)
        ):
            expected = f"expected {len(default)} numbers from 1 to {most:,}"
            raise self.wrong(f"{key} is {ellipsize(repr(value))} ({expected})")
        return value

    def channels(self, key: str, least: float, default: float) -> Channels:
        """Return three numbers between `least` and 10."""
        value = self.said.get(key, [default] * 3)
        if (
            not isinstance(value, list)
            or len(value) != 3
            or not all(type(of) in (int, float) and least <= of <= 10 for of in value)
        ):
            raise self.wrong(f"{key} is {ellipsize(repr(value))} (expected three numbers up to 10)")
        red, green, blue = (float(of) for of in value)
        return red, green, blue

    def wrong(self, what: str) -> LabelSetError:
        """Return the error that says `what` is not understood, and what is."""
        remedy = f"Bring a classifier that is understood: {UNDERSTOOD}; or an ONNX file."
        return LabelSetError(Mistake(self.file, what, remedy))
