from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from installation.errors import Mistake
from installation.guarding.guard import NOT_LAUNCHED
from installation.guarding.probes.probe import ProbeResult
from installation.guarding.self_test import Proof
from installation.guarding.status import STAGE_ONE
from installation.showing.scenes.staff import STAGE_ONE_LAYERS, STAGE_TWO_LAYERS, Layer, layers

RESULTS = (ProbeResult("write a file", "open(O_WRONLY)", "main", "refused", "Landlock", 13),)
NO_FILTER = Mistake("seccomp", "not available on this machine (no such call)", "Use a newer Linux.")
GOT_OUT = Mistake("probe 'write a file'", "not refused", "Run `kiosk audit`.")

SWAP = Mistake("swap", "memory may be written to /dev/sda2", "Switch swap off.")


def proof(*missing: Mistake, results: tuple[ProbeResult, ...] = RESULTS) -> Proof:
    """Return a proof that lacks `missing`."""
    return Proof(results, missing, datetime.datetime(2026, 11, 20, 10, 0))


@pytest.mark.parametrize(
    ("found", "holding", "lacking"),
    [
        (proof(), (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS), {}),
        (
            proof(NO_FILTER, GOT_OUT),
            (*STAGE_ONE_LAYERS, "file size limit", "memory protection"),
            {"seccomp": NO_FILTER.what, GOT_OUT.where: GOT_OUT.what},
        ),
        (proof(NOT_LAUNCHED), STAGE_TWO_LAYERS, {STAGE_ONE: NOT_LAUNCHED.what}),
        (proof(NO_FILTER, results=()), (), {"seccomp": NO_FILTER.what}),
        (
            replace(proof(), stored_by_kernel=(SWAP,)),
            (*STAGE_ONE_LAYERS, *STAGE_TWO_LAYERS),
            {"swap": SWAP.what},
        ),
    ],
)
def test_every_layer_holds_or_has_a_reason(
    found: Proof, holding: tuple[str, ...], lacking: dict[str, str]
) -> None:
    """No layer counts as holding that was not entered, and everything that is missing is named."""
    listed = layers(found)
    assert tuple(layer.name for layer in listed if layer.missing is None) == holding
    assert {layer.name: layer.missing for layer in listed if layer.missing is not None} == lacking
    assert len({layer.name for layer in listed}) == len(listed)
    assert all(isinstance(layer, Layer) for layer in listed)
