"""Pictures whose label is probably wrong, from what networks that never saw them say of them.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
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


def out_of_fold(features_ND: FloatArray, targets: IntArray, folds: IntArray, classes: int) -> FloatArray:
    """(N, C) probabilities of each picture by a classifier that saw no picture of its fold.

    features_ND: what a network says of each picture, like its log-probabilities.  targets: (N,) labels.
    folds: (N,) which fold each picture is in; no fold may cut a physical sign.  classes: C.
    A row is NaN where no picture outside its fold has its label: nothing can be said of it.
    Raises ShapeError where the Ns differ.
    """
    if not len(features_ND) == len(targets) == len(folds):
        raise ShapeError(
            f"{len(features_ND)} features, {len(targets)} labels, {len(folds)} folds; give as many"
        )
    probs = np.full((len(targets), classes), np.nan)
    for fold in np.unique(folds):
        held = folds == fold
        if not held.all():
            found = discriminant(features_ND[~held], targets[~held], features_ND[held], classes)
            found[found[np.arange(len(found)), targets[held]] == 0] = np.nan
            probs[held] = found
    return probs


def calibrated(probs: FloatArray, targets: IntArray) -> FloatArray:
    """The same probabilities at the temperature that makes the labels likeliest; NaN rows stay.

    A discriminant is far too sure of itself.  Some labels are wrong, so this errs towards less confidence.
    """
    known = ~np.isnan(probs).any(axis=1)
    logs = np.log(np.maximum(probs[known], 1e-300))
    rows, own = np.arange(len(logs)), targets[known]
    tempered = [logs / t for t in np.geomspace(0.5, 50, 60)]
    losses = [float((np.logaddexp.reduce(z, axis=1) - z[rows, own]).sum()) for z in tempered]
    best = tempered[int(np.argmin(losses))]
    result = probs.copy()
    result[known] = np.exp(best - np.logaddexp.reduce(best, axis=1, keepdims=True))
    return result


def discriminant(
    features_ND: FloatArray, targets: IntArray, asked_MD: FloatArray, classes: int, shrinkage: float = 0.1
) -> FloatArray:
    """(M, C) probabilities by linear discriminant analysis: every class a Gaussian of one shared covariance.

    It has no steps to tune, takes a moment and is hardly moved by a few wrong labels, which is what it is
    for.  Classes count alike, however many pictures they have; one without any gets 0.
    shrinkage: towards equal spread in all directions, which keeps few pictures from making a flat cloud.
    Source: Friedman 1989, "Regularized discriminant analysis".
    """
    centre, spread = features_ND.mean(axis=0), features_ND.std(axis=0) + 1e-9
    known, asked = (features_ND - centre) / spread, (asked_MD - centre) / spread
    present = np.unique(targets)
    means = np.stack([known[targets == c].mean(axis=0) for c in present])
    within = known - means[np.searchsorted(present, targets)]
    covariance = within.T @ within / len(within)
    level = max(float(np.trace(covariance)) / len(covariance), 1e-9)
    covariance = (1 - shrinkage) * covariance + shrinkage * level * np.eye(len(covariance))
    weights = np.linalg.solve(covariance, means.T)
    scores = asked @ weights - 0.5 * (means.T * weights).sum(axis=0)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    probs = np.zeros((len(asked), classes))
    # What is there at all keeps a trace of belief: 0 is for classes that nothing is known of.
    probs[:, present] = np.exp(np.maximum(logs, -300.0))
    return probs


def outvoted(targets: IntArray, groups: Sequence[str], share: float = 2 / 3) -> dict[int, tuple[int, int]]:
    """Pictures that most others of the same physical sign contradict: index -> (their label, how many).

    groups: (N,) the sign of each picture, empty where unknown.  share: of the others that must agree, two or
    more of them.
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        if group:
            members.setdefault(group, []).append(index)
    found: dict[int, tuple[int, int]] = {}
    for indices in members.values():
        labels, counts = np.unique(targets[indices], return_counts=True)
        most = int(counts.argmax())
        if len(labels) == 1 or counts[most] < max(2, share * (len(indices) - 1)):
            continue
        found |= {i: (int(labels[most]), int(counts[most])) for i in indices if targets[i] != labels[most]}
    return found
