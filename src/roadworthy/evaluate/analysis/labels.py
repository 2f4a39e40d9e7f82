"""Pictures whose label is probably wrong, from what networks that never saw them say of them.  numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A picture that is probably no `label`, but a `rather`; confidence: of the network in the latter."""

    index: int
    label: int
    rather: int
    confidence: float


def probable_label_errors(probs: FloatArray, targets: IntArray) -> list[Suspect]:
    """Pictures outside the diagonal of the confident joint, the least believable label first.

    probs: (N, C) of networks that did not see the pictures (held out, or other folds).  targets: (N,) labels.
    A class counts for a picture when its probability reaches the mean that pictures of that label have for
    it: a class that is hard to tell is held to a lower mark.
    Raises ShapeError where the Ns differ.
    Source: Northcutt et al. 2021, "Confident learning", section 3.1.
    """
    if len(probs) != len(targets):
        raise ShapeError(f"{len(probs)} rows of probabilities came with {len(targets)} labels")
    classes = probs.shape[1]
    marks = np.full(classes, np.inf)
    for c in np.unique(targets):
        marks[c] = probs[targets == c, c].mean()
    sure = np.where(probs >= marks, probs, -1.0)
    rather = sure.argmax(axis=1)
    chosen = np.flatnonzero((sure.max(axis=1) > 0) & (rather != targets))
    own = probs[chosen, targets[chosen]]
    order = chosen[np.argsort(own, kind="stable")]
    return [
        Suspect(index=i, label=int(targets[i]), rather=int(rather[i]), confidence=float(probs[i, rather[i]]))
        for i in order.tolist()
    ]
