"""The paths of the kiosk's own files, and the largest size of a text file.

The launcher imports this module, so it uses the standard library only.
"""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds kiosk.yaml, models/ and the package."""

DEFAULT_FILE = PROJECT / "kiosk.yaml"
"""The settings file that is read if the command line names no file."""

MODELS = PROJECT / "models"
"""The folder of the label sets, one subfolder each."""

WEIGHTS = MODELS / "weights"
"""The folder of the networks' weights that `kiosk fetch` has downloaded."""

WORDS_FOLDER = PROJECT / "installation" / "showing" / "words"
"""The folder of the kiosk's own words, a file for each language."""

MAX_TEXT_BYTES = 64 * 1024
"""The largest size of kiosk.yaml and of a label set's small files, bytes. This is more than six
times the size of the shipped kiosk.yaml.
"""


def label_set_names(models: Path = MODELS) -> list[str]:
    """Return the names of the label sets in `models`, sorted; hidden folders are left out."""
    return sorted(file.parent.name for file in models.glob("[!.]*/labelset.yaml"))
