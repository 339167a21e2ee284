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
"""Why a label is hidden; kiosk.yaml explains each one under `content.hide`.

`unseen`: the label presumes to know what no picture shows, and would hurt. `empty`: it says nothing
of a person, and would read as an insult. `imagenet`: ImageNet's
authors judged the category unsafe; known only after `kiosk fetch imagenet-safety`.
"""

REASONS: tuple[Reason, ...] = get_args(Reason)
