from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.children import needs_guard, run

pytestmark = [pytest.mark.gpu, needs_guard]


def test_the_guard_holds_over_a_graphics_card(tmp_path: Path) -> None:
    """While a graphics card reads visitors, every probe of the audit is refused."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no graphics card by NVIDIA")
    outcome = run("-m", "installation", "audit", "--json", user="root", folder=tmp_path)
    assert "device: the GPU" in outcome.stderr
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["missing"] == []
    assert not list((tmp_path / "home").rglob("*"))
