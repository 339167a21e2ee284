from __future__ import annotations

from pathlib import Path

from installation.naming.label_set.folder import LABELS_CSV, SETTINGS_FILE, signature
from tests.support.label_sets import write_label_set


def test_the_signature_tells_a_changed_file(tmp_path: Path) -> None:
    """The signature changes if a file is edited or removed, and only then."""
    folder = write_label_set(tmp_path)
    first = signature(folder)
    assert signature(folder) == first
    (folder / LABELS_CSV).write_text("id,name\n")
    edited = signature(folder)
    assert [name for name in first if first[name] != edited[name]] == [LABELS_CSV]
    (folder / SETTINGS_FILE).unlink()
    assert signature(folder)[SETTINGS_FILE] is None
