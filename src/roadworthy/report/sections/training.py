"""Training: loss, accuracy and learning rate over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from roadworthy.config import Config
from roadworthy.core.document import Block, Figure, Text
from roadworthy.core.words import duration, loss_names, percent, plural
from roadworthy.report import figures
from roadworthy.report.sections.base import number_table, section, weights_used
from roadworthy.report.sections.run import StoredRun

ACCURACIES = {"train_accuracy": "training accuracy", "val_accuracy": "validation accuracy"}

NORM = {"gradient_norm": "gradient norm"}


@section("training", title="Training", order=40, shows=("best_epoch_reason",))
def training(run: StoredRun) -> list[Block]:
    """Curves and a table of every epoch."""
    history = run.history
    if not history.get("epoch"):
        return []
    best = run.metrics.get("best_epoch")
    mark = (float(best), f"best: epoch {best}") if best is not None else None
    losses = _losses(run.config)
    drawn = [
        _curve(history, "loss", "Loss", losses, mark),
        _curve(history, "accuracy", "Accuracy", ACCURACIES, mark, share=True),
        _curve(history, "gradient-norm", "Penalised gradient norm, mean over the epoch", NORM, mark),
        _curve(history, "learning-rate", "Learning rate", {"lr": "learning rate"}, mark),
    ]
    epochs = plural(len(history["epoch"]), "epoch")
    pace = [v for v in history.get("images_per_second", []) if not math.isnan(v)]
    speed = f", {np.median(pace):,.0f} images/s in the median epoch" if pace else ""
    why = run.metrics.get("best_epoch_reason")
    chosen = f" Epoch {best}: {why}." if why else ""
    text = f"{epochs} in {duration(run.metrics.get('train_seconds'))}{speed}. {weights_used(run)}{chosen}"
    columns = list(history)
    rows = [tuple(_cell(name, history[name][i]) for name in columns) for i in range(len(history["epoch"]))]
    return [
        Text(text=text.strip()),
        *(figure for figure in drawn if figure is not None),
        number_table(
            "Every epoch",
            [losses.get(name, name.replace("_", " ")) for name in columns],
            rows,
            collapsed=True,
        ),
    ]


def _losses(config: Config | None) -> dict[str, str]:
    """The losses that the history has, each named by what it contains; without settings by its column."""
    if config is None:
        return {name: name.replace("_", " ") for name in ("train_loss", "val_loss", "val_objective")}
    return loss_names(
        l2=config.optim.l2,
        label_smoothing=config.train.label_smoothing,
        class_weights=config.train.balance == "weights",
        consistency=config.augment.consistency,
    )


def _curve(
    history: Mapping[str, list[float]],
    name: str,
    caption: str,
    columns: Mapping[str, str],
    mark: tuple[float, str] | None,
    share: bool = False,
) -> Figure | None:
    """Columns of the history as lines under the names given; None where nothing was measured."""
    lines, said = [], []
    for column, called in columns.items():
        known = [
            (x, y)
            for x, y in zip(history["epoch"], history.get(column, []), strict=False)
            if math.isfinite(y)
        ]
        if known:
            xs, ys = zip(*known, strict=True)
            lines.append(figures.Line(name=called, xs=xs, ys=ys))
            ends = [percent(y) if share else f"{y:.3g}" for y in (ys[0], ys[-1])]
            said.append(f"{lines[-1].name} from {ends[0]} to {ends[1]}")
    if not lines:
        return None
    measured = {x for one in lines for x in one.xs}
    if mark and not min(measured) <= mark[0] <= max(measured):
        mark = None  # what was measured begins after the best epoch
    alt = f"{caption} over the epochs: {', '.join(said)}." + (f" {mark[1].capitalize()}." if mark else "")
    return figures.line_chart(
        name=name, caption=caption, alt=alt, lines=lines, x_label="epoch", percent=share, mark=mark
    )


def _cell(column: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if column.endswith("accuracy"):
        return percent(value)
    return f"{value:,.0f}" if column in ("epoch", "step", "images_per_second") else f"{value:.4g}"
