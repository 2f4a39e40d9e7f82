"""Knowing when not to answer: risk against coverage, thresholds, and telling the unknown apart.  numpy only.

Scores are (N,), higher where an answer is surer; where scores are equal no order among them is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.inference.confidence import SCORES, accepted

COVERAGES = (0.99, 0.95, 0.9)
CURVE_POINTS = 100


@dataclass(frozen=True, kw_only=True)
class RiskCoverage:
    """Shares answered and wrong when the surest answers are given first.

    coverage: (K,) ascending, the last 1.  risk: (K,) wrong among those answered.
    Answers that are equally sure are given together: between two points none can be chosen.
    """

    coverage: FloatArray
    risk: FloatArray

    @property
    def area(self) -> float:
        """AURC: the mean risk over all coverages, equally sure answers counting in any order."""
        shares = np.diff(self.coverage, prepend=0.0)
        wrong = self.risk * self.coverage
        before = np.concatenate([[0.0], wrong[:-1]])
        start = self.coverage - shares
        rate = (wrong - before) / shares
        # Within a step wrong answers come at an even rate: the integral of (before + rate (c - start)) / c.
        logs = np.log(self.coverage / np.where(start > 0, start, self.coverage))
        return float((rate * shares + np.where(start > 0, before - rate * start, 0.0) * logs).sum())

    def at(self, coverage: float) -> float:
        """The risk when that share is answered; within a step of equally sure answers, its mean order."""
        if not 0 < coverage <= 1:
            raise ValueError(f"coverage is {coverage}; it must lie above 0 and be at most 1")
        wrong = np.interp(
            coverage,
            np.concatenate([[0.0], self.coverage]),
            np.concatenate([[0.0], self.risk * self.coverage]),
        )
        return float(wrong / coverage)


def risk_coverage(scores: FloatArray, right: FloatArray) -> RiskCoverage:
    """The curve of N answers.  right: (N,) 1 or 0.  Source: El-Yaniv and Wiener 2010."""
    scores, right = _checked(scores, right)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # of equal scores
    answered = last + 1.0
    wrong = np.cumsum(1.0 - right[order])[last]
    return RiskCoverage(coverage=answered / len(order), risk=wrong / answered)


def threshold_for(scores: FloatArray, coverage: float) -> float:
    """The highest threshold that still answers a share `coverage` of these, a score of its own included.

    With so few pictures that (1 - coverage) of them is less than one, it is the lowest score seen.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise ShapeError(f"a threshold needs (N,) scores, at least one; got {scores.shape}")
    _check_finite(scores)
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage is {coverage}; it must lie above 0 and be at most 1")
    # 0.99 of 100 is 99, though not in floating point.
    answered = int(np.ceil(coverage * len(scores) - 1e-9))
    return float(np.sort(scores)[len(scores) - answered])


def threshold_at_risk(scores: FloatArray, right: FloatArray, risk: float) -> float:
    """The lowest threshold from which on no more than a share `risk` of what is answered is wrong.

    right: (N,) 1 or 0.  Where no threshold does, one above every score: nothing is answered.
    """
    scores, right = _checked(scores, right)
    curve = risk_coverage(scores, right)
    enough = np.flatnonzero(curve.risk <= risk)
    ordered = np.sort(scores)[::-1]
    if not len(enough):
        return float(np.nextafter(ordered[0], np.inf))
    return float(ordered[round(curve.coverage[enough[-1]] * len(scores)) - 1])


def auroc(known: FloatArray, unknown: FloatArray) -> float:
    """Chance that a known picture scores above an unknown one, ties by half."""
    known, unknown = _sides(known, unknown)
    ordered = np.sort(unknown)
    below, up_to = (np.searchsorted(ordered, known, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(unknown)))


def false_positive_rate(known: FloatArray, unknown: FloatArray, true_positive_rate: float = 0.95) -> float:
    """Share of the unknown that is answered by a threshold that answers so much of the known."""
    known, unknown = _sides(known, unknown)
    return float((unknown >= threshold_for(known, true_positive_rate)).mean())


def rejection_summary(predictions: Predictions) -> dict[str, Any]:
    """What metrics.json says of answers that are not given.

    score: the model's own, or the largest probability where it chose none.  aurc: area under the curve of
    risk against coverage.  error_at: the error when so much is answered.  curve: about 100 points.
    Where a threshold was chosen also the coverage and accuracy that it gives.
    """
    chosen = predictions.rejection
    name = "probability" if chosen is None else chosen.score
    scores = SCORES.get(name)(predictions.logits, predictions.temperature)
    right = (predictions.logits.argmax(axis=1) == predictions.targets).astype(np.float64)
    curve = risk_coverage(scores, right)
    # A good network makes nearly all its mistakes in the last percent: half of the points lie at the end.
    wanted = np.concatenate(
        [np.linspace(0, 1, CURVE_POINTS // 2), 1 - np.geomspace(1e-4, 0.1, CURVE_POINTS // 2)]
    )
    last = len(curve.risk) - 1
    points = np.unique(np.append(np.searchsorted(curve.coverage, wanted).clip(max=last), last))
    summary: dict[str, Any] = {
        "score": name,
        "aurc": curve.area,
        "error_at": {f"{coverage:g}": curve.at(coverage) for coverage in (1.0, *COVERAGES)},
        "curve": {"coverage": curve.coverage[points].tolist(), "risk": curve.risk[points].tolist()},
    }
    kept = accepted(predictions.logits, predictions.temperature, chosen)
    if chosen is not None and kept is not None:
        summary |= {
            "threshold": chosen.threshold,
            "chosen_for_coverage": chosen.coverage,
            "chosen_on": chosen.n,
            "n_accepted": int(kept.sum()),
            "coverage": float(kept.mean()),
            "errors_accepted": int((1 - right[kept]).sum()),
            "accuracy_accepted": float(right[kept].mean()) if kept.any() else None,
            "errors_rejected": int((1 - right[~kept]).sum()),
        }
    return summary


class Mahalanobis:
    """How near a feature lies to the nearest class, by the spread that all classes share; higher is nearer.

    features_ND, targets: of training pictures.  shrinkage: towards equal spread in all directions, which
    keeps directions without any variance from deciding.  Source: Lee et al. 2018.
    """

    def __init__(self, features_ND: FloatArray, targets: IntArray, shrinkage: float = 0.01) -> None:
        features = np.asarray(features_ND, dtype=np.float64)
        present, rows = np.unique(targets, return_inverse=True)
        self._means = np.stack([features[targets == target].mean(axis=0) for target in present])
        within = features - self._means[rows]
        covariance = within.T @ within / len(within)
        scale = np.trace(covariance) / len(covariance)
        covariance = (1 - shrinkage) * covariance + shrinkage * max(scale, 1e-12) * np.eye(len(covariance))
        self._whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T

    def __call__(self, features_MD: FloatArray) -> FloatArray:
        """(M,) minus the squared distance to the nearest class mean."""
        asked = np.asarray(features_MD, dtype=np.float64) @ self._whiten
        return np.asarray(-_squared_distances(asked, self._means @ self._whiten).min(axis=1))


class NearestNeighbours:
    """How near a feature's direction lies to its k-th nearest training feature; higher is nearer.

    Source: Sun et al. 2022.
    """

    def __init__(self, features_ND: FloatArray, k: int = 10) -> None:
        if not 1 <= k <= len(features_ND):
            raise ValueError(f"k is {k}; with {len(features_ND)} features it must lie between 1 and that")
        self._known, self._k = _directions(features_ND), k

    def __call__(self, features_MD: FloatArray) -> FloatArray:
        """(M,) minus the distance to the k-th nearest."""
        asked = _directions(features_MD)
        parts = np.array_split(asked, max(1, len(asked) // 512))
        nearest = [
            np.partition(_squared_distances(part, self._known), self._k - 1, axis=1)[:, self._k - 1]
            for part in parts
        ]
        return np.asarray(-np.sqrt(np.maximum(np.concatenate(nearest), 0.0)))


def agreement(logits_of_views: Sequence[FloatArray], temperature: float = 1.0) -> FloatArray:
    """(N,) the mean probability that V views of a picture, (N, C) each, give to the joint answer.

    That is the likeliest class by the mean of the logits, as evaluation answers with views.
    """
    answers = np.mean(logits_of_views, axis=0).argmax(axis=1)
    probs = np.mean([probabilities(logits, temperature) for logits in logits_of_views], axis=0)
    result: FloatArray = probs[np.arange(len(answers)), answers]
    return result


def _directions(features: FloatArray) -> FloatArray:
    values = np.asarray(features, dtype=np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def _squared_distances(one_MD: FloatArray, other_ND: FloatArray) -> FloatArray:
    squares = np.square(one_MD).sum(axis=1)[:, None] + np.square(other_ND).sum(axis=1)
    return np.asarray(squares - 2 * one_MD @ other_ND.T)


def _checked(scores: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    scores, right = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != right.shape or not len(scores):
        raise ShapeError(f"scores and answers must be (N,), at least one; got {scores.shape}, {right.shape}")
    _check_finite(scores)
    return scores, right


def _sides(known: FloatArray, unknown: FloatArray) -> tuple[FloatArray, FloatArray]:
    known, unknown = np.asarray(known, dtype=np.float64), np.asarray(unknown, dtype=np.float64)
    if known.ndim != 1 or unknown.ndim != 1 or not len(known) or not len(unknown):
        raise ShapeError(f"both sides must be (N,), at least one; got {known.shape} and {unknown.shape}")
    _check_finite(known, unknown)
    return known, unknown


def _check_finite(*scores: FloatArray) -> None:
    if not all(np.isfinite(some).all() for some in scores):
        raise ValueError("some scores are not finite; every answer needs one")
