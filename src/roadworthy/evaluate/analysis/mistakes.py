"""Where a classifier goes wrong: which classes it mixes up, and which of its mistakes it was surest of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from roadworthy.core.arrays import IntArray
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.evaluate.metrics import confusion_matrix


class Confusion(NamedTuple):
    """`n` pictures of `target`, a `share` of all of them, were taken for `predicted`."""

    target: str
    predicted: str
    n: int
    share: float


def most_confused(predictions: Predictions, top: int = 10) -> list[Confusion]:
    """The pairs of classes confused most often, at most `top`; ties by share, then by name."""
    names = predictions.classes
    counts = confusion_matrix(predictions.targets, predictions.logits.argmax(axis=1), len(names))
    shown = counts.sum(axis=1)
    pairs = [
        Confusion(names[i], names[j], int(counts[i, j]), float(counts[i, j] / shown[i]))
        for i, j in np.argwhere(counts)
        if i != j
    ]
    return sorted(pairs, key=lambda pair: (-pair.n, -pair.share, pair.target, pair.predicted))[:top]


def surest_mistakes(predictions: Predictions, top: int = 12) -> IntArray:
    """Indices of the wrongly answered pictures, the one with the highest confidence first, at most `top`."""
    confidence = probabilities(predictions.logits, predictions.temperature).max(axis=1)
    wrong = np.flatnonzero(predictions.logits.argmax(axis=1) != predictions.targets)
    return wrong[np.argsort(-confidence[wrong], kind="stable")][:top]
