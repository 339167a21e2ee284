"""Parses texts of kiosk.yaml and returns their mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation.errors import SettingsError
from installation.settings.kiosk import Settings, load_settings
from installation.settings.yaml_file import parse_yaml


def parse(text: str) -> Settings:
    """Return the settings of `text`, without reading other files."""
    return parse_yaml(text, "kiosk.yaml", Settings, SettingsError).settings


def mistakes_of(text: str) -> list[str]:
    """Return the mistakes that parsing `text` finds, one line each."""
    with pytest.raises(SettingsError) as caught:
        parse(text)
    return str(caught.value).splitlines()


def mistakes_in(path: Path, **options: str) -> list[str]:
    """Return the mistakes in the file `path` with the command line's `options`, one line each."""
    with pytest.raises(SettingsError) as caught:
        load_settings(path, models=Path("models"), **options)
    return str(caught.value).splitlines()
