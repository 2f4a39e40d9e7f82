"""From numbers to verdicts on claims; none is typed in.  Of comparisons: evaluate/statistics/verdicts.py.

A claim has parts; each is confirmed, refuted or open by its interval, and the claim is refuted by one part
that is, confirmed by all of them, else open.  Claims were made before any training, so the interval of their
own comparison decides, not the verdict after Holm, which would depend on how much else a study compares.
What is not judged leaves its claim open, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from roadworthy.core.verdicts import NOT_JUDGED
from roadworthy.core.words import percent, plural, points, points_interval
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.verdicts import summarise, summarise_shares
from roadworthy.studies.results import Claim

Verdict = Literal["confirmed", "refuted", "open"]

CLAIMED: Mapping[str, str] = {
    "C1": "98.69 % of the test are right, and validation says 99.8 %.",
    "C2": "After ten more epochs with augmentation 92.02 % of the test are right: fewer than before.",
    "C3": "The drop shows better generalisation.",
    "C4": "Convolution takes most time; augmentation in Python comes next, data handling after it.",
    "C5": "In equal time 99.56 % are right without and 75.36 % with augmentation.",
    "C6": "The time for augmentation is well spent nevertheless.",
    "C7": "60 is read as 50: only the numeral differs; no entry as stop: both are red and round.",
    "C8": "More pictures of 60 and no entry, more layers and a higher resolution help.",
    "C9": "After 20 augmented epochs 85 % of new photographs are right.",
    "C10": "After 10 more epochs of it 90 % are.",
    "C11": "The gain is due to augmentation (and to early stopping and checkpoints).",
    "C12": "With a penalty of 0.01 44.55 % of CIFAR-10 are right, where 85 % are to be expected.",
    "C13": "75.00 % of new photographs are right, and 60 is never predicted.",
    "C14": "The penalty did not help.",
}
"""What the study claimed, by the number that each claim goes by here."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that a claim says, and what came out."""

    verdict: Verdict
    evidence: str


def judge(id: str, *parts: Part, text: str = "") -> Claim:
    """What the parts of a claim add up to.

    text: what it says; that of the study's claim with this number where it is left out.
    """
    verdicts = {part.verdict for part in parts}
    verdict = "refuted" if "refuted" in verdicts else "confirmed" if verdicts == {"confirmed"} else "open"
    return Claim(
        id=id, text=text or CLAIMED[id], verdict=verdict, evidence="; ".join(part.evidence for part in parts)
    )


def untrained(*ids: str) -> list[Claim]:
    """Claims about a network that was not trained: a quick look leaves it out."""
    open_ = Part(verdict="open", evidence="the network that it speaks of was not trained")
    return [judge(id, open_) for id in ids]


def near(what: str, values: Iterable[float], claimed: float, margin: float) -> Part:
    """Whether a figure came out again: confirmed with all of the interval within `margin` of it."""
    summary = summarise_shares(list(values))
    evidence = f"{what}: {percent(summary.mean)} against {percent(claimed)} claimed"
    if summary.ci95 is None:
        return Part(verdict="open", evidence=f"{evidence}, from one seed alone")
    low, high = summary.ci95
    evidence += f" (95 % {percent(low)} to {percent(high)}, {summary.n} seeds)"
    if claimed - margin <= low and high <= claimed + margin:
        return Part(verdict="confirmed", evidence=evidence)
    apart = high < claimed - margin or low > claimed + margin
    return Part(verdict="refuted" if apart else "open", evidence=evidence)


def better(comparison: Comparison, by: float = 0.0) -> Part:
    """Whether arm a beats arm b; refuted where it loses, or the interval excludes a gain of `by`."""
    low, high = _interval(comparison)
    verdict: Verdict = "confirmed" if low > 0 else "refuted" if high < max(by, 0.0) else "open"
    return Part(verdict=verdict, evidence=describe(comparison))


def worse(comparison: Comparison, by: float = 0.0) -> Part:
    """Whether arm a loses to arm b; refuted where it wins, or the interval excludes a loss of `by`."""
    low, high = _interval(comparison)
    verdict: Verdict = "confirmed" if high < 0 else "refuted" if low > -max(by, 0.0) else "open"
    return Part(verdict=verdict, evidence=describe(comparison))


def no_better(comparison: Comparison, by: float) -> Part:
    """Whether arm a gains nothing over arm b; refuted where it beats it, confirmed below a gain of `by`."""
    low, high = _interval(comparison)
    verdict: Verdict = "refuted" if low > 0 else "confirmed" if high < by else "open"
    return Part(verdict=verdict, evidence=describe(comparison))


def largest(what: str, rounds: Sequence[Mapping[str, float]], among: Iterable[str]) -> Part:
    """Whether something takes the largest share among others: its lead over the largest of them, by round.

    rounds: shares by name, one mapping a round.  Open where the interval of the lead holds 0, and with one
    round, which says nothing of the next.
    """
    others = [name for name in dict.fromkeys(among) if name != what]
    mean = {name: sum(shares[name] for shares in rounds) / len(rounds) for name in (what, *others)}
    second = max(others, key=lambda name: mean[name])
    lead = summarise([shares[what] - shares[second] for shares in rounds])
    evidence = f"{what} {percent(mean[what], 1)} against {second} {percent(mean[second], 1)}"
    if lead.ci95 is None:
        return Part(verdict="open", evidence=f"{evidence}, in one round alone")
    low, high = lead.ci95
    evidence += (
        f", {points(lead.mean, 1)} points (95 % {points_interval(lead.ci95, 1)}, {plural(lead.n, 'round')})"
    )
    return Part(verdict="confirmed" if low > 0 else "refuted" if high < 0 else "open", evidence=evidence)


def _interval(comparison: Comparison) -> tuple[float, float]:
    """What decides; everything where there is no interval, or the comparison is not to be judged."""
    unknown = (-math.inf, math.inf)
    return unknown if comparison.verdict == NOT_JUDGED else comparison.ci95 or unknown


def never(what: str, shares: Iterable[float]) -> Part:
    """Whether something never happened, in any seed."""
    found = list(shares)
    verdict: Verdict = "refuted" if max(found) > 0 else "confirmed"
    return Part(verdict=verdict, evidence=f"{what}: {percent(min(found))} to {percent(max(found))}")


def everywhere(parts: Iterable[Part]) -> tuple[Part, ...]:
    """One part for each other domain; without any, nothing can be said."""
    return tuple(parts) or (Part(verdict="open", evidence="no other domain was given (--new)"),)


def describe(comparison: Comparison) -> str:
    """The comparison in words."""
    words = (
        f"{comparison.metric} of {comparison.a} against {comparison.b}: {points(comparison.effect)} points"
    )
    if comparison.ci95 is not None:
        words += f" (95 % {points_interval(comparison.ci95)})"
    if comparison.p is not None and comparison.p_adjusted is not None:
        words += f", p {comparison.p:.2g}, among all comparisons of the study {comparison.p_adjusted:.2g}"
    if comparison.verdict == NOT_JUDGED:
        words += f", {NOT_JUDGED} ({comparison.reason})"
    return words
