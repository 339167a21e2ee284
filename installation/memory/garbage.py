"""Pauses Python's search for garbage during a start, in which hardly anything becomes garbage.

The search takes a twelfth of the time until the first frame. What a start has made stays for the
whole show, so the searches during the show leave it out; they would hold up the mirror for tens of
milliseconds each time.
"""

from __future__ import annotations

import gc


def pause_collection() -> None:
    """Search for no garbage until `resume_collection` is called."""
    gc.disable()


def resume_collection() -> None:
    """Search for garbage again, but not in what has been made during a pause; else do nothing."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
