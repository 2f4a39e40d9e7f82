"""The cross-validation that the study planned and never did."""

from __future__ import annotations

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


STUDIES.register("crossval")(CrossValidation())
