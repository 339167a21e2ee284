"""What is built from a label set's words: its file, and whether it is the one of these words.

Nothing here imports torch, so that `kiosk check` answers at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from safetensors import SafetensorError, safe_open

from installation.document import shown
from installation.errors import LabelSetError, Mistake
from installation.naming.labelset import LabelSet

_OTHER = {
    "labels_sha256": "other text in labels.csv",
    "method": "another method",
    "encoder_sha256": "other weights of the network",
}
"""What has changed since, by the key of the built file that tells."""


def metadata(label_set: LabelSet, encoder: str | None = None) -> dict[str, str]:
    """Return what a built file says about itself: what it was built from, and the method.

    `encoder` is the SHA-256 of the encoder's weights.
    """
    said = {"labels_sha256": label_set.fingerprint, "method": label_set.settings.method}
    return said if encoder is None else said | {"encoder_sha256": encoder}


@contextmanager
def opened(label_set: LabelSet, framework: str, encoder: str | None = None) -> Iterator[Any]:
    """Open the built file, whose tensors come as those of `framework`: "pt" or "numpy".

    Raises LabelSetError where it is missing, damaged, or built from something else; without
    `encoder` it may have been built for any.
    """
    try:
        with safe_open(label_set.built, framework=framework) as file:
            seen = file.metadata() or {}
            for key, expected in metadata(label_set, encoder).items():
                if seen.get(key) != expected:
                    raise unfit(label_set, f"it was built for {_OTHER[key]} than there is now")
            yield file
    except FileNotFoundError:
        raise unfit(label_set, "the label set is not built yet") from None
    except (SafetensorError, OSError):
        raise unfit(label_set, "it is damaged") from None


def check(label_set: LabelSet) -> None:
    """Raise LabelSetError where a set that must be built is not, or not from its present words.

    Whether it fits the network too is for `open_classifier`, which loads torch, to say.
    """
    if label_set.settings.method != "classes":
        with opened(label_set, "numpy"):
            pass


def unfit(label_set: LabelSet, what: str) -> LabelSetError:
    """Return the error that says `what` is wrong with the built file, and how it is built anew."""
    return LabelSetError(Mistake(shown(label_set.built), what, label_set.remedy))
