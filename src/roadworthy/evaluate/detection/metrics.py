"""A finder's predictions in, FinderMetrics out: how much is found at which price, and what is said wrongly.

numpy only.  What intervals take as independent: `sampling.Sampling`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadworthy.config import DangerConfig, EvaluateConfig
from roadworthy.core.arrays import BoolArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.free_response import COCO_POINTS, Curve, Sweep, average_precision
from roadworthy.evaluate.detection.matching import OVERLAP
from roadworthy.evaluate.detection.results import (
    NOT_MEASURED,
    FinderMetrics,
    FoundClass,
    Measured,
    RatePoint,
    SizeRecall,
    WrongAs,
)
from roadworthy.evaluate.detection.sampling import Sampling, hull, resampled
from roadworthy.evaluate.detection.sizes import (
    ALL,
    BY_SIZE,
    FROM,
    LINES,
    SizeBounds,
    response_line,
    upper,
    within,
)
from roadworthy.evaluate.detection.sure import SureBox, is_sure, sure_boxes, wrong_per_frame
from roadworthy.evaluate.detection.tally import Signs, Tally, tally
from roadworthy.evaluate.statistics.intervals import Interval

RATES = (0.02, 0.05, 0.1, 0.5)  # false alarms a frame, at which recall is told
_CLASSES = (ALL, *BY_SIZE, *FROM)


def compute_finder_metrics(
    predictions: FinderPredictions,
    *,
    split: str,
    config: EvaluateConfig,
    rates: Sequence[float] = RATES,
    seed: int = 0,
    extra: Mapping[str, Any] | None = None,
) -> FinderMetrics:
    """Everything that follows from what was found in a set of frames, and how it was read.

    extra: laid flat into metrics.json (parameters, train_seconds ...).
    Raises ShapeError when there are no frames.
    """
    if not predictions.frames:
        raise ShapeError("there are no frames to measure; the split is empty")
    counted = tally(predictions)
    sampling = Sampling(
        units=counted.units, clustered=counted.clustered, repetitions=config.bootstrap, seed=seed
    )
    answers = _Answers(
        signs=counted.signs,
        sampling=sampling,
        right=_read_right(predictions, counted.signs) if predictions.read_too else None,
    )
    found = counted.signs.scores >= predictions.cut
    false = counted.false_per_frame(predictions.cut)
    ends = resampled(counted, sampling, rates, _CLASSES)
    curve = Sweep(counted).curve()
    return FinderMetrics(
        split=split,
        overlap=OVERLAP,
        threshold=predictions.threshold,
        frames=counted.frames,
        sequences=sampling.count if counted.clustered else None,
        signs=len(counted.signs),
        signs_named=int(counted.signs.named.sum()),
        boxes=int(found.sum() + false.sum()),
        ignored=counted.ignored,
        interval_over="sequences" if counted.clustered else "frames",
        ap50=_average_precision(curve, COCO_POINTS, ends.precision),
        ap50_all_points=_average_precision(curve, None, ends.precision_all_points),
        recall=sampling.share(found, counted.signs.frames),
        precision=_share_of_boxes(counted, found, predictions.cut, sampling),
        false_per_frame=sampling.rate(false),
        recall_at=tuple(
            _rate_point(rate, curve.threshold_for(rate), counted, answers, row)
            for rate, row in zip(rates, ends.recall, strict=True)
        ),
        recall_by_size=answers.by_size(found, BY_SIZE),
        recall_from=answers.by_size(found, FROM),
        mean_overlap=float(counted.signs.overlaps[found].mean()) if found.any() else None,
        false_kinds=dict(Counter(counted.false.kinds(predictions.cut))),
        free_response=tuple(response_line(counted, bounds) for bounds in LINES),
        free_response_end=len(counted.false) / counted.frames,
        **_timed(predictions, sampling),
        **(_said(predictions, answers, found, config.danger) if answers.right is not None else {}),
        extra=extra or {},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Answers:
    """The signs, and which of them are read right where they are found; None without a reader."""

    signs: Signs
    sampling: Sampling
    right: BoolArray | None

    def recall(self, found: BoolArray, own: BoolArray) -> Measured:
        """The share of the signs of `own` that is found."""
        return self.sampling.share(found[own], self.signs.frames[own])

    def read(self, found: BoolArray, own: BoolArray) -> Measured:
        """Of those of them whose class is told, the share found and read right."""
        told = own & self.signs.named
        return NOT_MEASURED if self.right is None else self.recall(found & self.right, told)

    def by_size(
        self, found: BoolArray, classes: Sequence[SizeBounds], beside: Sequence[Interval | None] = ()
    ) -> tuple[SizeRecall, ...]:
        """Of every class of size that has signs; `beside`: an interval for each, which its own then holds."""
        members = [(i, bounds, within(self.signs.sides, bounds)) for i, bounds in enumerate(classes)]
        return tuple(
            SizeRecall(
                low=bounds[0],
                high=upper(bounds),
                recall=_held(self.recall(found, own), beside[i] if beside else None),
                read=self.read(found, own),
            )
            for i, bounds, own in members
            if own.any()
        )


def _rate_point(
    rate: float, threshold: float, counted: Tally, answers: _Answers, ends: Sequence[Interval | None]
) -> RatePoint:
    """ends: bootstrap intervals of the recall of _CLASSES, in their order."""
    found = counted.signs.scores >= threshold
    every = np.ones(len(found), bool)
    return RatePoint(
        false_per_frame=rate,
        threshold=threshold if np.isfinite(threshold) else None,
        false=int((counted.false.scores >= threshold).sum()),
        reached=len(counted.false) > rate * counted.frames,
        recall=_held(answers.recall(found, every), ends[0]),
        recall_by_size=answers.by_size(found, BY_SIZE, ends[1 : 1 + len(BY_SIZE)]),
        recall_from=answers.by_size(found, FROM, ends[1 + len(BY_SIZE) :]),
    )


def _held(figure: Measured, beside: Interval | None) -> Measured:
    """The figure with an interval that holds another too.

    Wilson's knows that signs are few, the bootstrap that the threshold was chosen on these frames.
    """
    return replace(figure, ci95=hull(figure.ci95, beside))


def _average_precision(curve: Curve, points: int | None, ends: Interval | None) -> Measured:
    if not curve.signs:
        return NOT_MEASURED
    return Measured(value=average_precision(curve, points), n=round(curve.signs), ci95=ends)


def _share_of_boxes(counted: Tally, found: BoolArray, cut: float, sampling: Sampling) -> Measured:
    """Precision: of the boxes at the model's own threshold, ignored ones aside, the share that are signs."""
    false = counted.false.frames[counted.false.scores >= cut]
    frames = np.concatenate([counted.signs.frames[found], false])
    return sampling.share(np.arange(len(frames)) < found.sum(), frames)


def _timed(predictions: FinderPredictions, sampling: Sampling) -> dict[str, Any]:
    ms = np.array([frame.ms for frame in predictions.frames if frame.ms is not None], np.float64)
    if not len(ms):
        return {}
    return {"ms_per_frame": sampling.median(ms), "ms_per_frame_p95": float(np.quantile(ms, 0.95))}


def _read_right(predictions: FinderPredictions, signs: Signs) -> BoolArray:
    """(S,) whether the box that each sign is found by is read as the sign's class."""
    places = zip(signs.frames.tolist(), signs.boxes.tolist(), signs.labels, strict=True)
    frames = predictions.frames
    return np.array(
        [box >= 0 and (frames[number].predicted or ())[box] == label for number, box, label in places],
        dtype=bool,
    )


def _said(
    predictions: FinderPredictions, answers: _Answers, found: BoolArray, danger: DangerConfig
) -> dict[str, Any]:
    """What a reader said of what was found: how much is right, and what is sure and wrong."""
    sure = list(sure_boxes(predictions, danger))
    frames, every = len(predictions.frames), np.ones(len(found), bool)
    wrong = wrong_per_frame(sure, frames)
    return {
        "found_and_read": answers.read(found, every),
        "found_and_read_sure": answers.read(found & _accepted(predictions, answers.signs), every),
        "sure": len(sure),
        "sure_wrong": int(wrong.sum()),
        "sure_wrong_per_frame": answers.sampling.rate(wrong),
        "frames_with_sure_wrong": answers.sampling.share(wrong > 0, np.arange(frames)),
        "sure_wrong_kinds": dict(Counter(one.kind for one in sure if one.wrong)),
        "sure_wrong_as": _wrong_as(sure),
        "danger_per_100": 100 * sum(one.cost for one in sure) / frames,
        "per_class": _per_class(answers, found, sure),
    }


def _accepted(predictions: FinderPredictions, signs: Signs) -> BoolArray:
    """(S,) whether the class of the box that each sign is found by is given."""
    kept = [is_sure(frame, predictions.cut) for frame in predictions.frames]
    places = zip(signs.frames.tolist(), signs.boxes.tolist(), strict=True)
    return np.array([box >= 0 and bool(kept[number][box]) for number, box in places], dtype=bool)


def _wrong_as(sure: Sequence[SureBox]) -> tuple[WrongAs, ...]:
    """The costliest first."""
    costs = {(one.shown, one.predicted, one.kind, one.row): one.cost for one in sure if one.wrong}
    counts = Counter((one.shown, one.predicted, one.kind, one.row) for one in sure if one.wrong)
    rows = [
        WrongAs(shown=key[0], predicted=key[1], kind=key[2], row=key[3], count=n, cost=n * costs[key])
        for key, n in counts.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.cost, -row.count, row.shown, row.predicted, row.kind)))


def _per_class(answers: _Answers, found: BoolArray, sure: Sequence[SureBox]) -> dict[str, FoundClass]:
    labels = np.array(answers.signs.labels, dtype=object)
    said, wrong = Counter(one.predicted for one in sure), Counter(one.predicted for one in sure if one.wrong)
    danger: dict[str, float] = defaultdict(float)
    for one in sure:
        danger[one.predicted] += one.cost
    names = sorted({*filter(None, answers.signs.labels), *said})
    return {
        name: FoundClass(
            recall=answers.recall(found, labels == name),
            read=answers.read(found, labels == name),
            sure=said[name],
            sure_wrong=wrong[name],
            danger=danger[name],
        )
        for name in names
    }
