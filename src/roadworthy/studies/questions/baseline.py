"""Part 1: the baseline classifier, and what its validation was worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.extras import missing
from roadworthy.core.words import interval, percent
from roadworthy.evaluate.statistics.verdicts import summarise_shares
from roadworthy.studies.answers import within
from roadworthy.studies.claims import judge, near
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest
from roadworthy.studies.questions.setups import COMPACT, STUDY_CNN, base
from roadworthy.studies.results import Claim, StudyResult

PRETRAINED = {
    "model.name": "efficientnet-lite0",
    "model.width": 1.0,
    "model.depth": 2,
    "input.size": 64,
    "optim.lr": 0.02,
    "train.epochs": 3,
    "train.batch_size": 32,
}
LEAKY, BY_TRACK = "validation by picture", "validation by track"
# The same as the leaky one, but stopped and chosen by a validation loss without the L2 term.
CROSS_ENTROPY = "validation by picture, loss without L2"
ASKED = 0.9  # right on the test: the study's criterion
OUR_RULE = "validation by track, our rule for the best"


def installed() -> bool:
    """Whether roadworthy[pretrained] is: without it that arm is left out."""
    return not missing("pretrained")


class Baseline(Study):
    """How good is the study's network, what was its validation worth, and what else would have done?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Its random split beside one by track; balanced classes; our network beside its own."""
        arms = [
            Arm(name=LEAKY, settings={"data.split_by": "image"}),
            Arm(name=BY_TRACK),
            Arm(name=CROSS_ENTROPY, settings={"data.split_by": "image", "train.monitor": "loss"}),
            Arm(name=OUR_RULE, settings={"train.monitor": "accuracy", "train.patience": 0}),
            Arm(name="balanced sampling", settings={"train.balance": "sampler"}),
            Arm(name="class weights", settings={"train.balance": "weights"}),
        ]
        if ask.quick:
            short = {**STUDY_CNN, "train.minutes": None, "train.epochs": 1}
            arms.append(Arm(name="study-cnn, one epoch", settings=short))
        else:
            arms.append(Arm(name="compact", settings={**COMPACT, "train.epochs": 10}))
        if not ask.quick and installed():
            arms.append(Arm(name="EfficientNet-Lite0, pretrained", settings={**COMPACT, **PRETRAINED}))
        against = {BY_TRACK: "", CROSS_ENTROPY: LEAKY}
        pairs = tuple((arm.name, b) for arm in arms if (b := against.get(arm.name, BY_TRACK)))
        return Plan(base=base(ask), arms=tuple(arms), pairs=pairs, last=True)

    def answer(self, result: StudyResult, folder: Path) -> str:
        """Whether the network reads what was asked, what its validation said, and what else did better."""
        own = summarise_shares(list(result.arm(LEAKY).values().values()))
        said = summarise_shares(list(result.arm(LEAKY).values("val_accuracy").values()))
        reply = within(*(own.ci95 or (0.0, 1.0)), ASKED, quick=bool(result.asked["quick"]))
        sure = "one seed" if own.ci95 is None else f"95 % {interval(own.ci95)}"
        others = [c.a for c in result.comparisons if c.verdict == "better"]
        words = {"Yes": "it is good enough", "No": "it is not good enough"}.get(
            reply, "it may be good enough"
        )
        return (
            f"{reply}: by the {percent(ASKED, 0)} that were asked {words}. "
            f"The study's network reads {percent(own.mean)} of the test ({sure}), where its validation said "
            f"{percent(said.mean)}. Better than it: {', '.join(others) or 'none is shown'}."
        )

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C1: the figure on the test, and that of a validation which pictures of the same signs leak into."""
        arm = result.arm(LEAKY)
        return [
            judge(
                "C1",
                near("test accuracy", arm.values().values(), 0.9869, margin=0.01),
                near("validation", arm.values("val_accuracy").values(), 0.998, margin=0.005),
            )
        ]


STUDIES.register("baseline")(Baseline())
