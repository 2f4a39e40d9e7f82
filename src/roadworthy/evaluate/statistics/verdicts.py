"""Whether one way to train beats another: over seeds, over signs, and over both at once.  numpy and scipy.

A difference between two arms varies for two reasons: another training would make other mistakes, and other
signs would be easier or harder.  Both are estimated from what is at hand (several seeds, many tracks), and
added; what both share is taken off once (Owen 2007, "The pigeonhole bootstrap", which derives this variance
for data crossed in two ways).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy import optimize, stats

from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.verdicts import BETTER, NO_DIFFERENCE, NOT_JUDGED, QUICK_LOOK, WORSE
from roadworthy.core.words import points, points_interval
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.intervals import Interval, bootstrap_mean

ALPHA = 0.05
POWER = 0.8
MOST_SEEDS = 100_000


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Values of one arm over its seeds: mean, standard deviation and the t interval of the mean.

    deviation, ci95: None for a single value, which says nothing of the next.
    """

    n: int
    mean: float
    deviation: float | None
    ci95: Interval | None


def summarise(values: Sequence[float]) -> Summary:
    """Mean, spread and interval of what an arm's trainings measured.  Raises ValueError for none."""
    if not len(values):
        raise ValueError("an arm without a finished training has no mean; wait for one to finish")
    mean = float(np.mean(values))
    if len(values) == 1:
        return Summary(n=1, mean=mean, deviation=None, ci95=None)
    deviation = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(1 - ALPHA / 2, len(values) - 1)) * deviation / sqrt(len(values))
    return Summary(n=len(values), mean=mean, deviation=deviation, ci95=(mean - half, mean + half))


def summarise_shares(shares: Sequence[float]) -> Summary:
    """The same of shares, whose mean lies between 0 and 1 wherever that of a normal variable might."""
    found = summarise(shares)
    if found.ci95 is None:
        return found
    low, high = found.ci95
    return replace(found, ci95=(max(low, 0.0), min(high, 1.0)))


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Where the variance of a mean difference comes from: `total`, with its degrees of freedom."""

    seeds: float
    tracks: float
    total: float
    df: float


def paired(
    a: str,
    b: str,
    scores_a_SN: FloatArray,
    scores_b_SN: FloatArray,
    groups: Sequence[str],
    *,
    metric: str = "accuracy",
    frames_per_sign: float | None = None,
    generator: np.random.Generator,
) -> Comparison:
    """Arm a against arm b, whose networks of the same seed saw the same pictures.

    scores_*_SN: a score of each seed's network on each picture; right or wrong as 1 and 0 for accuracy.
    groups: (N,), which physical sign a picture shows; an empty name is a sign of its own.
    frames_per_sign: how many pictures show one sign, where no group is named.
    ci95, p: of the mean difference, for other seeds and other signs.  With one seed p is None: it says
    nothing of another training.  p_seeds: the paired t test over seeds alone.  ci95_tracks: bootstrap over
    whole tracks, for these networks alone.  p_mcnemar: exact, of the first seed, pictures as independent.
    The verdict is none before `judge` has adjusted p for the other comparisons of its study.
    Raises ShapeError where the shapes differ.
    """
    if np.shape(scores_a_SN) != np.shape(scores_b_SN) or np.ndim(scores_a_SN) != 2:
        raise ShapeError(f"scores of {a} are {np.shape(scores_a_SN)}, of {b} {np.shape(scores_b_SN)}")
    difference = np.asarray(scores_a_SN, np.float64) - np.asarray(scores_b_SN, np.float64)
    if len(groups) != difference.shape[1]:
        raise ShapeError(f"{difference.shape[1]} scores a seed came with {len(groups)} groups")
    units = signs_of(groups)
    per_seed = difference.mean(axis=1)
    effect = float(per_seed.mean())
    unnamed = None if any(groups) else frames_per_sign
    found = spread(difference, units, unnamed or 1.0)
    return Comparison(
        a=a,
        b=b,
        metric=metric,
        n=difference.shape[1],
        seeds=len(per_seed),
        tracks=len(set(units)) if unnamed is None else round(len(units) / unnamed),
        effect=effect,
        ci95=_interval(effect, found),
        p=_p(effect, found),
        per_seed=tuple(per_seed.tolist()),
        p_seeds=paired_t(per_seed),
        ci95_tracks=None
        if unnamed is not None
        else bootstrap_mean(difference.mean(axis=0), units, generator=generator),
        p_mcnemar=mcnemar(difference[0]),
        detectable=None if found is None else detectable(found),
        frames_per_sign=unnamed,
    )


def signs_of(groups: Sequence[str]) -> list[str]:
    """Which sign each picture shows; one without a name is a sign of its own."""
    return [group or f"picture {number}" for number, group in enumerate(groups)]


def spread(difference_SN: FloatArray, units: Sequence[str], frames_per_sign: float = 1.0) -> Spread | None:
    """Variance of the mean difference over other seeds and other signs; None from one seed or one sign.

    frames_per_sign: how many units show one sign, where they do not say which.  At worst those are right or
        wrong together; then the variance over units is that many times what it looks like (Kish 1965,
        section 5.4, the design effect 1 + (m - 1) rho with rho 1).
    Source: Owen 2007, eq. 3 and 4, with each sign's share of all pictures as its weight.
    """
    _, codes = np.unique(np.asarray(units), return_inverse=True)
    seeds, tracks = len(difference_SN), int(codes.max()) + 1
    if seeds < 2 or tracks / frames_per_sign < 2:
        return None
    # A sign's part in each seed's mean difference: over signs they add up to it.
    parts = np.stack([np.bincount(codes, weights=row) for row in difference_SN]) / difference_SN.shape[1]
    sizes = np.bincount(codes) / difference_SN.shape[1]
    parts -= parts.sum(axis=1).mean() * sizes  # about the mean, so that large signs are not far off for it
    by_seed, by_track = parts.sum(axis=1), parts.mean(axis=0)
    from_seeds = by_seed.var(ddof=1) / seeds
    from_tracks = frames_per_sign * tracks / (tracks - 1) * float(np.square(by_track).sum())
    both = parts.var(axis=0, ddof=1).sum() / seeds
    found = []
    # The more signs vary, the more degrees of freedom few seeds get; what may be overstated gives none.
    for of_tracks in (from_tracks, from_tracks / frames_per_sign):
        total = max(from_seeds + of_tracks - both, from_seeds, of_tracks)
        if total == 0:
            return Spread(seeds=0.0, tracks=0.0, total=0.0, df=1.0)
        lone = from_seeds**2 / (seeds - 1) + of_tracks**2 / (tracks / frames_per_sign - 1)
        found.append((float(total), float(total**2 / lone)))
    (total, _), _ = found
    return Spread(seeds=float(from_seeds), tracks=from_tracks, total=total, df=min(df for _, df in found))


def paired_t(differences: FloatArray) -> float | None:
    """p of the paired t test over seeds; None for one seed, or where all differ by the same amount."""
    if len(differences) < 2 or np.ptp(differences) == 0:
        return None
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def mcnemar(difference_N: FloatArray) -> float:
    """Exact p that two networks are right equally often, from the pictures that one of them gets right.

    Takes pictures as independent, which frames of one sign are not: too small where there are tracks.
    Source: McNemar 1947, in its exact binomial form.
    """
    for_a, for_b = int((difference_N > 0).sum()), int((difference_N < 0).sum())
    return float(stats.binomtest(for_a, for_a + for_b).pvalue) if for_a + for_b else 1.0


def detectable(found: Spread) -> float:
    """The smallest true difference that would be shown 8 times in 10 (two-sided 5 %, unadjusted)."""
    # The noncentral t, averaged over what the estimated deviation may be: scipy's own fails far out.
    deviation = np.sqrt(stats.chi2.ppf((np.arange(500) + 0.5) / 500, found.df) / found.df)
    limits = stats.t.ppf(1 - ALPHA / 2, found.df) * deviation
    shift = optimize.brentq(lambda d: float(stats.norm.sf(limits - d).mean()) - POWER, 0.0, 1000.0)
    return float(shift) * sqrt(found.total)


def seeds_to_show(found: Spread, seeds: int, difference: float) -> int | None:
    """How many seeds, on the same pictures, would show that true difference 8 times in 10.

    seeds: those that `found` was estimated from.  None: no number would, for pictures alone vary too much.
    """
    pictures = max(0.0, found.total - found.seeds)  # what more seeds do not take away

    def shown(wanted: int) -> bool:
        from_seeds = found.seeds * seeds / wanted
        total = from_seeds + pictures
        df = (wanted - 1) * min(total / from_seeds, 1e3) ** 2 if from_seeds else 1e6
        return detectable(Spread(seeds=from_seeds, tracks=pictures, total=total, df=df)) <= difference

    if not shown(MOST_SEEDS):
        return None
    return 2 + bisect_left(range(2, MOST_SEEDS), True, key=shown)


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted so that the chance of any false alarm among them stays what it was for one.

    Source: Holm 1979.
    """
    order = np.argsort(ps, kind="stable")
    adjusted = np.minimum(1.0, np.asarray(ps, np.float64)[order] * np.arange(len(ps), 0, -1))
    result = np.empty(len(ps))
    result[order] = np.maximum.accumulate(adjusted)
    return result.tolist()


def judge(comparisons: Sequence[Comparison], *, quick: bool = False) -> list[Comparison]:
    """The comparisons of one study with adjusted p and verdict; from numbers alone.

    Those that have a reason not to be judged are `not judged`, whatever their p.
    quick: trainings of seconds, which call no arm better or worse: the reason says larger or smaller.
    """
    known = [number for number, comparison in enumerate(comparisons) if comparison.p is not None]
    adjusted = dict(zip(known, holm([comparisons[i].p or 0.0 for i in known]), strict=True))
    return [
        _with_verdict(replace(comparison, p_adjusted=adjusted.get(number)), quick)
        for number, comparison in enumerate(comparisons)
    ]


def _with_verdict(comparison: Comparison, quick: bool) -> Comparison:
    if comparison.reason:
        return replace(comparison, verdict=NOT_JUDGED)
    if comparison.p_adjusted is None or comparison.p_adjusted >= ALPHA:
        return replace(comparison, verdict=NO_DIFFERENCE)
    if not quick:
        return replace(comparison, verdict=BETTER if comparison.effect > 0 else WORSE)
    size = "larger" if comparison.effect > 0 else "smaller"
    by = f"{points(abs(comparison.effect), signed=False)} points (95 % {points_interval(comparison.ci95)})"
    reason = f"{QUICK_LOOK}: {size} by {by}"
    return replace(comparison, verdict=NOT_JUDGED, reason=reason)


def _interval(effect: float, found: Spread | None) -> Interval | None:
    if found is None:
        return None
    half = float(stats.t.ppf(1 - ALPHA / 2, found.df)) * sqrt(found.total)
    return effect - half, effect + half


def _p(effect: float, found: Spread | None) -> float | None:
    if found is None:
        return None
    if found.total == 0:
        # Nothing varied at all: no difference, or one that no variance can be set against.
        return 1.0 if effect == 0 else None
    return float(2 * stats.t.sf(abs(effect) / sqrt(found.total), found.df))
