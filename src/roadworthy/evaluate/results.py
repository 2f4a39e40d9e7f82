"""What evaluation produces, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from roadworthy.core.accuracy import AccuracyInterval, interval_of
from roadworthy.core.arrays import IntArray


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """One class: how many pictures, precision, recall, F1, and the Wilson interval of the recall."""

    n: int
    precision: float | None
    recall: float | None
    f1: float | None
    recall_ci95: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What follows from Predictions; `to_dict` is metrics.json.

    Fractions lie in [0, 1].  Means over classes leave out classes with no picture in the set; a precision
    that is undefined (nothing predicted) counts as 0 in means.
    accuracy_ci95: Wilson, pictures taken as independent: too narrow where several show one sign.
    accuracy_ci95_tracks: bootstrap over tracks; None without tracks, or with all of them equally right.
    accuracy_ci95_signs: Wilson, with as many trials as there are signs, as if all pictures of a sign were
        right or wrong together: for tracks of which a bootstrap says nothing, and for sets without tracks
        whose pictures per sign are known.
    sign_*: a sign (track) counts as right when the mean of its frames' probabilities is.
    danger_per_100: danger-weighted cost of the mistakes per 100 pictures.
    """

    split: str
    n: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    accuracy_ci95_tracks: tuple[float, float] | None
    accuracy_ci95_signs: tuple[float, float] | None = None
    signs: int | None
    sign_accuracy: float | None
    sign_accuracy_ci95: tuple[float, float] | None
    balanced_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    per_class: dict[str, ClassMetrics]
    confusion_labels: tuple[str, ...]
    confusion_counts: IntArray
    nll: float
    ece: float
    brier: float
    danger_per_100: float
    temperature: float
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = sorted(set(self.extra) & ({*self.__dataclass_fields__, "confusion"} - {"extra"}))
        if taken:
            raise ValueError(f"extra would overwrite {', '.join(taken)} in metrics.json; name it otherwise")

    @property
    def interval(self) -> AccuracyInterval:
        """The interval to show: over signs where they are known, else over pictures."""
        return interval_of({name: getattr(self, name) for name in self.__dataclass_fields__})

    def to_dict(self) -> dict[str, Any]:
        """The contract's metrics.json; `extra` (parameters, train_seconds ...) is laid flat."""
        tree = {name: getattr(self, name) for name in self.__dataclass_fields__}
        labels, counts, extra = tree.pop("confusion_labels"), tree.pop("confusion_counts"), tree.pop("extra")
        tree["per_class"] = {name: asdict(values) for name, values in self.per_class.items()}
        tree["confusion"] = {"labels": list(labels), "counts": counts.tolist()}
        return {**tree, **extra}


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """The n pictures whose confidence lies in (lo, hi]: their mean, the share right and its interval."""

    lo: float
    hi: float
    n: int
    confidence: float
    accuracy: float
    accuracy_ci95: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Arm a against arm b in one metric, a minus b; evaluate.compare says how each figure is made.

    n, seeds, tracks: pictures, trainings of either arm, physical signs.  effect, ci95: fractions.
    tracks: where pictures do not say which sign they show, as many as there are known to be; else each
        counts as a sign of its own.
    verdict: `better`, `worse`, `no difference shown` or `not judged`, of a; empty until all of a study are.
    reason: why it is not judged, in words; empty where it is.
    detectable: the smallest difference that this design would have shown 8 times in 10.
    frames_per_sign: how many pictures show one sign, where that alone is known and pictures of one sign were
        taken as right or wrong together; None where the signs themselves are known, or nothing is.
    """

    a: str
    b: str
    metric: str
    n: int
    seeds: int
    tracks: int
    effect: float
    ci95: tuple[float, float] | None
    p: float | None
    p_adjusted: float | None = None
    verdict: str = ""
    reason: str = ""
    per_seed: tuple[float, ...] = ()
    p_seeds: float | None = None
    ci95_tracks: tuple[float, float] | None = None
    p_mcnemar: float | None = None
    detectable: float | None = None
    frames_per_sign: float | None = None
