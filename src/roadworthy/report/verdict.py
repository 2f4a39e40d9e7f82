"""A result in one sentence of plain words: how good, how sure, and what is weakest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from roadworthy.core.accuracy import interval_of
from roadworthy.core.words import hundredths, percent, plural, points, points_interval

SPLITS = {"test": "test", "val": "validation", "train": "training"}
_AT_GUESSING = "accuracy_at_guessing"


def verdict(metrics: Mapping[str, Any]) -> str:
    """What metrics.json says, in a sentence for somebody who reads no further.

    The weakest class is the one with the lowest recall among these pictures, told with its counts.
    """
    found = interval_of(metrics)
    low, high = (hundredths(end, 1) for end in (found.low, found.high))
    doubt = any(one["name"] == _AT_GUESSING for one in metrics.get("warnings") or ())
    begin = "Not shown to be better than guessing: it reads" if doubt else "It reads"
    return (
        f"{begin} {percent(metrics['accuracy'])} of {measured(metrics)} right "
        f"(95 % interval {low} to {high} %, {_taken(metrics, found.over)}); {_weakest(metrics)}."
    )


def said_of_change(own: Mapping[str, Any]) -> str:
    """A new set against the run's own test; lower or higher only where the interval says so.

    own: `own_test` of metrics.json.
    """
    change = own["accuracy_change"]["difference"]
    span = f"{points(change['value'])} points (95 % {points_interval((change['low'], change['high']))})"
    test = f"the run's own {SPLITS.get(own['split'], own['split'])}"
    known = f"{percent(own['accuracy'])} of {plural(own['n'], 'picture')}"
    if change["low"] <= 0 <= change["high"]:
        return f"No change from {test} ({known}) is shown: {span}."
    return f"The accuracy is {'lower' if change['value'] < 0 else 'higher'} than on {test} ({known}): {span}."


def measured(metrics: Mapping[str, Any]) -> str:
    """What was measured on: `1,830 test pictures`; drawings are never taken for photographs."""
    drawn = "drawn " if metrics.get("drawn") else ""
    if metrics.get("undivided"):
        return plural(metrics["n"], f"{drawn}picture")
    return plural(metrics["n"], f"{drawn}{SPLITS.get(metrics['split'], metrics['split'])} picture")


def _taken(metrics: Mapping[str, Any], over: str) -> str:
    """What the interval counts as independent."""
    if over != "signs":
        return "each picture taken for a sign of its own"
    if metrics.get("signs"):
        return f"over {plural(metrics['signs'], 'sign')}"
    estimated = metrics.get("signs_estimated")
    return f"over about {plural(estimated, 'sign')}" if estimated else "over signs"


def _weakest(metrics: Mapping[str, Any]) -> str:
    shown = {name: one for name, one in metrics["per_class"].items() if one["recall"] is not None}
    name = min(shown, key=lambda key: shown[key]["recall"])
    if shown[name]["recall"] == 1:
        return "no class has a mistake"
    labels = list(metrics["confusion"]["labels"])
    answers = np.array(metrics["confusion"]["counts"][labels.index(name)], dtype=np.int64)
    n, answers[labels.index(name)] = int(answers.sum()), 0
    wrong, most = int(answers.sum()), int(answers.argmax())
    often = "all" if answers[most] == wrong else f"{answers[most]:,}"
    taken = f", {often} as {labels[most]}" if wrong > 1 else f", as {labels[most]}"
    return f"it is weakest on {name}, where it misreads {wrong:,} of {plural(n, 'picture')}{taken}"
