"""Labels: the names that can be put on a visitor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """One category.

    `chain` holds the names of the categories above it that may be shown, the root first, without
    its own: `("person", "worker", "skilled worker")`.
    """

    id: str
    name: str
    definition: str
    chain: tuple[str, ...]
