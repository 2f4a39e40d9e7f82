"""Why two arms cannot be judged against each other: one has learnt nothing, or their budgets were not equal.

A p-value does not know either: two arms that guess in different ways differ "significantly", and so do two
arms of which one had more time.  numpy and scipy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import stats

from roadworthy.core.arrays import FloatArray
from roadworthy.core.words import percent
from roadworthy.evaluate.statistics.intervals import Interval, wilson
from roadworthy.evaluate.statistics.pairing import Pairing
from roadworthy.evaluate.statistics.verdicts import ALPHA, signs_of, spread

SAME_SECONDS = 0.1  # arms whose seconds differ by more than this share had not the same


def at_chance(a: str, b: str, both: Pairing) -> str:
    """The arms whose interval reaches down to what can be had without looking, in words; empty for none."""
    without_looking = chance(both)
    said = []
    for name, right_SN in ((a, both.a), (b, both.b)):
        low, high = accuracy_interval(right_SN, both)
        if low <= without_looking:
            said.append(
                f"{name} reads {percent(float(right_SN.mean()))} (95 % {percent(low)} to {percent(high)})"
            )
    if not said:
        return ""
    return f"at chance, which is {percent(without_looking)} here: {' and '.join(said)}"


def chance(both: Pairing) -> float:
    """What always answering the commonest class gets right, or guessing, whichever is more; a fraction.

    Where all pictures are of one class the former says nothing, and guessing alone counts.
    """
    counts = Counter(both.targets)
    guessing = 1 / both.classes
    if len(counts) == 1:
        return guessing
    return max(max(counts.values()) / len(both.targets), guessing)


def accuracy_interval(right_SN: FloatArray, both: Pairing) -> Interval:
    """The 95 % interval of an arm's accuracy for other seeds and other signs, within 0 and 1.

    right_SN: (S, N) 1 where the network of a seed is right, else 0.
    From one seed, or where nothing varies: Wilson's, with as many trials as there are signs.
    """
    accuracy = float(right_SN.mean())
    units = signs_of(both.groups)
    frames = both.unnamed_frames or 1.0
    found = spread(right_SN, units, frames)
    if found is None or found.total == 0:
        trials = len(set(units)) / frames
        return wilson(accuracy * trials, trials)
    half = float(stats.t.ppf(1 - ALPHA / 2, found.df)) * sqrt(found.total)
    return max(0.0, accuracy - half), min(1.0, accuracy + half)


def unequal_seconds(a: str, b: str, seconds_a: Sequence[float], seconds_b: Sequence[float]) -> str:
    """How far apart arms are that were to have the same seconds of training, in words; empty within 10 %.

    seconds_*: of each training.  Arms that trained nothing are not held to any seconds.
    """
    for_a, for_b = float(np.mean(seconds_a)), float(np.mean(seconds_b))
    if not (for_a and for_b) or max(for_a, for_b) <= (1 + SAME_SECONDS) * min(for_a, for_b):
        return ""
    return (
        f"promised the same seconds, {a} trained for {for_a:.3g} s and {b} for {for_b:.3g} s on the mean: "
        f"more than {percent(SAME_SECONDS, 0)} apart"
    )
