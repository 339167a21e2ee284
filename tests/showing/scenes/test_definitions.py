from __future__ import annotations

import pytest

from installation.showing.scenes.definitions import MOST_WORDS, shortened
from tests.support.figures import LONGEST_DEFINITION


@pytest.mark.parametrize(
    ("definition", "cut"),
    [
        ("a person who runs a farm", None),
        (
            LONGEST_DEFINITION.definition,
            "one who writes down what there is and under which name it belongs",
        ),
        (
            "a specialist in the study of birds, who goes out before dawn in any weather and "
            "writes down each voice that was heard",
            "a specialist in the study of birds",
        ),
        (
            "someone who (as in some old tales, and elsewhere) goes from one house to the next and "
            "tells what has been heard there; formerly common",
            "someone who goes from one house to the next and tells what has been heard there; "
            "formerly common",
        ),
        (
            "someone who tells (to anybody who asks, and to many who do not) where the old road "
            "went that is drawn on no map of the town any more",
            "someone who tells where the old road went that is drawn on no map of the town any "
            "more",
        ),
        (
            "a small block made of rubber (or of a synthetic material with similar properties); "
            "commonly mounted at one end of a pencil",
            "a small block made of rubber; commonly mounted at one end of a pencil",
        ),
        (
            "a person who descends down a nearly vertical face by using a doubled rope that is "
            "wrapped around the body and attached to some high point",
            "a person who descends down a nearly vertical face by using a doubled rope",
        ),
        (
            "a rig of an offshore platform that floats in the north and from which many deep wells "
            "can be bored by crews of one or two dozen each",
            "a rig of an offshore platform that floats in the north",
        ),
        (
            "a clerk who has passed all of the examinations and who met every requirement of the "
            "one state to be certified by that state",
            "a clerk who has passed all of the examinations",
        ),
        (
            "somebody who walks and walks and walks and walks and walks and walks and walks and "
            "walks and walks and walks and rests",
            None,
        ),
        (
            "an engineer who builds the things that were drawn by others long ago; now rare, and "
            "found in a few cities of the north only — the kiosk",
            "an engineer who builds the things that were drawn by others long ago — the kiosk",
        ),
    ],
)
def test_definitions_are_cut_at_a_clause(definition: str, cut: str | None) -> None:
    """Remarks in brackets are removed first; no cut is within a clause, and the author stays."""
    assert shortened(definition) == (cut or definition)
    assert cut is None or len(definition.split()) > MOST_WORDS
