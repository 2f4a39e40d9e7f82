"""What mistakes share beyond chance: traits of pictures, few signs; and what follows.  numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import rankdata

from roadworthy.config import Config
from roadworthy.core.arrays import FloatArray
from roadworthy.core.words import percent
from roadworthy.evaluate.analysis.mistakes import Confusion
from roadworthy.evaluate.statistics.intervals import Interval, bootstrap_mean
from roadworthy.evaluate.statistics.verdicts import ALPHA, holm


@dataclass(frozen=True, kw_only=True)
class TraitEffect:
    """Whether a trait goes with mistakes.

    n: pictures that have the trait.  auroc: chance that a wrong picture has more of it than a right one.
    quarter: `low` or `high`, the end with more mistakes; edge: where it begins.
    rate, rest_rate: error rates of that quarter and of all others; difference_ci95 resamples signs.
    p: of the correlation over signs, by permuting them; p_adjusted: for all traits that were looked at.
    """

    trait: str
    n: int
    auroc: float
    quarter: str
    edge: float
    rate: float
    rest_rate: float
    difference_ci95: Interval | None
    p: float
    p_adjusted: float = 1.0

    @property
    def shown(self) -> bool:
        """Whether chance is a poor explanation."""
        return self.p_adjusted < ALPHA


def trait_effects(
    traits: Mapping[str, FloatArray],
    wrong: FloatArray,
    groups: Sequence[str],
    generator: np.random.Generator,
    permutations: int = 1999,
) -> list[TraitEffect]:
    """Every trait against the mistakes, the likeliest explanation first.

    traits: name to (N,) numbers, NaN where a picture lacks it.  wrong: (N,) 1 or 0.
    groups: (N,) the physical sign; empty for a picture of its own.  Frames of a sign are kept together.
    Traits that are the same for all pictures, or of which there are no mistakes, are left out.
    """
    found = []
    for name, values in traits.items():
        known = np.flatnonzero(np.isfinite(values))
        if len(known) and np.ptp(values[known]) > 0 and 0 < wrong[known].sum() < len(known):
            units = [groups[i] or f"picture {i}" for i in known.tolist()]
            found.append(_effect(name, values[known], wrong[known], units, generator, permutations))
    adjusted = holm([effect.p for effect in found])
    judged = [replace(effect, p_adjusted=p) for effect, p in zip(found, adjusted, strict=True)]
    return sorted(judged, key=lambda effect: (effect.p, -abs(effect.auroc - 0.5)))


def _effect(
    name: str,
    values: FloatArray,
    wrong: FloatArray,
    units: Sequence[str],
    generator: np.random.Generator,
    permutations: int,
) -> TraitEffect:
    quarter, edge, inside = _richer_quarter(values, wrong)
    rate, rest = float(wrong[inside].mean()), float(wrong[~inside].mean()) if (~inside).any() else 0.0
    # The difference of two means as one mean of what each picture adds to it.
    parts = np.where(inside, wrong / inside.mean(), -wrong / max((~inside).mean(), 1e-9))
    return TraitEffect(
        trait=name,
        n=len(values),
        auroc=auroc(values, wrong),
        quarter=quarter,
        edge=edge,
        rate=rate,
        rest_rate=rest,
        difference_ci95=bootstrap_mean(parts, units, generator=generator),
        p=_permuted_p(values, wrong, units, generator, permutations),
    )


@dataclass(frozen=True, kw_only=True)
class GainEffect:
    """Where a change helps: the end of a trait with more of the gain.

    quarter: `low` or `high`; edge: where it begins.  there, elsewhere: mean gain in it and in all others.
    p: of the correlation over signs, by permuting them, adjusted for all traits that were looked at.
    """

    trait: str
    quarter: str
    edge: float
    there: float
    elsewhere: float
    p: float

    @property
    def shown(self) -> bool:
        """Whether chance is a poor explanation."""
        return self.p < ALPHA


def gain_effects(
    traits: Mapping[str, FloatArray],
    gain: FloatArray,
    groups: Sequence[str],
    generator: np.random.Generator,
    permutations: int = 499,
) -> list[GainEffect]:
    """Every trait against what a change gains, the likeliest explanation first.

    gain: (N,) in [-1, 1], the share right with the change less that without.  The rest as in trait_effects.
    """
    found = []
    for name, values in traits.items():
        known = np.flatnonzero(np.isfinite(values))
        if not len(known) or not np.ptp(values[known]) or not np.ptp(gain[known]):
            continue
        own, units = gain[known], [groups[i] or f"picture {i}" for i in known.tolist()]
        quarter, edge, inside = _richer_quarter(values[known], own)
        found.append(
            GainEffect(
                trait=name,
                quarter=quarter,
                edge=edge,
                there=float(own[inside].mean()),
                elsewhere=float(own[~inside].mean()) if (~inside).any() else 0.0,
                p=_permuted_p(values[known], own, units, generator, permutations),
            )
        )
    adjusted = holm([effect.p for effect in found])
    judged = [replace(effect, p=p) for effect, p in zip(found, adjusted, strict=True)]
    return sorted(judged, key=lambda effect: effect.p)


def _richer_quarter(values: FloatArray, outcome: FloatArray) -> tuple[str, float, np.ndarray[Any, Any]]:
    """The end of the values with more of the outcome, where it begins, and which lie in it."""
    low, high = np.quantile(values, [0.25, 0.75])
    ends = {"low": values <= low, "high": values >= high}
    quarter = max(ends, key=lambda end: outcome[ends[end]].mean())
    return quarter, float(low if quarter == "low" else high), ends[quarter]


def auroc(values: FloatArray, wrong: FloatArray) -> float:
    """Chance that a wrong picture has a larger value than a right one, ties counted half."""
    positives = wrong > 0
    n, m = int(positives.sum()), int((~positives).sum())
    return float((rankdata(values)[positives].sum() - n * (n + 1) / 2) / (n * m))


def _permuted_p(
    values: FloatArray,
    wrong: FloatArray,
    units: Sequence[str],
    generator: np.random.Generator,
    permutations: int,
) -> float:
    """p of the correlation between a sign's mean rank in the trait and its mistakes, signs permuted."""
    _, codes = np.unique(np.asarray(units), return_inverse=True)
    sizes = np.bincount(codes)
    trait = np.bincount(codes, weights=rankdata(values)) / sizes
    rate = np.bincount(codes, weights=wrong) / sizes
    trait, rate = trait - trait.mean(), rate - rate.mean()
    own = abs(float(trait @ rate))
    orders = generator.permuted(np.tile(np.arange(len(rate)), (permutations, 1)), axis=1)
    as_large = int((np.abs(rate[orders] @ trait) >= own * (1 - 1e-9)).sum())
    return (1 + as_large) / (1 + permutations)


@dataclass(frozen=True, kw_only=True)
class Concentration:
    """How many of the mistakes lie on the `worst` signs with most of them, and how many would by chance."""

    worst: int
    mistakes: int
    on_them: int
    by_chance: float
    p: float


def concentration(
    wrong: FloatArray,
    groups: Sequence[str],
    generator: np.random.Generator,
    worst: int = 5,
    permutations: int = 999,
) -> Concentration | None:
    """Whether mistakes sit on few signs rather than anywhere; None with unknown signs or no mistake."""
    if not wrong.sum() or not all(groups):
        return None
    _, codes = np.unique(np.asarray(groups), return_inverse=True)

    def on_the_worst(each: FloatArray) -> int:
        return int(np.sort(np.bincount(codes, weights=each))[-worst:].sum())

    own = on_the_worst(wrong)
    shuffled = [on_the_worst(generator.permutation(wrong)) for _ in range(permutations)]
    return Concentration(
        worst=worst,
        mistakes=int(wrong.sum()),
        on_them=own,
        by_chance=float(np.mean(shuffled)),
        p=(1 + sum(value >= own for value in shuffled)) / (1 + permutations),
    )


@dataclass(frozen=True, kw_only=True)
class Action:
    """What follows from a finding: in words, and the settings to try it with, where there are any."""

    name: str
    evidence: str
    settings: Mapping[str, Any]


Change = Callable[[Config], Mapping[str, Any] | None]


def actions(
    effects: Sequence[TraitEffect],
    confused: Sequence[Confusion],
    counts: Mapping[str, int],
    config: Config,
) -> list[Action]:
    """What the findings speak for, by rule; whether it helps is for a training to show.

    A trait speaks for something where the quarter that has most of it is worse by more than chance.
    confused: the most frequent pairs.  counts: training pictures by class.  config: what was trained with;
    what it has already is not proposed.
    """
    found = []
    for effect in effects:
        remedy = REMEDIES.get((effect.trait, effect.quarter))
        worse = effect.shown and (effect.difference_ci95 or (0.0, 0.0))[0] > 0
        too_small = effect.trait == "size" and effect.quarter == "high" and effect.edge <= config.input.size
        if remedy is None or not worse or too_small:
            continue
        name, change = remedy
        settings = change(config)
        if settings is not None:
            evidence = (
                f"{percent(effect.rate, 1)} wrong where {effect.trait} is {effect.quarter}, "
                f"{percent(effect.rest_rate, 1)} elsewhere (p {effect.p_adjusted:.3f})"
            )
            found.append(Action(name=name, evidence=evidence, settings=settings))
    most: dict[str, Confusion] = {}
    for pair in confused[:3]:
        most.setdefault(pair.target, pair)
    return found + [_for_a_class(pair, counts, config) for pair in most.values()]


def _for_a_class(pair: Confusion, counts: Mapping[str, int], config: Config) -> Action:
    """Show a class more often where it is rarer than others; else only more signs of it are more to learn."""
    own, total = counts.get(pair.target, 0), sum(counts.values())
    evidence = (
        f"{pair.n} of them, {percent(pair.share, 1)}, read as {pair.predicted}; "
        f"it has {own:,} of {total:,} training pictures"
    )
    if config.train.balance == "none" and own * len(counts) < total:
        return Action(
            name=f"{pair.target} shown more often", evidence=evidence, settings={"train.balance": "sampler"}
        )
    enough = "no fewer than the mean class" if config.train.balance == "none" else "and classes are balanced"
    return Action(
        name=f"photographs of more signs of {pair.target}", evidence=f"{evidence}, {enough}", settings={}
    )


def _augmented(config: Config) -> Mapping[str, Any] | None:
    """The next stronger policy."""
    policy = {"default": "strong", "strong": None}.get(config.augment.policy, "default")
    return None if policy is None else {"augment.policy": policy}


def _normalised(config: Config) -> Mapping[str, Any] | None:
    return None if config.input.normalise == "per-image" else {"input.normalise": "per-image"}


def _enlarged(config: Config) -> Mapping[str, Any]:
    return {"input.size": round(1.5 * config.input.size)}


def _without_settings(config: Config) -> Mapping[str, Any]:
    return {}


# By the trait and the quarter with more mistakes.
REMEDIES: Mapping[tuple[str, str], tuple[str, Change]] = {
    ("size", "low"): ("pictures made smaller in training", _augmented),
    ("size", "high"): ("a larger input", _enlarged),
    ("brightness", "low"): ("exposure taken out of each picture", _normalised),
    ("brightness", "high"): ("exposure taken out of each picture", _normalised),
    ("contrast", "low"): ("exposure taken out of each picture", _normalised),
    ("sharpness", "low"): ("blurred pictures in training", _augmented),
    ("sharpness", "high"): ("noise in training", _augmented),
    ("saturation", "low"): ("pale colours in training", _augmented),
    ("tilt", "high"): ("turned pictures in training", _augmented),
    ("occlusion", "high"): ("covered signs in training", _augmented),
    ("distance to its class", "high"): ("drawn signs beside the photographs", _without_settings),
}
