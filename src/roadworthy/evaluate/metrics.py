"""Predictions in, Metrics out: what a classifier got right, how sure it was, and what its mistakes cost.

numpy only.  Means over classes leave out classes with no picture; there a precision of nothing counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.config import DangerConfig, EvaluateConfig
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import Predictions, log_probabilities
from roadworthy.evaluate.calibration import expected_calibration_error
from roadworthy.evaluate.results import ClassMetrics, Metrics
from roadworthy.evaluate.statistics.intervals import bootstrap_mean, wilson
from roadworthy.signs.catalogue import family_of, kind_and_value, sign_classes

# What a sign asks of a driver.  Families are classes too, where a model was trained with --group-by family.
_PRIORITY = frozenset({"stop", "give-way", "no-entry", "wrong-way", "stop-and-priority"})
_TURN_BACK = frozenset({"no-entry", "wrong-way"})
_RIGHT_OF_WAY = frozenset({"priority-road", "right-of-way"})
_CROSSINGS = frozenset({"crossing", "roundabout"})
_ENDS = {
    "end-speed": frozenset({"limit"}),
    "end-school-zone": frozenset({"limit"}),
    "end-no-overtaking": frozenset({"overtaking"}),
    "end-no-overtaking-trucks": frozenset({"overtaking"}),
    "end-all-limits": frozenset({"limit", "overtaking"}),
    "end-of-limit": frozenset({"limit", "overtaking"}),
}
_FAR_KMH = 20

# A handful of pictures without a track among thousands with one stand as signs of their own; more of them
# would turn "bootstrap over tracks" into a name without a meaning.
_MAX_UNGROUPED = 0.01


def compute_metrics(
    predictions: Predictions,
    *,
    split: str,
    config: EvaluateConfig,
    seed: int = 0,
    frames_per_sign: float | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Metrics:
    """Everything that follows from what a model said of a set of pictures.

    frames_per_sign: how many pictures show one sign, for sets that do not say which (30 in GTSRB's test).
    extra: laid flat into metrics.json (parameters, train_seconds, unknown_skipped ...).
    Raises ShapeError when there are no pictures.
    """
    n = len(predictions.targets)
    if n == 0:
        raise ShapeError("there are no pictures to measure; the split is empty")
    targets, log_probs = predictions.targets, log_probabilities(predictions.logits, predictions.temperature)
    probs, predicted = np.exp(log_probs), predictions.logits.argmax(axis=1)
    right = predicted == targets
    accuracy = float(right.mean())

    counts = confusion_matrix(targets, predicted, len(predictions.classes))
    per_class = class_metrics(counts, predictions.classes)
    means = class_means(list(per_class.values()))

    signs = sign_indices(predictions.groups, targets)
    track_interval, signs_right = None, None
    if signs is not None:
        generator = np.random.default_rng(seed)
        track_interval = bootstrap_mean(right, signs, generator=generator, repetitions=config.bootstrap)
        signs_right = correct_signs(probs, targets, signs)
        frames_per_sign = n / len(signs_right)
    return Metrics(
        split=split,
        n=n,
        accuracy=accuracy,
        accuracy_ci95=wilson(int(right.sum()), n),
        accuracy_ci95_tracks=track_interval,
        accuracy_ci95_signs=None if track_interval else _interval_of_signs(accuracy, n, frames_per_sign),
        signs=None if signs_right is None else len(signs_right),
        sign_accuracy=None if signs_right is None else float(signs_right.mean()),
        sign_accuracy_ci95=None if signs_right is None else wilson(int(signs_right.sum()), len(signs_right)),
        **means,
        per_class=per_class,
        confusion_labels=predictions.classes,
        confusion_counts=counts,
        nll=negative_log_likelihood(log_probs, targets),
        ece=expected_calibration_error(probs, targets, config.ece_bins),
        brier=brier_score(probs, targets),
        danger_per_100=100 * danger_cost(counts, predictions.classes, config.danger) / n,
        temperature=predictions.temperature,
        extra=extra or {},
    )


def brier_score(probs: FloatArray, targets: IntArray) -> float:
    """Squared distance between the probabilities and the truth, summed over classes, mean over pictures.

    probs: (N, C), rows sum to 1.  targets: (N,).  Returns a value in [0, 2]; 0 is sure and right.
    Source: Brier 1950, eq. 2.
    """
    _check_pair(probs, targets)
    distance = np.array(probs, dtype=np.float64)
    distance[np.arange(len(targets)), targets] -= 1
    return float((distance**2).sum(axis=1).mean())


def negative_log_likelihood(log_probs: FloatArray, targets: IntArray) -> float:
    """Mean of -log of the probability given to the truth, in nats.

    log_probs: (N, C), logarithms, so that a truth held to be all but impossible keeps a finite cost.
    """
    _check_pair(log_probs, targets)
    return float(-log_probs[np.arange(len(targets)), targets].mean())


def confusion_matrix(targets: IntArray, predicted: IntArray, num_classes: int) -> NDArray[np.int64]:
    """(C, C) counts: rows are what a picture shows, columns what was answered."""
    if np.shape(targets) != np.shape(predicted):
        raise ShapeError(
            f"there are {np.shape(targets)} targets and {np.shape(predicted)} answers; "
            "each picture needs one of both"
        )
    pairs = np.asarray(targets, dtype=np.int64) * num_classes + predicted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_metrics(counts: IntArray, classes: Sequence[str]) -> dict[str, ClassMetrics]:
    """Precision, recall and F1 of each class from the confusion matrix; None where they are undefined."""
    shown, answered = counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist()
    right = counts.diagonal().tolist()
    return {
        name: ClassMetrics(
            n=shown[i],
            precision=right[i] / answered[i] if answered[i] else None,
            recall=right[i] / shown[i] if shown[i] else None,
            f1=2 * right[i] / (shown[i] + answered[i]) if shown[i] else None,
            recall_ci95=wilson(right[i], shown[i]) if shown[i] else None,
        )
        for i, name in enumerate(classes)
    }


def class_means(per_class: Sequence[ClassMetrics]) -> dict[str, float]:
    """Means over the classes that have pictures: each alike (macro), or by their pictures (weighted)."""
    present = [c for c in per_class if c.n]
    weights = [c.n for c in present]
    means = {}
    for name in ("precision", "recall", "f1"):
        values = [getattr(c, name) or 0.0 for c in present]
        means[f"macro_{name}"] = float(np.mean(values))
        means[f"weighted_{name}"] = float(np.average(values, weights=weights))
    return {"balanced_accuracy": means["macro_recall"], **means}


def danger_costs(classes: Sequence[str], danger: DangerConfig) -> FloatArray:
    """(C, C): what it costs to answer the column's class to a picture of the row's; 0 on the diagonal."""
    return np.array(
        [
            [0.0 if shown == answer else getattr(danger, danger_row(shown, answer)) for answer in classes]
            for shown in classes
        ]
    )


def danger_row(shown: str, answer: str) -> str:
    """Which weight of DangerConfig a mistake has: its row of the table in docs/guide/evaluation.md.

    What is lost counts before what is made up: a give-way read as a limit is a missed give-way.
    Raises ValueError where the two classes are the same, which is no mistake.
    """
    if shown == answer:
        raise ValueError(f"{shown} read as {answer} is no mistake; give two classes")
    if {shown, answer} == _TURN_BACK:
        return "other"
    if shown in _PRIORITY:
        return "missed_priority"
    if _is_limit(shown):
        return _limit_row(shown, answer)
    if shown in _CROSSINGS or family_of(shown) == "crossing":
        return "missed_crossing"
    if shown == "prohibition" or family_of(shown) == "prohibition":
        return "missed_prohibition"
    known = sign_classes().get(shown)
    if known is not None and known.family == "direction" and known.mirror == answer:
        return "wrong_side"
    return _false_row(shown, answer)


def danger_cost(counts: IntArray, classes: Sequence[str], danger: DangerConfig) -> float:
    """Cost of all mistakes in a confusion matrix, in units of a harmless one."""
    return float((counts * danger_costs(classes, danger)).sum())


def sign_indices(groups: Sequence[str], targets: IntArray) -> NDArray[np.int64] | None:
    """(N,) which physical sign each picture shows, numbered from 0, or None where the set does not say.

    Pictures of one group with different targets show different signs (two on one post).
    """
    if sum(not group for group in groups) > _MAX_UNGROUPED * len(groups):
        return None
    keys = [(g, int(t)) if g else ("", i) for i, (g, t) in enumerate(zip(groups, targets, strict=True))]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return None if len(numbers) == len(keys) else np.array([numbers[key] for key in keys])


def correct_signs(probs: FloatArray, targets: IntArray, signs: IntArray) -> NDArray[np.bool_]:
    """(S,) whether the mean of its frames' probabilities names the sign.

    signs: (N,) from `sign_indices`; all pictures of one sign have the same target.
    """
    totals = np.zeros((int(signs.max()) + 1, probs.shape[1]))
    np.add.at(totals, signs, probs)
    truth = np.empty(len(totals), dtype=np.int64)
    truth[signs] = targets
    return np.asarray(totals.argmax(axis=1) == truth)


def _interval_of_signs(accuracy: float, n: int, frames_per_sign: float | None) -> tuple[float, float] | None:
    # At worst a sign's frames are all right or all wrong together, and count as one trial.
    if frames_per_sign is None:
        return None
    if not frames_per_sign >= 1:
        raise ValueError(f"frames_per_sign is {frames_per_sign}; a sign has at least one picture")
    trials = n / frames_per_sign
    return wilson(accuracy * trials, trials)


def _is_limit(name: str) -> bool:
    return name == "speed-limit" or kind_and_value(name)[0] == "speed"


def _ended(name: str) -> frozenset[str]:
    """What a sign ends: `limit`, `overtaking` (its prohibition), both or nothing."""
    return _ENDS.get(kind_and_value(name)[0], frozenset())


def _limit_row(shown: str, answer: str) -> str:
    """The row of a limit that was not read as it is."""
    if "limit" in _ended(answer):
        return "limit_ended"
    if not _is_limit(answer):
        return "limit_lost"
    limit, read = kind_and_value(shown)[1], kind_and_value(answer)[1]
    if limit is None or read is None:
        return "other"
    if read < limit:
        return "limit_too_low"
    return "limit_far_too_high" if read - limit > _FAR_KMH else "limit_too_high"


def _false_row(shown: str, answer: str) -> str:
    """The row of what was made up, where nothing is lost that a driver must obey."""
    if _ended(answer) - _ended(shown):
        return "false_end"
    if answer in _RIGHT_OF_WAY and shown not in _RIGHT_OF_WAY:
        return "false_right_of_way"
    if _is_limit(answer):
        return "false_limit"
    return "false_priority" if answer in _PRIORITY else "other"


def _check_pair(scores: FloatArray, targets: IntArray) -> None:
    if np.ndim(scores) != 2 or np.shape(targets) != np.shape(scores)[:1]:
        raise ShapeError(f"scores must be (N, C), targets (N,); got {np.shape(scores)}, {np.shape(targets)}")
    if len(targets) == 0:
        raise ShapeError("there are no pictures to measure; at least one is needed")
