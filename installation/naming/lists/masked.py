"""The classes of ImageNet-1k that are never used for people, with the reason for each.

A network that was trained on objects sees animals in faces, swimwear in bare shoulders, a neck
brace in an open collar, and an abaya in a headscarf. Classes that say nothing about a person, and
classes that would judge a person's belief, origin, health or body, are removed from the network's
output before its softmax. So the remaining classes share the whole score, and no masked class
affects any score. The list is masked.csv; no setting disables it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

MASKED_CSV = Path(__file__).with_name("masked.csv")
"""The file with a row for each masked class; its columns are `id` (WordNet's), `name`, `reason`."""


@cache
def reasons() -> Mapping[str, str]:
    """Return the reason for each masked class, keyed by its WordNet id."""
    with MASKED_CSV.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}
