"""The reasons for which a label can be hidden from visitors."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "slur",
    "insult",
    "sexual",
    "criminal",
    "violence",
    "demeaning",
    "race",
    "ethnicity",
    "nationality",
    "religion",
    "politics",
    "orientation",
    "gender",
    "disability",
    "illness",
    "body",
    "family",
    "age",
    "poverty",
    "unseen",
    "empty",
    "imagenet",
]
"""The reason why a label is hidden; kiosk.yaml explains each reason under `content.hide`.

`unseen`: the label makes a hurtful claim that no picture can support. `empty`: the label says
nothing about a person, and would be understood as an insult. `imagenet`: ImageNet's authors judged
the category unsafe, which is known only after `kiosk fetch imagenet-safety`.
"""

REASONS: tuple[Reason, ...] = get_args(Reason)
