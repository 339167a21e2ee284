"""The privacy lines at the foot of the screen: the promise that the self-test supports today."""

from __future__ import annotations

import datetime
from dataclasses import replace

from installation.guarding.self_test import Proof
from installation.showing.type.typesetting import ScreenContext
from installation.showing.words import Words, privacy_line


def without_privacy_line(context: ScreenContext) -> ScreenContext:
    """Return `context` without privacy lines, for the time before the self-test."""
    words = context.words.updated({"privacy": ""})
    second = context.second and context.second.updated({"privacy": ""})
    return replace(context, words=words, second=second)


def update_privacy_line(proof: Proof, context: ScreenContext) -> ScreenContext:
    """Return `context` with the current privacy lines.

    If the self-test `proof` ran before today, the lines state the day of that test.
    """
    proof = proof.by_this_clock()
    today = datetime.date.today()

    def updated(words: Words) -> Words:
        line = privacy_line(words, proof.prevents_storage, proof.tested_at, today)
        return words if line == words.privacy else words.updated({"privacy": line})

    words = updated(context.words)
    second = None if context.second is None else updated(context.second)
    if words is context.words and second is context.second:
        return context
    return replace(context, words=words, second=second)
