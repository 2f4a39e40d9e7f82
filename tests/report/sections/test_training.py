"""The section on training: curves named by what they hold."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from roadworthy.config import Config, OptimConfig
from roadworthy.core.document import Figure, Table, Text
from roadworthy.report.sections.run import Run
from roadworthy.report.sections.training import training

HISTORY = {
    "epoch": [1.0, 2.0],
    "lr": [0.1, 0.1],
    "train_loss": [0.9, 0.5],
    "train_accuracy": [0.5, 0.9],
    "val_loss": [0.4, 0.25],
    "val_accuracy": [0.6, 0.95],
}


def run(config: Config | None, **history: list[float]) -> Run:
    nothing: Any = None
    return Run(
        path=Path("run"),
        config=config,
        metrics={"best_epoch": 2, "train_seconds": 3.0, "weights": "best"},
        predictions=nothing,
        data={},
        provenance={},
        history={**HISTORY, **history},
        pictures={},
        augment=[],
        model="",
    )


def figure(run: Run, name: str) -> Figure:
    (found,) = [block for block in training(run) if isinstance(block, Figure) and block.name == name]
    return found


def test_losses_are_named_by_what_they_contain() -> None:
    penalised = figure(run(Config(optim=OptimConfig(l2=0.001)), val_objective=[0.6, 0.5]), "loss")
    for words in (
        "training loss (with L2) from 0.9 to 0.5",
        "validation loss (cross-entropy alone) from 0.4 to 0.25",
        "validation loss (with L2) from 0.6 to 0.5",
    ):
        assert words in penalised.alt
        assert words.partition(" from")[0] in penalised.svg
    plain = figure(run(Config()), "loss")
    assert "training loss (cross-entropy) from" in plain.alt
    assert "L2" not in plain.svg
    (table,) = [block for block in training(run(Config())) if isinstance(block, Table)]
    assert "validation loss (cross-entropy)" in table.columns


def test_why_an_epochs_weights_were_kept_is_said() -> None:
    told = run(Config())
    told.metrics["best_epoch_reason"] = "the highest validation accuracy, 95.00 %"
    first = training(told)[0]
    assert isinstance(first, Text)
    assert first.text.endswith("(epoch 2). Epoch 2: the highest validation accuracy, 95.00 %.")


def test_without_settings_a_loss_has_its_columns_name() -> None:
    assert "train loss from 0.9 to 0.5, val loss from" in figure(run(None), "loss").alt


def test_the_norm_that_a_penalty_took_has_a_curve_from_where_it_was_on() -> None:
    drawn = figure(run(Config(), gradient_norm=[math.nan, 1.25]), "gradient-norm")
    assert "gradient norm from 1.25 to 1.25. Best: epoch 2." in drawn.alt
    late = figure(run(Config(), epoch=[2.0, 3.0], gradient_norm=[math.nan, 1.25]), "gradient-norm")
    assert "Best" not in late.alt  # the mark would lie outside
    assert not [block for block in training(run(Config())) if getattr(block, "name", "") == "gradient-norm"]
