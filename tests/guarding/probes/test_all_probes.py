from __future__ import annotations

from installation.guarding.probes.all_probes import ALL_PROBES, QUICK_PROBES
from installation.guarding.probes.probe import LAYERS


def test_there_are_many_probes() -> None:
    """At least 65 probes run, each under its own name, most of them at every start."""
    names = [probe.name for probe in ALL_PROBES]
    assert len(names) == len(set(names))
    assert len(names) >= 65
    assert len(QUICK_PROBES) >= 65
    assert {probe.layer for probe in ALL_PROBES} <= set(LAYERS.values())
