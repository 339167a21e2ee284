from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import torch
import transformers

from installation.naming.label_set.hiding import EVERYTHING
from installation.naming.label_set.load import load_label_set
from installation.naming.networks.open import open_encoder
from tests.support.fuzzing import (
    FUZZERS,
    NUMBERS,
    Fuzz,
    FuzzTarget,
    WatchedFolder,
    chance,
    mutate,
)
from tests.support.made_networks import as_in_a_show, small, timm_config, write_hf, write_set

pytestmark = pytest.mark.slow

SIZE = 32
SETTINGS = f"input: {{size: {SIZE}}}"
SHARE = 20
"""The number of files of each other format for one config.json, which takes about 0.1 s."""

KINDS: dict[str, dict[str, Any]] = {
    "ViTForImageClassification": {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 100,
        "image_size": SIZE,
        "patch_size": 8,
    },
    "SwinForImageClassification": {
        "image_size": SIZE,
        "patch_size": 4,
        "window_size": 4,
        "embed_dim": 12,
        "depths": [1, 2],
        "num_heads": [2, 3],
    },
    "ResNetForImageClassification": {
        "embedding_size": 8,
        "hidden_sizes": [8, 16],
        "depths": [1, 2],
        "layer_type": "basic",
    },
}
TIMM = "made-hf"
"""The label set with a network of timm."""

WRONG: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 1e300, float("nan"), float("inf"), "", "1", "../x", "gelu", "eager"),
    *([], {}, [[]], [0], [1] * 4, [10**6] * 4, [32, 32], {"0": "a"}, "hf-hub:some/body"),
    *(3, 32, 1000, 999_999, *NUMBERS),
)
DEEP = b'{"a":' * 600 + b"1" + b"}" * 600

Case = tuple[str, bytes]
"""The label set, and the bytes of its config.json."""


def write_networks(models: Path) -> dict[str, dict[str, Any]]:
    """Write a label set for each kind of network; return the settings of each by its name."""
    configs = {TIMM: timm_config()}
    write_hf(models, small(), configs[TIMM], SETTINGS)
    for kind, sizes in KINDS.items():
        folder = write_set(models, kind, f"method: onnx\n{SETTINGS}")
        network_class = getattr(transformers, kind)
        torch.manual_seed(0)
        network = network_class(network_class.config_class(**sizes, num_labels=3))
        network.save_pretrained(folder)
        saved = json.loads((folder / "config.json").read_text())
        configs[kind] = {**network.config.to_dict(), **saved}
    for name in configs:
        (models / name / "labels.txt").write_text("sun\nrain\nsnow\n")
    return configs


def config_file(random: Random, configs: dict[str, dict[str, Any]]) -> Case:
    """Return a config.json, most with wrong settings, and a tenth of them damaged as well."""
    name = random.choice(list(configs))
    config = json.loads(json.dumps(configs[name]))
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        owner = config
        key = random.choice(list(owner))
        if isinstance(owner[key], dict) and owner[key] and chance(random, 0.7):
            owner = owner[key]
            key = random.choice(list(owner))
        owner[key] = random.choice(WRONG)
    content = json.dumps(config).encode()
    if chance(random, 0.05):
        content = content.replace(b"{", b'{"more":' + DEEP + b",", 1)
    return name, mutate(random, content, (b'"', b"{", b"[", b",")) if chance(
        random, 0.1
    ) else content


@pytest.mark.parametrize(("fuzz", "cases"), FUZZERS)
def test_no_config_json_gives_a_traceback(tmp_path: Path, fuzz: Fuzz, cases: int) -> None:
    """A network is opened or refused with a message, whatever its config.json says."""
    watched = WatchedFolder(tmp_path)
    configs = write_networks(watched.models)
    label_sets = {name: load_label_set(name, EVERYTHING, watched.models) for name in configs}
    cpu: Final = "cpu"
    with as_in_a_show():  # memory for the libraries does not count in a case
        for label_set in label_sets.values():
            open_encoder(label_set, cpu)
    current = TIMM

    def put(case: Case) -> None:
        nonlocal current
        current, content = case
        (watched.models / current / "config.json").write_bytes(content)

    target: FuzzTarget[Case] = FuzzTarget(
        watched,
        lambda random: config_file(random, configs),
        put,
        lambda: open_encoder(label_sets[current], cpu),
    )
    with as_in_a_show():
        tally = fuzz(target, max(cases // SHARE, 5))
    assert tally.accepted > 0
    assert len(tally.refused) > 0
