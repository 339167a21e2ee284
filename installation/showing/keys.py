"""The keys of the staff: how long a key is held, and whether the staff card must be shown."""

from __future__ import annotations

HOLD_TO_END_S = 3.0
"""How long Escape must be held to end the show, s. A short press by a visitor does not end it."""

STAFF_CARD_S = 60.0
"""How long the staff card stays on the screen if nobody presses F1 again, s."""


class HeldKey:
    """A key, and how long it has been held down."""

    def __init__(self) -> None:
        self._pressed_at: float | None = None

    def press(self, now: float) -> None:
        """Record that the key went down; its repeats while it is down do not count."""
        if self._pressed_at is None:
            self._pressed_at = now

    def release(self) -> None:
        """Record that the key came up."""
        self._pressed_at = None

    def held_s(self, now: float) -> float:
        """Return for how many seconds the key has been down; 0 if it is up."""
        return 0.0 if self._pressed_at is None else now - self._pressed_at


class StaffCardKey:
    """The key that shows the staff card and removes it again."""

    def __init__(self) -> None:
        self._pressed_at: float | None = None

    def press(self, now: float) -> None:
        """Record that the key went down: the card is shown, or removed if it is shown already."""
        self._pressed_at = None if self.shows_card(now) else now

    def shows_card(self, now: float) -> bool:
        """Return whether the card must be shown: for at most `STAFF_CARD_S` after a press."""
        return self._pressed_at is not None and now - self._pressed_at < STAFF_CARD_S
