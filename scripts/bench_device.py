"""Measures the classifier on a graphics card, and its network alone.

`scripts/bench --device cuda` needs no camera, no screen and no weights: ViT-B/16 with 21,843
classes has random weights, which take as long as trained ones. For batches of 1, 8 and 32 it prints
crops a second

- of the network's eager forward pass, in half precision;
- of the same pass captured in a CUDA graph;
- of the whole pass: packing uint8 crops, copying, resizing, normalising, network, head, scores on
  the host (`naming/reading/device_classifier.py`);

and the share of crops whose best class is the same in half precision as in float32.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from installation.naming.networks.device import Device, choose_device
from installation.naming.networks.encoder import Input
from installation.naming.networks.torch_network import TorchNetwork
from installation.naming.reading.device_classifier import DevicePass
from installation.naming.scoring.linear import LinearScorer
from installation.seeing.frame import Frame

NETWORK = "vit_base_patch16_224"
CLASSES = 21_843
BATCHES = (1, 8, 32)
SIDE = 256
"""The side of the crops before they are resized, px."""

LEAST_SHARE = 0.9
"""The target: the least ratio (rate of the whole pass) / (rate of the network's CUDA graph alone).
The whole pass is all work from packing the crops to the scores on the host, copies included.
"""

LEAST_SAME = 0.995
"""The least share of crops on which half precision should agree with float32."""

TAKEN = Input(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def measure(
    device: Device,
    network: torch.nn.Module,
    width: int,
    classes: int = CLASSES,
    batches: Sequence[int] = BATCHES,
    seconds: float = 2.0,
) -> list[tuple[int, float, float, float]]:
    """Return each batch size, and how many crops per second three ways of computing take then.

    The ways are those that the module's docstring lists: the eager forward pass, the same pass in a
    CUDA graph, and the whole pass from crops to scores. `network` encodes crops as features
    `(N, width)`, from which `classes` scores are computed. Each measurement takes `seconds`.
    """
    on_card = torch.device(device)
    runner = TorchNetwork(network, device)
    random = np.random.default_rng(0)
    weight = random.normal(size=(classes, width)).astype(np.float32) / width**0.5
    score = LinearScorer(weight, np.zeros(classes, np.float32), classes, 1.0).on_device(on_card)
    frame = Frame.from_rgb(random.integers(0, 256, (720, 1280, 3), np.uint8), 0.0)
    rows = []
    for batch in batches:
        pictures = torch.zeros(batch, 3, TAKEN.size, TAKEN.size, device=on_card, dtype=runner.dtype)

        def eager(pictures: torch.Tensor = pictures) -> None:
            with torch.inference_mode():
                runner.forward(pictures)

        def compute(pictures: torch.Tensor, _: int) -> torch.Tensor:
            return score(runner.forward(pictures).float())

        whole = DevicePass(compute, TAKEN, (batch, 1, SIDE), on_card, runner.dtype)
        regions = [[(20 * i, 10 * i, SIDE, SIDE) for i in range(batch)]]
        eager_rate = batch * _rate(eager, on_card, seconds)
        captured_rate = batch * _rate(_captured(eager, on_card), on_card, seconds)
        whole_rate = batch * _rate(partial(whole.scores, frame, regions), on_card, seconds)
        rows.append((batch, eager_rate, captured_rate, whole_rate))
    return rows


def _captured(work: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Return `work` captured in a CUDA graph; if `device` is not a CUDA device, return `work`."""
    if device.type != "cuda":
        return work
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def _rate(work: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Return the number of calls of `work` per second."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    work()
    wait()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        count += 1
    wait()
    return count / (time.perf_counter() - began)


@torch.inference_mode()
def agreement(device: Device, network: torch.nn.Module, count: int = 512) -> float:
    """Return the share of random crops with the same best class in half precision and in float32.

    `network` returns the classes' logits. The crops are 14 × 14 random pixels of several contrasts,
    enlarged to the size of the network's input.
    """
    on_card = torch.device(device)
    generator = torch.Generator().manual_seed(0)
    whole = network.to(on_card).float().eval()
    crops = torch.rand(count, 3, 14, 14, generator=generator) * torch.rand(
        count, 3, 1, 1, generator=generator
    )
    crops = torch.nn.functional.interpolate(crops, (TAKEN.size, TAKEN.size), mode="bicubic")
    parts = torch.split((crops * 2 - 1).to(on_card), 16)
    expected = torch.cat([whole(part).argmax(1) for part in parts])
    half = whole.half() if device == "cuda" else whole.bfloat16()
    dtype = next(half.parameters()).dtype
    predicted = torch.cat([half(part.to(dtype)).argmax(1) for part in parts])
    return int((predicted == expected).sum()) / count


def main() -> int:
    """Measure on the graphics card, print the table, and return 1 if a target was missed.

    Raises SettingsError if there is no graphics card.
    """
    device, description = choose_device("cuda", where="--device")
    import timm

    print(f"{description}, torch {torch.__version__}, {NETWORK} with {CLASSES:,} classes\n")
    print(
        "| crops at a time | eager forward, crops/s | CUDA graph | crops to scores | "
        "crops to scores / CUDA graph | met |"
    )
    print("|---|---|---|---|---|---|")
    network = timm.create_model(NETWORK, num_classes=0)
    fine = True
    for batch, eager, captured, whole in measure(device, network, network.num_features):
        met = whole >= LEAST_SHARE * captured and whole >= eager
        fine &= met
        print(
            f"| {batch} | {eager:,.0f} | {captured:,.0f} | {whole:,.0f} | {whole / captured:.2f} | "
            f"{'yes' if met else 'NO'} |"
        )
    same = agreement(device, timm.create_model(NETWORK, num_classes=CLASSES))
    print(
        f"\nHalf precision agrees with float32 on {same:.1%} of crops (expected: at least "
        f"{LEAST_SAME:.1%})."
    )
    return 0 if fine and same >= LEAST_SAME else 1


if __name__ == "__main__":
    sys.exit(main())
