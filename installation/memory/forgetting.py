"""What forgets: the Protocol of every part that holds pixels of visitors.

Pixels are overwritten as soon as they have been used, by the part that used them. `forget` is for
what remains: what a library holds between two frames, and frames that a failure left in use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Protocol


class PixelHolder(Protocol):
    """A part that holds pixels of visitors, or what was computed from them."""

    def forget(self) -> None:
        """Overwrite or drop all of it; a second call does nothing.

        The part can be used again afterwards. To be called by the thread that uses the part, or
        when that thread has ended.
        """
        ...


def forget_all(holders: Iterable[PixelHolder]) -> None:
    """Have each of `holders` forget, even if others raise; then raise what one of them raised."""
    with contextlib.ExitStack() as stack:
        for holder in holders:
            stack.callback(holder.forget)
