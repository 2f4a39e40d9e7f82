"""The cross-validation that the study planned and never did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from roadworthy.evaluate.intervals import bootstrap_mean
from roadworthy.results import Predictions, StudyResult, Table
from roadworthy.studies.catalogue import STUDIES
from roadworthy.studies.plan import Arm, Ask, Plan, Study
from roadworthy.studies.setups import COMPACT, base

FOLDS, QUICK_FOLDS = 5, 3


class CrossValidation(Study):
    """How good is each network on signs held out in turn, the official test left closed?"""

    def plan(self, ask: Ask) -> Plan:
        """Stratified folds by track: a network that never saw its sign predicts each training picture."""
        arms = (Arm(name="baseline"), Arm(name="compact", settings={**COMPACT, "train.epochs": 10}))
        return Plan(
            base=base(ask),
            arms=arms[:1] if ask.quick else arms,
            folds=QUICK_FOLDS if ask.quick else FOLDS,
            seeds=1,
            domains=False,
        )

    def tables(self, result: StudyResult, folder: Path) -> Sequence[Table]:
        """All pictures, each answered by the network that had not seen its sign."""
        rows = []
        for arm in result.arms:
            folds = [Predictions.read(folder / run.folder) for run in arm.runs]
            right = np.concatenate([fold.logits.argmax(axis=1) == fold.targets for fold in folds])
            groups = [group or f"picture {path}" for fold in folds for group, path in _signs(fold)]
            ends = bootstrap_mean(right, groups, generator=np.random.default_rng(0))
            each = [float((fold.logits.argmax(axis=1) == fold.targets).mean()) for fold in folds]
            rows.append(
                (
                    arm.name,
                    f"{right.mean():.2%}",
                    "–" if ends is None else f"{ends[0]:.2%} to {ends[1]:.2%}",
                    f"{len(right):,}",
                    f"{len(set(groups)):,}",
                    ", ".join(f"{accuracy:.2%}" for accuracy in each),
                )
            )
        return [
            Table(
                caption="Pooled over the folds; each run folder keeps its predictions",
                columns=("arm", "accuracy", "95 % over signs", "pictures", "signs", "fold by fold"),
                rows=tuple(rows),
                align_right=(1, 2, 3, 4),
            )
        ]


def _signs(fold: Predictions) -> Iterator[tuple[str, str]]:
    return zip(fold.groups, fold.paths, strict=True)


STUDIES.register("crossval")(CrossValidation())
