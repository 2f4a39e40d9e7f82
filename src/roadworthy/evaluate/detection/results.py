"""What measuring a finder gives, as plain data; `FinderMetrics.to_dict` is its metrics.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from roadworthy.core.finder_predictions import TASK
from roadworthy.evaluate.statistics.intervals import Interval


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A figure, of how many frames or signs it is, and its 95 % interval; None where it is not defined."""

    value: float | None
    n: int
    ci95: Interval | None = None


NOT_MEASURED = Measured(value=None, n=0)
_MEASURED = {"value", "n", "ci95"}


@dataclass(frozen=True, kw_only=True)
class SizeRecall:
    """The signs whose larger side lies in [low, high) pixels; a high of None is no bound.

    recall: the share of them found.  read: of those whose class the set tells, found and read right.
    """

    low: float
    high: float | None
    recall: Measured
    read: Measured


@dataclass(frozen=True, kw_only=True)
class RatePoint:
    """What is found where no more than `false_per_frame` false alarms a frame are allowed.

    threshold: the lowest with no more than that, chosen on these very scores; None where even the surest box
        has more, or there is none.
    false: how many false alarms there are at it, in all frames.
    reached: whether the boxes given hold that many; else they end before, and lower scores might find more.
    recall_by_size, recall_from: as in FinderMetrics, at this threshold.
    """

    false_per_frame: float
    threshold: float | None
    false: int
    reached: bool
    recall: Measured
    recall_by_size: tuple[SizeRecall, ...]
    recall_from: tuple[SizeRecall, ...]


@dataclass(frozen=True, kw_only=True)
class FoundClass:
    """One class: of its signs the share found, and found and read right.

    sure, sure_wrong, danger: how many boxes were surely read as it, how many of those are wrong, and the
    danger-weighted cost of these.
    """

    recall: Measured
    read: Measured
    sure: int
    sure_wrong: int
    danger: float


@dataclass(frozen=True, kw_only=True)
class WrongAs:
    """Sure and wrong boxes of one sort: what was there, what it was read as, how often, and the cost of all.

    kind, row: as in `sure.SureBox`.
    """

    shown: str
    predicted: str
    kind: str
    count: int
    row: str
    cost: float


@dataclass(frozen=True, kw_only=True)
class ResponseLine:
    """One line of the free-response curve: of the n signs of [low, high) pixels, the share found.

    false_per_frame, recall: at its corners; between two of them the recall is that of the left one.
    """

    low: float
    high: float | None
    n: int
    false_per_frame: tuple[float, ...]
    recall: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class FinderMetrics:
    """How well a finder finds, and what it and a reader say wrongly; `to_dict` is metrics.json.

    A found box is a sign's at an intersection over union of `overlap`.  What lies in an ignored region, by
    COCO's rule for crowds, is neither wanted nor false.  Fractions lie in [0, 1].
    threshold: the model's own; None where every box given counts.  At it are measured: recall, precision,
        false_per_frame, recall_by_size, and all that is sure or read.
    signs, signs_named: to be found, and those of them whose class the set tells.  boxes: found, at it.
    interval_over: what the intervals take as independent: `frames`, or `sequences` where these are known.
    ap50, ap50_all_points: average precision, by COCO's 101 points and by all of them.
    recall_at: at numbers of false alarms a frame.  recall_by_size: in classes of size.  recall_from: of all
        signs from a size up.
    found_and_read, found_and_read_sure: of the signs whose class is told, the share that is found and read
        right; and that is accepted too.
    sure_wrong_per_frame: boxes whose class is given and that are no such sign.  frames_with_sure_wrong: the
        share of frames with any.  sure_wrong_kinds, sure_wrong_as: what they are.
    danger_per_100: their danger-weighted cost per 100 frames.
    mean_overlap: of the signs found, with their boxes.  false_kinds: what the false alarms are.
    ms_per_frame, ms_per_frame_p95: the median and the 95th percentile of what was timed.
    """

    split: str
    overlap: float
    threshold: float | None
    frames: int
    sequences: int | None
    signs: int
    signs_named: int
    boxes: int
    ignored: int
    interval_over: str
    ap50: Measured
    ap50_all_points: Measured
    recall: Measured
    precision: Measured
    false_per_frame: Measured
    recall_at: tuple[RatePoint, ...]
    recall_by_size: tuple[SizeRecall, ...]
    recall_from: tuple[SizeRecall, ...]
    mean_overlap: float | None
    false_kinds: Mapping[str, int]
    found_and_read: Measured = NOT_MEASURED
    found_and_read_sure: Measured = NOT_MEASURED
    sure: int | None = None
    sure_wrong: int | None = None
    sure_wrong_per_frame: Measured = NOT_MEASURED
    frames_with_sure_wrong: Measured = NOT_MEASURED
    sure_wrong_kinds: Mapping[str, int] = field(default_factory=dict)
    sure_wrong_as: tuple[WrongAs, ...] = ()
    danger_per_100: float | None = None
    per_class: Mapping[str, FoundClass] = field(default_factory=dict)
    free_response: tuple[ResponseLine, ...] = ()
    free_response_end: float = 0.0
    ms_per_frame: Measured = NOT_MEASURED
    ms_per_frame_p95: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = sorted(set(self.extra) & set(self._own()))
        if taken:
            raise ValueError(f"extra would overwrite {', '.join(taken)} in metrics.json; name it otherwise")

    def to_dict(self) -> dict[str, Any]:
        """metrics.json: beside each figure its `_n` and `_ci95`; `extra` is laid flat."""
        return {**self._own(), **self.extra}

    def _own(self) -> dict[str, Any]:
        tree = asdict(self)
        del tree["extra"]
        return {"task": TASK, **flat(tree)}


def flat(tree: Any) -> Any:
    """A tree, as `asdict` gives it, with each `Measured` as three entries: `x`, `x_n` and `x_ci95`."""
    if isinstance(tree, list | tuple):
        return [flat(one) for one in tree]
    if not isinstance(tree, Mapping):
        return tree
    laid: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and set(value) == _MEASURED:
            laid |= {name: value["value"], f"{name}_n": value["n"], f"{name}_ci95": flat(value["ci95"])}
        else:
            laid[str(name)] = flat(value)
    return laid
