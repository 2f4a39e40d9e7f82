"""Part 2: what augmentation does, from scratch and as the study went about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.augment.policy import operations
from roadworthy.results import Claim, StudyResult
from roadworthy.studies.catalogue import STUDIES
from roadworthy.studies.claims import better, everywhere, judge, worse
from roadworthy.studies.plan import Arm, Ask, Plan, Study
from roadworthy.studies.setups import base

SINGLE_SEEDS = 3  # of each operation alone: there are two dozen of them
NONE, AS_RUN, LONGER = "none", "the study's, trained on", "none, trained on"


class Augmentation(Study):
    """Does augmentation help, which of its operations, and did the study's way of adding it?"""

    def plan(self, ask: Ask) -> Plan:
        """From scratch: none, the study's, each operation, ours; trained on, as the study did: its own."""
        arms = [
            Arm(name=NONE),
            Arm(name="the study's", settings={"augment.policy": "study-flips"}),
            Arm(name="the study's without flips", settings={"augment.policy": "study"}),
            Arm(name="ours", settings={"augment.policy": "default"}),
            Arm(name="ours, light", settings={"augment.policy": "light"}),
            Arm(name=AS_RUN, settings={"augment.policy": "study-flips", "train.patience": 0}, after=NONE),
            Arm(name=LONGER, settings={"train.patience": 0}, after=NONE),
        ]
        if not ask.quick:
            arms += [
                Arm(
                    name=f"{policy}: {op} alone",
                    settings={"augment.policy": policy, "augment.only": [op]},
                    seeds=SINGLE_SEEDS,
                )
                for policy in ("study-flips", "default")
                for op in operations(policy)
            ]
        pairs = [(arm.name, NONE) for arm in arms if arm.name != NONE]
        return Plan(base=base(ask), arms=tuple(arms), pairs=(*pairs, (AS_RUN, LONGER)))

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


STUDIES.register("augmentation")(Augmentation())
