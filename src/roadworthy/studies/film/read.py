"""What stored results of the gradient-norm studies hold, as the film asks for it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.document import Table
from roadworthy.report.study import Tree
from roadworthy.report.tables import formatted
from roadworthy.studies.questions.gradient_norm_arms import (
    CIFAR,
    ORIGINAL,
    PENALTY,
    PLAIN,
    SIGNS,
)
from roadworthy.studies.story.confused import Finished, misread

FILMED = (CIFAR, ORIGINAL, SIGNS)
SUBJECTS = {CIFAR: "CIFAR-10", ORIGINAL: "the study's small network", SIGNS: "road signs"}


# Whose wrong answers are shown: without and with the penalty, all else equal.
LOOKED_AT = "study-cnn, photographs, equal epochs"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """How often each class was taken for each other one, in all trainings of an arm."""

    arm: str
    counts: Counter[tuple[str, str]]
    trainings: int


def wrong_answers(result: Tree, folder: Path) -> Mapping[str, Wrong]:
    """Those of plain training and of the penalty, by method, as far as their answers are kept."""
    study = Finished(tree=result, folder=folder)
    found = {}
    for method in (PLAIN, PENALTY):
        arm = f"{LOOKED_AT}: {method}"
        counted = misread(study, arm)
        if counted is not None:
            found[method] = Wrong(arm=arm, counts=counted[0], trainings=counted[1])
    return found


def penalty_on_signs(result: Tree) -> list[Tree]:
    """Comparisons of the penalty (always on) with plain training, everywhere that it was measured."""
    return [c for c in result["comparisons"] if (method_of(c["a"]), method_of(c["b"])) == (PENALTY, PLAIN)]


def runs_of(result: Tree) -> list[Tree]:
    """Every training of a study."""
    return [run for arm in result["arms"] for run in arm["runs"]]


def arm_of(result: Tree, name: str) -> Tree | None:
    """The arm of that name, None without."""
    return next((arm for arm in result["arms"] if arm["name"] == name), None)


def arms_of(result: Tree, *names: str) -> list[Tree]:
    """Those of the arms that there are."""
    return [arm for name in names for arm in [arm_of(result, name)] if arm is not None]


def comparison_of(result: Tree, a: str, b: str) -> Tree | None:
    """That of a against b in accuracy at home, None without."""
    wanted = (a, b, "accuracy")
    return next((c for c in result["comparisons"] if (c["a"], c["b"], c["metric"]) == wanted), None)


def table_of(result: Tree, beginning: str) -> Table | None:
    """The table whose caption begins so, as the report shows it; None without."""
    found = next((table for table in result["tables"] if table["caption"].startswith(beginning)), None)
    return None if found is None else formatted(found)


def mean_accuracy(arm: Tree) -> float:
    """Over an arm's trainings, at home."""
    return float(statistics.mean(run["metrics"]["accuracy"] for run in arm["runs"]))


def mean_gradients(arm: Tree) -> float:
    """Gradients that an arm's training takes."""
    return float(statistics.mean(run["used"]["gradients"] for run in arm["runs"]))


def place_of(comparison: Tree) -> str:
    """Where a comparison was measured; empty for home."""
    return str(comparison["metric"]).partition(" on ")[2]


def method_of(arm: str) -> str:
    """The method in the name of an arm on road signs."""
    return arm.rpartition(": ")[2]


def setting_of(result: Tree, comparison: Tree) -> str:
    """What network, pictures and budget a comparison is of; its budget where the name has none."""
    arm = arm_of(result, comparison["a"])
    return comparison["a"].rpartition(": ")[0] or (arm["budget"]["asked"] if arm is not None else "")
