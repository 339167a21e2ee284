from __future__ import annotations

import pytest

from installation.errors import SettingsError
from installation.settings import packages


def test_with_pytorch_nothing_is_missing() -> None:
    """With all packages installed, as in the tests, nothing is reported as missing."""
    assert packages.has_all_packages()
    packages.require_all_packages("kiosk.yaml:3", "device: cuda")


def test_without_pytorch_the_command_and_its_size_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If only the show's packages are installed, functions that need more say how to install it."""
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    assert not packages.has_all_packages()
    with pytest.raises(SettingsError) as caught:
        packages.require_all_packages("kiosk.yaml:3", "device: cuda")
    assert str(caught.value) == (
        "kiosk.yaml:3: device: cuda needs PyTorch, which is not "
        "installed. Run: scripts/setup --all (3.2 GB to fetch, 7.0 GB on disk)."
    )
