"""`--require name=value`: what a result must reach.  Plain values in, plain words out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.core.errors import RequirementError, UnknownNameError, UsageError

# Of readers, finders and drives: one that a model does not have is refused where its metrics are at hand.
AT_LEAST = (
    *("ap50", "recall", "precision", "found_and_read"),
    "accuracy",
    "balanced_accuracy",
    "sign_accuracy",
    *(f"{mean}_{name}" for mean in ("macro", "weighted") for name in ("precision", "recall", "f1")),
    *("event_kpi", "distance_kpi", "time_kpi", "found_once", "right_class", "limit_signs_before"),  # drives'
)
AT_MOST = (
    *("ece", "nll", "brier", "danger_per_100"),
    *("false_per_frame", "sure_wrong_per_frame", "frames_with_sure_wrong", "ms_per_frame"),
    *("dangerous_per_100_km", "dangerous_share", "duplicates", "false_per_hour", "false_sure_per_hour"),
    *("answer_s_median", "answer_s_p95"),
)
PER_CLASS = ("precision", "recall", "f1")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One metric's bound: a lower one for what should be high, an upper one for what should be low.

    path: the keys that lead to it in metrics.json: ("accuracy",) or ("per_class", "stop", "recall").
    """

    path: tuple[str, ...]
    bound: float

    @property
    def name(self) -> str:
        """As the user wrote it: `accuracy`, `stop.recall`."""
        return ".".join(self.path[-2:])

    @property
    def at_most(self) -> bool:
        """Whether the bound is an upper one."""
        return self.path[-1] in AT_MOST


def parse_requirement(text: str) -> Requirement:
    """`accuracy=0.9` or `stop.recall=0.99` as a Requirement.

    Raises UsageError where that is no name=number or no bound that can be met, UnknownNameError on an
    unknown metric.
    """
    name, _, value = text.partition("=")
    name = name.strip()
    try:
        bound = float(value)
    except ValueError:
        bound = math.nan
    if not name or not math.isfinite(bound):
        raise UsageError(f"--require got {text!r}; write it as name=number, like accuracy=0.9")
    label, dot, metric = name.rpartition(".")
    if metric not in (PER_CLASS if dot else (*AT_LEAST, *AT_MOST)):
        raise UnknownNameError("metric", name, [*AT_LEAST, *AT_MOST, *(f"CLASS.{m}" for m in PER_CLASS)])
    if metric not in AT_MOST and not 0 <= bound <= 1:
        raise UsageError(f"--require got {text!r}; {metric} is a fraction between 0 and 1, like {name}=0.9")
    return Requirement(path=("per_class", label, metric) if dot else (metric,), bound=bound)


def check_requirements(metrics: Mapping[str, Any], requirements: Iterable[Requirement]) -> None:
    """Raise RequirementError, naming all that `metrics` (metrics.json) does not reach.

    A metric without a value (a class of which there is no picture) is not reached.
    """
    missed = []
    for requirement in requirements:
        value: Any = metrics
        for key in requirement.path:
            if requirement.path[0] == "per_class" and value is metrics["per_class"] and key not in value:
                raise UnknownNameError("class", key, value)
            if key not in value:
                known = [name for name in (*AT_LEAST, *AT_MOST) if name in metrics]
                raise UnknownNameError("metric of this model", requirement.name, known)
            value = value[key]
        sense = "at most" if requirement.at_most else "at least"
        wanted = f"{requirement.name} must be {sense} {requirement.bound:g}"
        if value is None:
            missed.append(f"{wanted} but has no value: the data hold no such case")
        elif (value > requirement.bound) if requirement.at_most else (value < requirement.bound):
            missed.append(f"{wanted}; it is {value:.6g}")
    if missed:
        raise RequirementError(f"required but not met: {'; '.join(missed)}")
