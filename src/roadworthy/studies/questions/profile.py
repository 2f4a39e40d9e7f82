"""Part 2: where the study's training spent its time, and what its recommendations would have given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roadworthy.config import load_config
from roadworthy.core.document import Column, DataTable
from roadworthy.core.words import percent
from roadworthy.studies.claims import Part, Verdict, judge
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest
from roadworthy.studies.questions.setups import COMPACT, STUDY_CNN
from roadworthy.studies.results import Claim, StudyResult

AS_RUN = "as the study ran it"
QUICK_STEPS = 30


class Profile(Study):
    """Where does the study's training spend its time, and which of its recommendations make it faster?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """One epoch each, as it was and with each recommendation that is a setting here."""
        budget = {"train.gradients": QUICK_STEPS} if ask.quick else {"train.epochs": 1}
        unoptimised = {"train.channels_last": False, "train.precision": "fp32"}
        arms = (
            Arm(name=AS_RUN, settings=unoptimised),
            Arm(name="memory laid out channels last", settings={"train.precision": "fp32"}),
            Arm(name="mixed precision", settings={**unoptimised, "train.precision": "bf16"}),
            Arm(name="simpler network", settings={**COMPACT, "augment.policy": "study-flips"}),
            Arm(name="no augmentation", settings={**unoptimised, "augment.policy": "none"}),
        )
        base = {**STUDY_CNN, "augment.policy": "study-flips", "train.patience": 0, **budget}
        return Plan(base=base, arms=arms, seeds=3, domains=False)

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C4: convolution takes most time, augmentation and data handling come next."""
        shares = _shares(_profiled(result, folder))
        ranked = sorted(shares, key=lambda kind: -shares[kind])
        evidence = ", ".join(f"{kind} {percent(shares[kind], 0)}" for kind in ranked)
        first: Verdict = "confirmed" if ranked[0] == "convolution" else "refuted"
        next_: Verdict = "confirmed" if set(ranked[1:3]) == {"augmentation", "data"} else "refuted"
        return [
            judge(
                "C4",
                "Convolution takes most time; augmentation and data handling come next.",
                Part(verdict=first, evidence=f"shares of a training step: {evidence}"),
                Part(verdict=next_, evidence=f"next come {ranked[1]} and {ranked[2]}"),
            )
        ]

    def answer(self, result: StudyResult, folder: Path) -> str:
        """What takes most of a step, and what each recommendation gains."""
        shares = _shares(_profiled(result, folder))
        most = max(shares, key=lambda kind: shares[kind])
        slowest = _speeds(result, AS_RUN)
        gains = [
            f"{arm.name} {_speeds(result, arm.name) / slowest:.2f}x"
            for arm in result.arms
            if arm.name != AS_RUN
        ]
        return f"Most of a step, {percent(shares[most], 0)}, goes to {most}. Speed: {', '.join(gains)}."

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """Stages, and pictures a second of each arm."""
        found = _profiled(result, folder)
        slowest = _speeds(result, AS_RUN)
        return [
            DataTable(
                caption=f"Where {AS_RUN} spends its time: {found['verdict']}",
                columns=(Column("stage"), Column("share", "share", 1), Column("µs per picture", "number", 1)),
                rows=tuple((row["stage"], row["share"], row["us_per_image"]) for row in found["stages"]),
            ),
            DataTable(
                caption="Done once, before training: µs per picture",
                columns=(Column("what"), Column("µs", "number", 0)),
                rows=tuple(found["preparing"].items()),
            ),
            DataTable(
                caption="Pictures per second in training, the best of the seeds",
                columns=(
                    Column("arm"),
                    Column("pictures/s", "number", 0),
                    Column("against as it was", "times"),
                ),
                rows=tuple(
                    (arm.name, _speeds(result, arm.name), _speeds(result, arm.name) / slowest)
                    for arm in result.arms
                ),
            ),
        ]


def _profiled(result: StudyResult, folder: Path) -> dict[str, Any]:
    """The profile of the first arm, made once and kept."""
    place = folder / "profile"
    if not (place / "profile.json").is_file():
        from roadworthy.studies.profiling import profile

        profile(load_config(folder / result.arm(AS_RUN).runs[0].folder / "config.toml"), place)
    profiled: dict[str, Any] = json.loads((place / "profile.json").read_text(encoding="utf-8"))
    return profiled


def _shares(found: dict[str, Any]) -> dict[str, float]:
    """Stages as the study named them."""
    kinds = {"convolution": 0.0, "other layers": 0.0, "augmentation": 0.0, "data": 0.0, "optimiser": 0.0}
    for row in found["stages"]:
        name = row["stage"]
        if "convolution" in name:
            kinds["convolution"] += row["share"]
        elif name.startswith(("forward", "backward", "loss")):
            kinds["other layers"] += row["share"]
        elif name.startswith("augment"):
            kinds["augmentation"] += row["share"]
        elif name in ("waiting for data", "copy", "normalise"):
            kinds["data"] += row["share"]
        else:
            kinds["optimiser"] += row["share"]
    return kinds


def _speeds(result: StudyResult, arm: str) -> float:
    return max(run.used["samples"] / run.used["train_seconds"] for run in result.arm(arm).runs)


STUDIES.register("profile")(Profile())
