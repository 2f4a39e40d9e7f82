"""What was measured, as lines of text: a terminal and report.txt show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from roadworthy.core.accuracy import interval_of
from roadworthy.core.finder_predictions import TASK
from roadworthy.core.words import interval, percent, plural, points, points_interval
from roadworthy.report.columns import WIDTH as WIDTH
from roadworthy.report.columns import Facts, aligned, folded, short
from roadworthy.report.finder_text import finder_facts, finder_text
from roadworthy.report.verdict import SPLITS, said_of_change, verdict

MOST_PAIRS = 10


def result_facts(metrics: Mapping[str, Any]) -> Facts:
    """The figures that a script reads: names and what is to be said of each.

    metrics: metrics.json, of a reader or a finder.
    """
    if metrics.get("task") == TASK:
        return finder_facts(metrics)
    found = interval_of(metrics)
    pictures = plural(metrics["n"], "drawn picture" if metrics.get("drawn") else "picture")
    where = "without splits" if metrics.get("undivided") else f"of {metrics['split']}"
    facts = [
        ("accuracy", f"{percent(metrics['accuracy'])} of {pictures} {where}"),
        ("interval", f"{interval((found.low, found.high))}  (95 %, over {found.over})"),
        ("balanced", percent(metrics["balanced_accuracy"])),
        ("ECE", f"{metrics['ece']:.4f}"),
    ]
    if skipped := metrics.get("unknown_skipped"):
        facts.append(("left out", f"{plural(skipped, 'picture')} of classes that the model does not know"))
    if seen := metrics.get("trained_on"):
        facts.append(("beware", f"the model was trained on {seen:,} of these, so the figures flatter it"))
    return facts + [("beware", warning["text"]) for warning in metrics.get("warnings") or ()]


def result_text(metrics: Mapping[str, Any], *, folder: str = "", width: int = WIDTH) -> str:
    """All that a person wants to know at once; no line is longer than `width`, but where names are.

    metrics: metrics.json.  folder: the run's, which the place of its weights then begins with.
    Verdict, figures, a classification report, and the confusion matrix where it fits, else the pairs that
    were confused most often; of a finder `finder_text`.
    """
    if metrics.get("task") == TASK:
        return finder_text(metrics, width=width)
    parts = [
        folded(verdict(metrics), width),
        aligned([*result_facts(metrics), *_training(metrics, folder), *_change(metrics)], width),
        _classification(metrics),
        _confusion(metrics, width),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _training(metrics: Mapping[str, Any], folder: str) -> Iterator[tuple[str, str]]:
    """The loss, by what it contains, and which weights were measured."""
    split = "" if metrics.get("undivided") else f"{SPLITS.get(metrics['split'], metrics['split'])} "
    loss = f"{split}loss"
    calibrated = f"{metrics['nll']:.4f} calibrated"
    if metrics.get("cross_entropy") is None:
        yield loss, f"{calibrated}: cross-entropy, without L2 or label smoothing"
    else:
        yield (
            loss,
            f"{metrics['cross_entropy']:.4f}, {calibrated}: cross-entropy, without L2 or label smoothing",
        )
    if metrics.get("best_epoch") is None:
        epoch = f", epoch {metrics['epoch']}" if metrics.get("epoch") is not None else ""
        if metrics.get("weights"):
            yield "weights", f"{metrics['weights']}{epoch}"
        return
    validated = metrics.get("val_accuracy")
    how = "nothing was set aside to choose by" if validated is None else f"validation {percent(validated)}"
    of = f" of {metrics['epochs']}" if metrics.get("epochs") else ""
    yield "best epoch", f"{metrics['best_epoch']}{of} ({how})"
    yield "its weights", f"{folder}{'/' if folder else ''}checkpoints/best.safetensors"


def _change(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Against the run's own test, where a new set was measured."""
    if own := metrics.get("own_test"):
        yield "own test", said_of_change(own)
        if own["recall_change"] is not None:
            found = own["recall_change"]["difference"]
            span = points_interval((found["low"], found["high"]))
            both = plural(len(own["per_class"]), "class")
            yield "by class", f"{points(found['value'])} points (95 % {span}), the mean over {both} of both"
        yield "method", own["method"]


def _classification(metrics: Mapping[str, Any]) -> list[str]:
    """Precision, recall, F1 and support of every class, and their means."""
    per_class = metrics["per_class"]
    side = max(len("weighted avg"), *(len(short(name)) for name in per_class))

    def row(name: str, values: Sequence[float | None], support: int) -> str:
        cells = "".join("         –" if v is None else f"{v:>10.4f}" for v in values)
        return f"{short(name):<{side}}{cells}{support:>10,}"

    keys = ("precision", "recall", "f1")
    n, blank = metrics["n"], " " * 20
    lines = [f"{'':<{side}}" + "".join(f"{key:>10}" for key in (*keys, "support"))]
    lines += [row(name, [one[key] for key in keys], one["n"]) for name, one in per_class.items()]
    lines += ["", f"{'accuracy':<{side}}{blank}{metrics['accuracy']:>10.4f}{n:>10,}"]
    lines += [
        row(f"{mean} avg", [metrics[f"{mean}_{key}"] for key in keys], n) for mean in ("macro", "weighted")
    ]
    return lines


def _confusion(metrics: Mapping[str, Any], width: int) -> list[str]:
    """The matrix where it fits, else the pairs confused most often; nothing where all is right."""
    labels = list(metrics["confusion"]["labels"])
    counts = np.asarray(metrics["confusion"]["counts"], dtype=np.int64)
    names = [short(label) for label in labels]
    columns = [max(len(name), len(f"{counts[:, i].max():,}")) for i, name in enumerate(names)]
    side = max(map(len, names))
    if side + sum(columns) + 2 * len(columns) <= width:
        head = " " * side + "".join(f"  {name:>{room}}" for name, room in zip(names, columns, strict=True))
        rows = [
            f"{name:<{side}}"
            + "".join(
                f"  {f'{n:,}' if n else '.':>{room}}" for n, room in zip(row.tolist(), columns, strict=True)
            )
            for name, row in zip(names, counts, strict=True)
        ]
        return ["Confusion matrix: rows are what is shown, columns what was answered", head, *rows]
    wrong = counts - np.diag(np.diag(counts))
    pairs = [(int(wrong[r, c]), names[r], names[c]) for r, c in zip(*wrong.nonzero(), strict=True)]
    pairs.sort(key=lambda pair: -pair[0])
    if not pairs:
        return []
    return [
        f"Most confused pairs ({min(len(pairs), MOST_PAIRS)} of {len(pairs):,})",
        *(f"{times:>6,}  {target} read as {answer}" for times, target, answer in pairs[:MOST_PAIRS]),
    ]
