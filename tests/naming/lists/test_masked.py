from __future__ import annotations

import csv

from installation.naming.lists import imagenet, masked


def test_the_mask_names_classes_of_the_network() -> None:
    """Each masked class is one of ImageNet's, with its name and a reason."""
    names = imagenet.names()
    with masked.MASKED_CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["id"] for row in rows} <= set(imagenet.classes())
    assert all(names[row["id"]].startswith(row["name"]) for row in rows)
    assert all(row["reason"] for row in rows)


def test_all_animals_and_what_is_protected_are_masked() -> None:
    """The first 398 classes are masked as animals.

    Examples of religion, disability, ethnic dress, underwear and weapons are masked for other
    reasons.
    """
    classes, reasons = imagenet.classes(), masked.reasons()
    assert {reasons.get(id_) for id_ in classes[:398]} == {"animal"}
    names = imagenet.names()
    others = {names[id_].partition(", ")[0] for id_ in reasons if reasons[id_] != "animal"}
    assert {"abaya", "vestment", "crutch", "neck brace", "kimono", "brassiere", "rifle"} <= others
