"""Numbers and verdicts as they are said in a film."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from roadworthy.report.study import Tree, effect
from roadworthy.studies.film.read import SUBJECTS, arms_of
from roadworthy.studies.questions.gradient_norm_arms import (
    AVERAGED,
    LATE,
    PENALTY,
    PLAIN,
    TWICE,
)

SAME = 0.02  # budgets that differ by no more are called equal


def verdict_sentence(comparison: Tree, a: str = "", b: str = "") -> str:
    """The comparison in a sentence that follows from its verdict."""
    a, b = a or short(comparison["a"]), b or short(comparison["b"])
    by = effect(comparison) + ("" if comparison["ci95"] is not None else ", without an interval")
    if comparison["verdict"] in ("better", "worse"):
        return f"{capital(a)} is {comparison['verdict']} than {b}: {by}."
    if comparison["verdict"] == "not judged":
        return f"{capital(a)} against {b} is not judged, {comparison['reason']}."
    return f"Between {a} and {b} no difference is shown: {by}."


def in_common(result: Tree, against: str) -> str:
    """What the penalty has in common with the arm that it is compared with, by what both used."""
    pair = arms_of(result, PENALTY, against)
    for name in ("gradients", "epochs") if len(pair) == 2 else ():
        ours, theirs = (statistics.mean(run["used"][name] for run in arm["runs"]) for arm in pair)
        if math.isclose(ours, theirs, rel_tol=SAME):
            return f"at equal {name}"
    return f"against {short(against)}"


def quick_looks(known: Mapping[str, Tree]) -> str:
    """Which of the studies were a quick look, in words; empty for none."""
    return listed([SUBJECTS[name] for name, result in known.items() if result.get("asked", {}).get("quick")])


def claim_points(result: Tree) -> tuple[str, ...]:
    """Every claim with its verdict."""
    return tuple(f"{c['id']}, {c['verdict']}: {c['text']}" for c in result["claims"])


def claims_sentences(result: Tree, *ids: str) -> list[str]:
    """What became of claims, in a sentence; none where they were not judged."""
    found = [f"claim {c['id']} is {c['verdict']}" for c in result["claims"] if c["id"] in ids]
    return [capital(listed(found)) + "."] if found else []


def short(arm: str) -> str:
    """An arm as it is said in a sentence."""
    return _SAID.get(arm, arm)


_SAID = {
    PLAIN: "plain training",
    TWICE: "plain training for twice the epochs",
    PENALTY: "the penalty",
    LATE: "the penalty in the last quarter",
    AVERAGED: "averaged weights",
}


def flatter(penalty: float, plain: float) -> str:
    """How the penalty's minimum compares with the plain one."""
    return "flatter" if penalty < plain else "sharper" if penalty > plain else "not to be told apart"


def spoken(value: float) -> str:
    """A number with two digits that count, for an ear."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def spoken_apart(a: float, b: float) -> tuple[str, str]:
    """Both so, or with a third digit where two make them alike."""
    said = spoken(a), spoken(b)
    return said if said[0] != said[1] else (f"{a:.3g}", f"{b:.3g}")


def span(counts: Sequence[int]) -> str:
    """From the smallest to the largest, or the one number."""
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def listed(words: Sequence[str]) -> str:
    """Names with commas and an `and`."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def capital(text: str) -> str:
    """With a capital letter to begin with."""
    return text[:1].upper() + text[1:]
