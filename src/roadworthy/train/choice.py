"""Which epoch's weights are `best`, and since when validation has not improved: both follow from the history.

A validation split of twenty signs soon reads all of them, and what then still differs between epochs, a loss
of 1e-5 or one picture in six hundred, says nothing of other signs.  Later weights are better ones there, for
the rate has fallen and averages have settled; so among epochs that validation cannot tell apart the latest is
taken (`benchmarks/best_rule.py` compares this with other rules).  Epochs count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.core.words import hundredths, percent

RATES = {"accuracy": "accuracy", "ap50": "AP50"}  # shares that are monitored, and what they are called

History = Sequence[Mapping[str, float]]
"""Rows of history.csv: `val_accuracy`, its standard error over signs `val_accuracy_se`, `val_loss`, ..."""


def best_epoch(history: History, monitor: str) -> int:
    """The epoch to keep: the latest of those that are as good as the best one; the last without validation.

    As good: with `accuracy` no further below the highest than its standard error over signs, with `ap50` over
    frames; with `loss` and `objective` equal to the lowest.
    """
    return _as_good(history, monitor)[-1]


def last_improvement(history: History, monitor: str) -> int:
    """The first epoch with the best value of all, which patience counts from; the last without validation."""
    values = _values(history, monitor)
    return 1 + values.index(max(values)) if values else len(history)


def reason(history: History, epoch: int, monitor: str) -> str:
    """Why `epoch` was kept, in words."""
    values = _values(history, monitor)
    if not values:
        return "the last epoch; nothing was set aside for validation"
    if monitor not in RATES:
        contents = "loss with L2" if monitor == "objective" else "loss"
        return f"the lowest validation {contents}, {-values[epoch - 1]:.4g}"
    highest, error, rate = max(values), _error(history, values, monitor), RATES[monitor]
    tied = len(_as_good(history, monitor))
    if tied == 1:
        return f"the highest validation {rate}, {percent(highest)}"
    if not error:
        return f"the latest of {tied} epochs with the highest validation {rate}, {percent(highest)}"
    return (
        f"the latest of {tied} epochs whose validation {rate} is within one standard error over "
        f"{'signs' if monitor == 'accuracy' else 'frames'} ({hundredths(error)} points) of the highest, "
        f"{percent(highest)}"
    )


def _values(history: History, monitor: str) -> list[float]:
    """What is monitored, by epoch, larger is better; empty where nothing is validated."""
    if not history or not any(name.startswith("val_") for name in history[0]):
        return []
    if monitor in RATES:
        return [row[f"val_{monitor}"] for row in history]
    if monitor == "objective":
        return [-row.get("val_objective", row["val_loss"]) for row in history]
    return [-row["val_loss"] for row in history]


def _as_good(history: History, monitor: str) -> list[int]:
    """Epochs that validation cannot tell from the best one, in order; the last where nothing is validated."""
    values = _values(history, monitor)
    if not values:
        return [len(history)]
    least = max(values) - (_error(history, values, monitor) if monitor in RATES else 0.0)
    return [epoch for epoch, value in enumerate(values, start=1) if value >= least]


def _error(history: History, values: Sequence[float], monitor: str) -> float:
    """The standard error of the highest rate, the first of equals; 0 where it was not measured."""
    return history[values.index(max(values))].get(f"val_{monitor}_se", 0.0)
