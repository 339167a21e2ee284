"""The privacy line of the strip: the promise that the guard's self-test supports today."""

from __future__ import annotations

import datetime
from dataclasses import replace

from installation.guarding.self_test import Proof
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import privacy_line


def update_privacy_line(proof: Proof, context: ScreenContext) -> ScreenContext:
    """Return `context` with today's privacy line, which names the day of `proof` after midnight."""
    words = context.words
    proof = proof.by_this_clock()
    line = privacy_line(
        words, proof.prevents_storage, proof.ways_tried, proof.tested_at, datetime.date.today()
    )
    if line == words.privacy:
        return context
    return replace(context, words=words.model_copy(update={"privacy": line}))
