"""The bench of the graphics card, on a small network on the processor."""

from __future__ import annotations

import pytest
import timm
import torch

from installation.errors import SettingsError
from scripts import bench_device


def test_the_pass_and_the_network_alone_are_timed() -> None:
    """The rates of the pass and of the network alone are measured for each batch size."""
    network = timm.create_model("resnet10t", num_classes=0).eval()
    rows = bench_device.measure("cpu", network, 512, classes=50, batches=(1, 2), seconds=0.1)
    assert [row[0] for row in rows] == [1, 2]
    assert all(rate > 0 for row in rows for rate in row[1:])


def test_the_agreement_of_half_precision_is_a_share() -> None:
    """Two precisions of one network agree on most crops."""
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=4)
    assert 0.5 < bench_device.agreement("cpu", network, count=32) <= 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_card_one_line_says_so() -> None:
    """Without a graphics card nothing is measured on the CPU instead."""
    with pytest.raises(SettingsError, match="device is 'cuda', which does not work"):
        bench_device.main()
