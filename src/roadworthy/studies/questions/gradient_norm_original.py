"""Part 4 as it was done: the study's small network on CIFAR-10, with its rate and with one that learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.document import DataTable
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import judge, near
from roadworthy.studies.plan import STUDIES, Arm, Plan, Settings, Study, StudyRequest
from roadworthy.studies.questions.gradient_norm import cifar_needed, cost_table, with_option
from roadworthy.studies.questions.gradient_norm_arms import (
    AS_IT_WAS,
    LEARNS,
    ORIGINAL,
    SMALL_PENALTY,
    SMALL_SAM,
)
from roadworthy.studies.questions.penalty_tables import norms
from roadworthy.studies.questions.setups import PENALISED, QUICK_SEEDS
from roadworthy.studies.results import Claim, Curves, StudyResult

SMALL: Settings = {
    "data.classes": ("all",),
    "data.val_fraction": 0.0,
    "model.name": "study-cifar",
    "input.size": 32,
    "input.normalise": "unit",
    "augment.policy": "none",
    "optim.name": "adam",
    "optim.weight_decay": 0.0,
    "schedule.name": "constant",
    "train.batch_size": 64,
    "train.ema": 0.0,
}
EPOCHS = 10
QUICK_EPOCHS, QUICK_PER_CLASS = 3, 500  # with less none is above guessing


class GradientNormOriginal(Study):
    """What did the study's own experiment on CIFAR-10 show, and what does a penalty that works add?"""

    asks = ("cifar", "quick", "settings")

    def lacks(self, ask: StudyRequest) -> str:
        """CIFAR-10."""
        return cifar_needed(ask)

    def plan(self, ask: StudyRequest) -> Plan:
        """Its penalty was no penalty, so its network and rate without one are its experiment."""
        arms = (
            Arm(name=AS_IT_WAS, settings={"optim.lr": 1e-5}),
            Arm(name=LEARNS),
            Arm(name=SMALL_PENALTY, settings=PENALISED),
            Arm(name=SMALL_SAM, settings={**PENALISED, "penalty.alpha": 1.0}),
        )
        spec = with_option(ask.cifar, f"subset={QUICK_PER_CLASS}") if ask.quick else ask.cifar
        epochs = QUICK_EPOCHS if ask.quick else EPOCHS
        return Plan(
            base={**SMALL, "data.spec": spec, "optim.lr": 1e-3, "train.epochs": epochs},
            arms=arms,
            pairs=((LEARNS, AS_IT_WAS), (SMALL_PENALTY, LEARNS), (SMALL_PENALTY, SMALL_SAM)),
            domains=False,
            seeds=QUICK_SEEDS if ask.quick else 3,
        )

    def answer(self, result: StudyResult, folder: Path) -> str:
        """Whether a penalty that works adds anything, and what held the study's figure down."""
        quick = bool(result.asked["quick"])
        penalty, rate = [result.comparison(SMALL_PENALTY, LEARNS)], [result.comparison(LEARNS, AS_IT_WAS)]
        reply = gained(penalty, quick=quick)
        words = {"Yes": "a penalty that works helps", "No": "a penalty that works does not help either"}
        return (
            f"{reply}: {words.get(reply, 'whether a penalty that works helps is not shown')}. "
            f"Against {LEARNS}, {largest(penalty, quick=quick)}. Is it the rate that held the figure "
            f"down? {gained(rate, quick=quick)}: {largest(rate, quick=quick)} against {AS_IT_WAS}."
        )

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C12: its figure, and the one that it was to be compared with."""
        return [
            judge(
                "C12",
                near("as it was", result.arm(AS_IT_WAS).values().values(), 0.4455, margin=0.02),
                near("with a rate that learns", result.arm(LEARNS).values().values(), 0.85, margin=0.02),
            )
        ]

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """What each arm costs."""
        return [cost_table(result, LEARNS)]

    def curves(self, result: StudyResult, folder: Path) -> Sequence[Curves]:
        """The norm that is penalised."""
        return norms(result, folder, (SMALL_PENALTY, SMALL_SAM))


STUDIES.register(ORIGINAL)(GradientNormOriginal())
