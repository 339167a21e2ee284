"""A linear probe: scikit-learn's logistic regression from a network's features to labels.

The features are standardised, and that is folded into the weights, so that the show needs one
weighted sum per label. C is fixed: measured on parts of 36 halves of 18 photographs, 5 and 20 for
each of 2, 6 and 36 labels, 0.1 was right as often as any of 0.0001 to 1 but for one part in a
hundred, and was the one whose scores were most nearly as high as it was often right (0.90 and 0.90
for 36 labels of 20). Where labels look alike the regression is too sure of itself all the same: a
temperature found on pictures that were held out corrects it (Guo et al., arXiv 1706.04599).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

Features = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

STRENGTH = 0.1
"""scikit-learn's C."""
PARTS = 5
"""A fifth of each label's pictures is held out at a time."""
ENOUGH = 2000
"""Pictures of which a fifth tells the accuracy to within 2.5 % (one standard error, at worst)."""
SEED = 0
SOFTEST = 20.0
"""The highest temperature; at it nothing is left of 100 labels' differences."""
MOST_STEPS = 1000
"""Of the regression's search; the sets at hand needed at most 150."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A weighted sum per label: `weight` is `(L, D)`, `bias` is `(L,)`."""

    weight: Features
    bias: Features

    def logits(self, features: Features) -> Features:
        """Return `(N, L)` for `(N, D)`."""
        return features @ self.weight.T + self.bias

    def softened(self, temperature: float) -> Probe:
        """Return the probe whose logits are divided by `temperature`."""
        return Probe(self.weight / temperature, self.bias / temperature)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a built file holds, float32."""
        return {
            "weight": torch.from_numpy(self.weight).float(),
            "bias": torch.from_numpy(self.bias).float(),
        }


def fit(views: Features, labels: Numbers) -> Probe:
    """Return the probe of pictures, each seen in V views: `(N, V, D)` with `labels` `(N,)`.

    Labels are 0 to L − 1 and there is one of each at least, and two labels. Rare labels count as
    much as frequent ones. The same pictures give the same probe.
    """
    N, V, D = views.shape  # noqa: N806  pictures, views, numbers of each
    features = views.reshape(N * V, D)
    mean, spread = features.mean(0), features.std(0)
    spread[spread == 0] = 1  # a feature that is the same in all pictures gets no weight anyway
    regression = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=MOST_STEPS)
    # In half the bytes the regression takes half the time.
    standardised = ((features - mean) / spread).astype(np.float32)
    with threadpool_limits(1):
        # On a machine that does something else, a show perhaps, two threads wait for each other.
        regression.fit(standardised, labels.repeat(V))
    weight, bias = (of.astype(np.float64) for of in (regression.coef_, regression.intercept_))
    if len(weight) == 1:  # of two labels scikit-learn keeps the second one's odds only
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / spread
    return Probe(weight, bias - weight @ mean)


def parts(pictures: int) -> int:
    """Return in how many parts that many `pictures` are held out."""
    return PARTS if pictures < ENOUGH else 1


def held_out(
    views: Features, labels: Numbers, after_each: Callable[[], object] = lambda: None
) -> tuple[Numbers, Features]:
    """Return which pictures were held out, `(M,)`, and their logits `(M, L)`.

    They come from a probe that saw neither them nor a view of them. Where pictures are few each is
    held out once, in PARTS parts; of ENOUGH or more one part says as much. Each label has at least
    PARTS pictures. `after_each` is called after each part. Takes PARTS times as long as `fit`, or
    once as long: 11 s of one core for 1,000 pictures of 20 labels.
    """
    folds = StratifiedKFold(PARTS, shuffle=True, random_state=SEED).split(labels, labels)
    outs, logits = [], []
    for kept, out in islice(folds, parts(len(labels))):
        outs.append(out)
        logits.append(fit(views[kept], labels[kept]).logits(views[out, 0]))
        after_each()
    return np.concatenate(outs), np.concatenate(logits)


def temperature(logits: Features, labels: Numbers) -> float:
    """Return what makes held-out `logits` `(N, L)` as sure as they are right: 1 to SOFTEST.

    It never makes the regression surer than it is, which few pictures cannot bear out.
    """
    found = minimize_scalar(
        lambda log: loss(logits / np.exp(log), labels),
        bounds=(0, np.log(SOFTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def loss(logits: Features, labels: Numbers) -> float:
    """Return the mean negative logarithm of the right label's score."""
    scores = torch.from_numpy(logits).log_softmax(1)
    return float(-scores[torch.arange(len(labels)), torch.from_numpy(labels)].mean())
