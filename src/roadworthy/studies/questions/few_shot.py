"""Part 3, continued: what a few labelled pictures of the new domain are worth."""

from __future__ import annotations

from pathlib import Path

from roadworthy.studies.answers import gained, largest
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest
from roadworthy.studies.questions.domain_measures import DRAWN, QUICK_DRAWN
from roadworthy.studies.questions.domains import SECONDS, TOGETHER
from roadworthy.studies.questions.setups import COMPACT, QUICK_SECONDS, QUICK_SEEDS
from roadworthy.studies.results import StudyResult

SHOTS = (1, 5, 20)  # pictures a class, each of another sign
SHARE = 0.2  # of each batch


class FewShot(Study):
    """What are a few labelled pictures of another domain worth, on signs of it that were not shown?"""

    def lacks(self, ask: StudyRequest) -> str:
        """Pictures to learn from, and photographs of another domain."""
        if lacks := super().lacks(ask):
            return lacks
        return "" if _photographs(ask) else "another domain of photographs, like --new folder:DIR"

    def plan(self, ask: StudyRequest) -> Plan:
        """None, and 1, 5 and 20 a class of the first other domain; seeds draw others of the same signs."""
        name, spec = next(iter(_photographs(ask).items()))
        joined = "&" if "?" in spec else "?"
        # Half of what is not new is drawn, as where none of it is.
        drawn = QUICK_DRAWN if ask.quick else DRAWN
        rest = drawn.replace("@0.5", f"@{(1 - SHARE) / 2:g}")
        arms = [Arm(name="none")]
        for shots in SHOTS:
            shown = f"{spec}{joined}take={shots}&of={max(SHOTS)}&draw={{seed}}@{SHARE:g}"
            arms.append(Arm(name=f"{shots} a class", settings={"data.spec": f"{rest},{shown}"}))
        seconds = QUICK_SECONDS if ask.quick else SECONDS
        return Plan(
            base={**COMPACT, **TOGETHER, "data.spec": drawn, "train.minutes": seconds / 60},
            arms=tuple(arms),
            pairs=tuple((arm.name, "none") for arm in arms[1:]),
            # The same for every seed: trainings are compared picture by picture.
            new={f"{name}, signs not shown": f"{spec}{joined}leave={max(SHOTS)}"},
            seeds=QUICK_SEEDS if ask.quick else 0,
        )

    def answer(self, result: StudyResult, folder: Path) -> str:
        """Whether any number of pictures gains on the signs that were not shown."""
        quick = bool(result.asked["quick"])
        there = [c for c in result.comparisons if c.metric != "accuracy"]
        reply = gained(there, quick=quick)
        words = {"Yes": "a few labelled pictures help", "No": "a few labelled pictures gain nothing"}
        said = words.get(reply, "whether a few labelled pictures help is not shown")
        return f"{reply}: {said}. Of the gains over none {largest(there, quick=quick)}."


def _photographs(ask: StudyRequest) -> dict[str, str]:
    return {name: spec for name, spec in ask.new.items() if not spec.startswith("rendered:")}


STUDIES.register("few-shot")(FewShot())
