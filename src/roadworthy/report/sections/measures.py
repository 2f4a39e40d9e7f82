"""Everything that was measured, and what each interval takes as independent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from roadworthy.core.document import Block, Facts, Figure, Table
from roadworthy.core.words import interval, percent
from roadworthy.report import figures
from roadworthy.report.sections.base import section, shown_metrics
from roadworthy.report.sections.run import Run
from roadworthy.report.tables import in_words

SCORES = (
    ("cross-entropy, before calibration", "cross_entropy"),
    ("cross-entropy, calibrated", "nll"),
    ("Brier score", "brier"),
    ("temperature", "temperature"),
)
# What else metrics.json may hold: what it is called, and which kind of number it is.
FURTHER = {
    "val_accuracy": ("accuracy on validation", "share"),
    "samples": ("pictures shown in training", "count"),
    "train_images": ("training pictures", "count"),
    "trained_on": ("pictures here that were trained on", "count"),
    "gradients": ("gradients computed", "count"),
    "undivided": ("the whole set, which has no splits", ""),
}


@section(
    "measures",
    title="Measured",
    order=50,
    shows=(
        "accuracy_ci95",
        "accuracy_ci95_tracks",
        "accuracy_ci95_signs",
        "signs",
        "sign_accuracy",
        "sign_accuracy_ci95",
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "weighted_precision",
        "weighted_recall",
        "weighted_f1",
        "nll",
        "cross_entropy",
        "ece",
        "brier",
        "danger_per_100",
        "temperature",
    ),
)
def measures(run: Run) -> list[Block]:
    """Accuracy with every interval known, the usual means, and whatever else was measured."""
    known = [one for one in _intervals(run.metrics) if one.value is not None and one.ci95 is not None]
    return [_table(known), _chart(known), Facts(items=(*_means(run.metrics), *_further(run.metrics)))]


class _Measured(NamedTuple):
    """An accuracy, its interval, and what that takes as independent."""

    name: str
    value: float | None
    ci95: tuple[float, float] | None
    n: int | None
    takes: str


def _intervals(m: Mapping[str, Any]) -> tuple[_Measured, ...]:
    signs, accuracy = m.get("signs"), m["accuracy"]
    return (
        _Measured(
            "accuracy, pictures",
            accuracy,
            m["accuracy_ci95"],
            m["n"],
            "pictures as independent (Wilson); too narrow where a sign has many",
        ),
        _Measured(
            "accuracy, over signs",
            accuracy,
            m.get("accuracy_ci95_tracks"),
            signs,
            "signs as independent (bootstrap over tracks); the honest one for the accuracy of a picture",
        ),
        _Measured(
            "accuracy, as many trials as signs",
            accuracy,
            m.get("accuracy_ci95_signs"),
            m.get("signs_estimated"),
            "frames of a sign right or wrong together (Wilson); how many signs there are is known, not which",
        ),
        _Measured(
            "signs recognised",
            m.get("sign_accuracy"),
            m.get("sign_accuracy_ci95"),
            signs,
            "a sign is one answer, the mean of its frames (Wilson)",
        ),
    )


def _table(known: Sequence[_Measured]) -> Table:
    rows = tuple(
        (one.name, percent(one.value), interval(one.ci95), f"{one.n:,}" if one.n else "–", one.takes)
        for one in known
    )
    return Table(
        caption="Accuracy with its intervals",
        columns=("measure", "value", "95 % interval", "n", "what the interval takes"),
        rows=rows,
        align_right=(1, 2, 3),
    )


def _chart(known: Sequence[_Measured]) -> Figure:
    said = "; ".join(f"{one.name} {percent(one.value)}, {interval(one.ci95)}" for one in known)
    return figures.interval_chart(
        name="intervals",
        caption="The same result, by what is counted as independent" if len(known) > 1 else "The result",
        alt=f"95 % intervals: {said}.",
        rows=[
            figures.Interval(name=one.name, value=one.value, low=one.ci95[0], high=one.ci95[1])
            for one in known
            if one.value is not None and one.ci95 is not None
        ],
    )


def _means(m: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The usual means and scores."""
    means = [f"{kind}_{name}" for kind in ("macro", "weighted") for name in ("precision", "recall", "f1")]
    for name in ("balanced_accuracy", *means):
        yield name.replace("_", " ").replace("f1", "F1"), percent(m.get(name))
    for label, key in SCORES:
        if m.get(key) is not None:
            yield label, f"{m[key]:.4f}"
    yield "calibration error (ECE)", percent(m["ece"])
    if m.get("danger_per_100") is not None:
        yield "danger-weighted cost per 100 pictures", f"{m['danger_per_100']:.2f}"


def _further(m: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whatever else was measured and no section shows in its own way."""
    shown = shown_metrics()
    for name, value in m.items():
        if name not in shown and isinstance(value, str | int | float):
            label, kind = FURTHER.get(name, (name.replace("_", " "), ""))
            yield label, in_words(value, kind)
