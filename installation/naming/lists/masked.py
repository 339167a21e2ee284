"""The classes of ImageNet-1k that take no part in reading people, with the reason of each.

A network that was trained on things sees animals in faces, swimwear in bare shoulders, a neck brace
in an open collar, and an abaya in a headscarf. What says nothing of a person, and what would read
their belief, origin, health or body, is taken out of the network's answer before its softmax: the
other classes share the whole, and no masked class moves any score. masked.csv is the list; no
setting lifts it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

MASKED_CSV = Path(__file__).with_name("masked.csv")
"""The columns `id` (WordNet's), `name` and `reason`, a row for each masked class."""


@cache
def reasons() -> Mapping[str, str]:
    """Return the reason of each masked class by its WordNet id."""
    with MASKED_CSV.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}
