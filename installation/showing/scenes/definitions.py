"""Shortens long definitions at a clause, so that a visitor can read them while a name is shown."""

from __future__ import annotations

import re

MOST_WORDS = 20
"""A definition with more words than this is shortened, if there is a suitable place to cut it. The
author's name after a dash does not count.
"""

_REMARK = re.compile(r" ?\([^()]*\)")
"""Matches a remark in brackets; the definition is complete without it."""
_CLAUSE = re.compile(r"[;:.] |, (?:who|which|whose|where|usually|especially) ")
"""Matches the places at which a definition may be cut. The words before such a place are complete
without the clause after it.
"""
_PREPOSITIONS = "at|by|for|from|in|into|of|on|through|to|under|with"
_RELATIVE = re.compile(
    rf" (?:and )?(?:(?:{_PREPOSITIONS}) (?:which|whom)|who|whose|which|while|so that|in order to"
    r"|that (?:is|are|was|were|has|have|had|can|may|must|will)) "
)
"""Matches further places at which an English definition may be cut: before a relative clause, or a
clause of time or purpose. Without the clause, a definition is less precise. There is no such
pattern for other languages. In German, for example, words of the main clause may follow such a
clause, and would be cut off too.
"""


def shortened(definition: str) -> str:
    """Return `definition`, shortened if it has more than `MOST_WORDS` words.

    First, remarks in brackets are left out. If more than `MOST_WORDS` words remain, the definition
    is cut before a clause: at the last place that leaves at most `MOST_WORDS` words and at least a
    third of that number. If there is no such place, it is not cut. The author's name after a dash
    at the end is kept.
    """
    text, mark, author = definition.partition(" — ")
    if len(text.split()) <= MOST_WORDS:
        return definition
    brief = _REMARK.sub("", text).strip()
    if len(brief.split()) > MOST_WORDS:
        for places in (_CLAUSE, _RELATIVE):
            cuts = [brief[: found.start()] for found in places.finditer(brief)]
            fitting = [cut for cut in cuts if MOST_WORDS / 3 <= len(cut.split()) <= MOST_WORDS]
            if fitting:
                brief = fitting[-1]
                break
    return f"{brief}{mark}{author}"
