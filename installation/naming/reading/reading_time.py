"""Computes how long a name stays on the screen before it is withdrawn."""

from __future__ import annotations

from installation.naming.label_set.label_set import Label

ORIENTATION_S = 3.0
"""The time that a visitor needs to find the words on the screen before reading them, s."""

WORDS_PER_S = 2.5
"""The number of words that a visitor reads per second.

This is slower than silent reading at a desk (about 4 words a second; M. Brysbaert, *How many words
do we read per minute?*, 2019), because people stand at a distance, read a language that may not be
theirs, and look at each other.
"""

WITHDRAWN_S = 3.0
"""The time, in seconds, for which a withdrawn name is still shown, struck through. Then the visitor
is shown as a person.
"""


def reading_time_s(label: Label) -> float:
    """Return how many seconds a visitor needs to read the name and the definition of `label`.

    If the screen truncates the definition, the visitor needs less time than this.
    """
    words = len(label.name.split()) + len(label.definition.split())
    return ORIENTATION_S + words / WORDS_PER_S
