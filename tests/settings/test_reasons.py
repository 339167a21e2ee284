from __future__ import annotations

from installation.settings.paths import DEFAULT_FILE
from installation.settings.reasons import REASONS


def test_kiosk_yaml_explains_every_reason() -> None:
    """The shipped kiosk.yaml lists every reason in the same order, with a comment on its line."""
    lines = [line.strip() for line in DEFAULT_FILE.read_text(encoding="utf-8").splitlines()]
    listed = [line.removeprefix("- ").split() for line in lines if line.startswith("- ")]
    assert [reason for reason, *_ in listed] == list(REASONS)
    assert all(comment[0] == "#" and len(comment) > 2 for _, *comment in listed)
