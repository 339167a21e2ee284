"""The Protocol of every part that holds pixels of visitors and can erase them.

Each part overwrites pixels as soon as it has used them. `forget` erases the rest: data that a
library holds between two frames, and frames that are still in use after a failure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Protocol


class PixelHolder(Protocol):
    """A part that holds pixels of visitors, or data computed from such pixels."""

    def forget(self) -> None:
        """Overwrite or drop all pixels and all data computed from them; a second call does nothing.

        The part can be used again afterwards. Call this only from the thread that uses the part, or
        from any thread after that thread has ended.
        """
        ...


def forget_all(holders: Iterable[PixelHolder]) -> None:
    """Call `forget` of each of `holders`, even if some raise; then raise one of the exceptions."""
    with contextlib.ExitStack() as stack:
        for holder in holders:
            stack.callback(holder.forget)
