"""The cross-validation that the study planned and never did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roadworthy.core.answers import StoredAnswers
from roadworthy.core.document import Column, DataTable
from roadworthy.core.words import interval, percent
from roadworthy.evaluate.statistics.intervals import bootstrap_mean
from roadworthy.studies.answers import within
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest
from roadworthy.studies.questions.baseline import ASKED
from roadworthy.studies.questions.setups import COMPACT, base
from roadworthy.studies.results import StudyResult

FOLDS, QUICK_FOLDS = 5, 3


class CrossValidation(Study):
    """How good is each network on signs held out in turn, the official test left closed?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Stratified folds by track: a network that never saw its sign predicts each training picture."""
        arms = (Arm(name="baseline"), Arm(name="compact", settings={**COMPACT, "train.epochs": 10}))
        return Plan(
            base=base(ask),
            arms=arms[:1] if ask.quick else arms,
            folds=QUICK_FOLDS if ask.quick else FOLDS,
            seeds=1,
            domains=False,
        )

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The pooled accuracy of each arm."""
        found = list(_pooled(result, folder))
        low = min((one.ci95 or (0.0, 1.0))[0] for one in found)
        high = min((one.ci95 or (0.0, 1.0))[1] for one in found)
        reply = within(low, high, ASKED, quick=bool(result.asked["quick"]))
        words = {
            "Yes": "signs that were held out are read well enough",
            "No": "they are not read well enough",
        }
        read = [
            f"{one.arm} reads {percent(one.accuracy)} (95 % {interval(one.ci95)} over {one.signs:,} signs)"
            for one in found
        ]
        return (
            f"{reply}: by the {percent(ASKED, 0)} that were asked "
            f"{words.get(reply, 'signs that were held out may be read well enough')}. "
            f"Of pictures whose sign it never saw, {' and '.join(read)} right."
        )

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """All pictures, each answered by the network that had not seen its sign."""
        return [
            DataTable(
                caption="Pooled over the folds; each run folder keeps its predictions",
                columns=(
                    Column("arm"),
                    Column("accuracy", "share"),
                    Column("95 % over signs", "interval"),
                    Column("pictures", "count"),
                    Column("signs", "count"),
                    Column("fold by fold", "shares"),
                ),
                rows=tuple(_pooled(result, folder)),
            )
        ]


class _Pooled(NamedTuple):
    arm: str
    accuracy: float
    ci95: tuple[float, float] | None
    pictures: int
    signs: int
    folds: tuple[float, ...]


def _pooled(result: StudyResult, folder: Path) -> Iterator[_Pooled]:
    """Each arm over all its folds together."""
    for arm in result.arms:
        folds = [StoredAnswers.read(folder / run.folder) for run in arm.runs]
        each = [fold.right for fold in folds]
        right = np.concatenate(each)
        groups = [group or f"picture {path}" for fold in folds for group, path in _signs(fold)]
        yield _Pooled(
            arm=arm.name,
            accuracy=float(right.mean()),
            ci95=bootstrap_mean(right, groups, generator=np.random.default_rng(0)),
            pictures=len(right),
            signs=len(set(groups)),
            folds=tuple(float(fold.mean()) for fold in each),
        )


def _signs(fold: StoredAnswers) -> Iterator[tuple[str, str]]:
    return zip(fold.groups, fold.paths, strict=True)


STUDIES.register("crossval")(CrossValidation())
