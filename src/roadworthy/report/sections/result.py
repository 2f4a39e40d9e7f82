"""The result: what was asked, the figure and how sure it is, and what is to be doubted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.core.accuracy import interval_of
from roadworthy.core.document import Block, Facts, Text
from roadworthy.core.words import duration, interval, percent, plural
from roadworthy.report.sections.base import listed, section, weights_used
from roadworthy.report.sections.run import Run


@section(
    "result",
    title="Result",
    order=10,
    shows=(
        "split",
        "n",
        "accuracy",
        "parameters",
        "train_seconds",
        "weights",
        "best_epoch",
        "unknown_skipped",
        "views",
        "norms",
        "warnings",
        "signs_estimated",
        "drawn",
    ),
)
def result(run: Run) -> list[Block]:
    """The task, the headline figures, and every reason to doubt them."""
    asked = Text(text=f"{_asked(run)} {weights_used(run)}".strip())
    doubts = [Text(text=text, tone="warning") for text in _doubts(run)]
    return [asked, _headline(run), *doubts, *(Text(text=text) for text in _ways(run.metrics))]


def _asked(run: Run) -> str:
    """The task in a sentence."""
    m, drawn = run.metrics, _drawn(run.metrics)
    classes = run.predictions.classes
    what = f"{plural(len(classes), 'class')} ({listed(classes, 4)})"
    if run.config is None:
        split = "without splits" if m.get("undivided") else m["split"]
        where = f"{m['n']:,} {drawn}pictures of {run.data['spec']} ({split})"
        return f"Measure a model that tells {what} apart on {where}."
    return (
        f"Train {run.config.model.name} for {run.config.train.budget} to tell {what} apart at "
        f"{run.config.input.size} px on {run.data['spec']}, then measure it once on {m['n']:,} "
        f"{drawn}{m['split']} pictures."
    )


def _drawn(m: Mapping[str, Any]) -> str:
    """A figure on drawings must never be taken for one on photographs."""
    return "drawn " if m.get("drawn") else ""


def _headline(run: Run) -> Facts:
    m, drawn = run.metrics, _drawn(run.metrics)
    split = "" if m.get("undivided") else f" on {drawn}{m['split']}{' pictures' if drawn else ''}"
    items = [
        (f"accuracy{split}", f"{percent(m['accuracy'])}\n{_honest_interval(m)}"),
        (f"{drawn}pictures", f"{m['n']:,}\n{_signs(m)}"),
        ("macro F1", f"{percent(m['macro_f1'])}\nall classes weigh the same"),
        ("calibration error", f"{percent(m['ece'])}\nconfidence against accuracy (ECE)"),
    ]
    if m.get("parameters"):
        items.append(("parameters", f"{m['parameters']:,}\nweights of the network"))
    if m.get("train_seconds") is not None:
        items.append(("training time", f"{duration(m['train_seconds'])}\n{_machine(run)}".strip()))
    return Facts(items=tuple(items), headline=len(items))


def _doubts(run: Run) -> Iterator[str]:
    """Why the figures may flatter the model."""
    m = run.metrics
    if run.config is not None and m["split"] == "val":
        yield "There was no test split. Validation chose these weights, so these figures flatter the model."
    yield from (str(warning["text"]) for warning in m.get("warnings") or [])
    if m.get("trained_on"):
        yield f"{plural(m['trained_on'], 'picture')} of these were trained on: the figures flatter the model."
    if m.get("unknown_skipped"):
        yield f"{plural(m['unknown_skipped'], 'picture')} of classes unknown to the model were left out."


def _ways(m: Mapping[str, Any]) -> Iterator[str]:
    """What was done to these pictures that is not usual."""
    if m.get("views"):
        yield f"Answers are means over several views of each picture: {m['views']}."
    if m.get("norms"):
        yield "BatchNorm statistics were estimated again from these pictures, without their labels."


def _honest_interval(m: Mapping[str, Any]) -> str:
    found = interval_of(m)
    return f"95 % over {found.over}: {interval((found.low, found.high))}"


def _signs(m: Mapping[str, Any]) -> str:
    if m.get("signs"):
        return plural(m["signs"], "physical sign")
    if m.get("drawn"):
        return "each a sign of its own"
    return f"of about {m['signs_estimated']:,} signs" if m.get("signs_estimated") else "signs not known"


def _machine(run: Run) -> str:
    threads, device = run.provenance.get("threads"), run.provenance.get("device")
    return f"{device}, {plural(threads, 'thread')}" if threads and device else str(device or "")
