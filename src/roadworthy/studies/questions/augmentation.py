"""Part 2: what augmentation does, from scratch and as the study went about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.document import DataTable
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import better, everywhere, judge, worse
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest
from roadworthy.studies.questions import augmentation_tables
from roadworthy.studies.questions.augmentation_tables import (
    AS_RUN,
    LONGER,
    NONE,
    POOLED,
    POOLED_MOVED,
    WEAKER,
    moved_by,
)
from roadworthy.studies.questions.class_tables import confusions_of, recall_by_class
from roadworthy.studies.questions.measures import reasons
from roadworthy.studies.questions.setups import base
from roadworthy.studies.results import Claim, StudyResult

SINGLE_SEEDS = 3  # of parts of a policy: there are many of them
_POOLED = {"model.name": "study-cnn-pooled"}


DRAWN = (NONE, LONGER, AS_RUN, "the study's", "ours")  # whose confusion matrices are drawn


class Augmentation(Study):
    """Does augmentation help, which of its operations, and did the study's way of adding it?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """From scratch: none, the study's and each of its operations, ours and its parts; then its own way.

        Ours has eighteen operations, which one by one would take an hour.
        """
        arms = [
            Arm(name=NONE),
            Arm(name="the study's", settings={"augment.policy": "study-flips"}),
            Arm(name="the study's without flips", settings={"augment.policy": "study"}),
            Arm(name="ours", settings={"augment.policy": "default"}),
            Arm(name="ours, light", settings={"augment.policy": "light"}),
            Arm(name=AS_RUN, settings={"augment.policy": "study-flips", "train.patience": 0}, after=NONE),
            Arm(name=LONGER, settings={"train.patience": 0}, after=NONE),
        ]
        arms += [
            Arm(
                name=moved_by(strength),
                settings={
                    "augment.policy": "study-flips",
                    "augment.only": ["translation"],
                    "augment.strength": strength,
                },
                seeds=SINGLE_SEEDS,
            )
            for strength in WEAKER
        ]
        if not ask.quick:
            from roadworthy.augment.policy import kinds, operations

            arms += [
                Arm(name=POOLED, settings=_POOLED, seeds=SINGLE_SEEDS),
                Arm(
                    name=POOLED_MOVED,
                    settings={**_POOLED, "augment.policy": "study-flips", "augment.only": ["translation"]},
                    seeds=SINGLE_SEEDS,
                ),
            ]
            arms += [_part("the study's", "study-flips", op, [op]) for op in operations("study-flips")]
            arms += [_part("ours", "default", kind, ops) for kind, ops in kinds("default").items()]
        pairs = [(arm.name, NONE) for arm in arms if arm.name not in (NONE, POOLED_MOVED)]
        pairs += [(POOLED_MOVED, POOLED)] if not ask.quick else []
        return Plan(base=base(ask), arms=tuple(arms), pairs=(*pairs, (AS_RUN, LONGER)))

    def answer(self, result: StudyResult, folder: Path) -> str:
        """Whether any augmentation gains at home or elsewhere, and whether the study's own way did."""
        quick = bool(result.asked["quick"])
        fresh = [c for c in result.comparisons if c.b == NONE and c.a not in (AS_RUN, LONGER)]
        own = [c for c in result.comparisons if (c.a, c.b) == (AS_RUN, NONE)]
        reply, way = gained(fresh, quick=quick), gained(own, quick=quick)
        words = {"Yes": "augmentation helps", "No": "augmentation gains nothing"}
        return (
            f"{reply}: {words.get(reply, 'whether augmentation helps is not shown')}. "
            f"Of the gains over none {largest(fresh, quick=quick)}. Did the study's way of adding it help? "
            f"{way}: {largest(own, quick=quick)}."
        )

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """Recall by class and confusion matrices, which shift hurts, and why each should work."""
        names = [arm.name for arm in result.arms]
        recalls = [recall_by_class(result, folder, names, domain) for domain in ("", *result.domains)]
        matrices = [
            matrix
            for name in DRAWN
            if name in names
            for domain in ("", *result.domains)
            for matrix in confusions_of(result.arm(name), folder, domain)
        ]
        return [
            augmentation_tables.shifts(result, folder),
            augmentation_tables.what_shifts_say(result, folder),
            reasons(result, augmentation_tables.MEASURES, augmentation_tables.BASELINES),
            *recalls,
            *matrices,
        ]

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C2: the drop; C3: that it shows better generalisation, which only another domain can show."""
        at_home = result.comparison(AS_RUN, NONE)
        elsewhere = [better(result.comparison(AS_RUN, NONE, domain), by=0.01) for domain in result.domains]
        return [
            judge(
                "C2",
                "After ten more epochs with augmentation 92.02 % of the test are right: fewer than before.",
                worse(at_home, by=0.0667),
            ),
            judge(
                "C3",
                "The drop shows better generalisation.",
                worse(at_home),
                *everywhere(elsewhere),
            ),
        ]


def _part(whose: str, policy: str, part: str, ops: list[str]) -> Arm:
    settings = {"augment.policy": policy, "augment.only": ops}
    return Arm(name=f"{whose}: {part} alone", settings=settings, seeds=SINGLE_SEEDS)


STUDIES.register("augmentation")(Augmentation())
