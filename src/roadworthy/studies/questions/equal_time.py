"""Part 2, as it should have been: with and without augmentation, in the same seconds of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadworthy.config import load_config
from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.evaluate.statistics.verdicts import summarise_shares
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import better, everywhere, judge, worse
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest, sections
from roadworthy.studies.questions.arm_tables import overlaid
from roadworthy.studies.questions.setups import QUICK_SECONDS, STUDY_CNN, base
from roadworthy.studies.results import Claim, Curve, Curves, StudyResult

# 18 epochs without augmentation, which took the study's machine 100 s.
STUDY_EPOCHS = 18
FACTORS, QUICK_FACTORS = (0.5, 1.0, 2.0, 4.0), (0.5, 1.0, 2.0)
LONG_SEEDS = 3  # beyond the study's own time, where an arm takes minutes
KINDS = {
    "none": "none",
    "the study's": "study-flips",
    "ours": "default",
}
# Its augmented arm had no pictures in every second epoch, so that 9 of its 18 were real.
STUDY_NONE, STUDY_AUGMENTED = (92.0, 0.9956), (65.0, 0.7536)  # its seconds in fact, and share right
AS_IT_WAS = "the study's, every second epoch empty"


class EqualTime(Study):
    """Is the time that augmentation takes well spent, in the same seconds of training?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Each arm at half, once, twice and four times the study's time, scaled to this machine.

        The seconds become gradient steps at each arm's measured speed.  The study's own rate stays the same
        whatever the time, so its longer trainings are its shorter ones carried on, from the next epoch.  In a
        quick look the rate falls with the time: each is trained anew.
        """
        seconds, factors = _unit_seconds(ask), QUICK_FACTORS if ask.quick else FACTORS
        arms = [
            Arm(
                name=_name(kind, factor),
                settings={"augment.policy": policy, "train.minutes": factor * seconds / 60},
                seeds=LONG_SEEDS if factor > 1 else 0,
                after=_name(kind, shorter) if shorter and not ask.quick else "",
                extends=bool(shorter) and not ask.quick,
            )
            for shorter, factor in zip((0.0, *factors), factors, strict=False)
            for kind, policy in KINDS.items()
        ]
        pairs = [(_name(kind, f), _name("none", f)) for f in factors for kind in KINDS if kind != "none"]
        if not ask.quick:
            settings = {"augment.policy": "study-flips", "train.epochs": STUDY_EPOCHS // 2}
            arms.append(Arm(name=AS_IT_WAS, settings=settings))
            pairs.append((AS_IT_WAS, _name("none", 1.0)))
        # Each arm's schedule is fitted to its own time; stopping early would leave the budgets unequal.
        return Plan(
            base={**base(ask), "train.patience": 0},
            arms=tuple(arms),
            pairs=tuple(pairs),
            equal_seconds=True,
        )

    def answer(self, result: StudyResult, folder: Path) -> str:
        """Whether the study's augmentation is worth its time, and whether ours is."""
        quick = bool(result.asked["quick"])
        said = []
        for kind in ("the study's", "ours"):
            pair = (_name(kind, 1.0), _name("none", 1.0))
            found = [c for c in result.comparisons if (c.a, c.b) == pair]
            reply = gained(found, quick=quick)
            words = {
                "Yes": "the time is well spent",
                "No": "the time is not well spent",
                "Open": "whether the time is well spent is not shown",
            }[reply]
            whose = "the study's augmentation" if kind != "ours" else "our augmentation"
            said.append(f"{reply}: with {whose} {words}. In equal time, {largest(found, quick=quick)}.")
        return " ".join(said)

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C5: in the same time augmentation costs 24 points; C6: it is well spent nevertheless."""
        pair = (_name("the study's", 1.0), _name("none", 1.0))
        elsewhere = [better(result.comparison(*pair, domain), by=0.01) for domain in result.domains]
        return [
            judge(
                "C5",
                worse(result.comparison(*pair), by=0.242),
            ),
            judge("C6", *everywhere(elsewhere)),
        ]

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """What each arm's seconds went into, and the empty epochs of the study's own."""
        return [_spent(result), _as_it_was(result)]

    def curves(self, result: StudyResult, folder: Path) -> Sequence[Curves]:
        """Accuracy by epoch at the study's time; against seconds of training, at home and elsewhere."""
        at_once = [*(_name(kind, 1.0) for kind in KINDS), AS_IT_WAS]
        by_epoch = [
            curves
            for column, what in (("train_accuracy", "Training"), ("val_accuracy", "Validation"))
            for curves in overlaid(
                result,
                folder,
                at_once,
                column=column,
                name=f"equal-time-{what.lower()}",
                caption=f"{what} accuracy over epochs at the study's time; means over trainings",
            )
        ]
        return by_epoch + [
            Curves(
                name=f"equal-time-{number}",
                caption=f"Accuracy on {domain or 'the test'} against seconds of training; bands are 95 %.",
                x_label="seconds of training",
                curves=tuple(_curve(kind, result, domain) for kind in KINDS),
            )
            for number, domain in enumerate(("", *result.domains))
        ]


def _spent(result: StudyResult) -> DataTable:
    """What each arm's time went into; means over trainings."""
    rows: list[tuple[Cell, ...]] = []
    for arm in result.arms:
        used = {
            name: float(np.mean([run.used[name] for run in arm.runs]))
            for name in ("epochs", "train_seconds", "steps", "samples")
        }
        seconds = used["train_seconds"]
        rows.append(
            (
                arm.name,
                used["epochs"],
                seconds / used["epochs"] if used["epochs"] else None,
                used["steps"],
                used["samples"] / seconds if seconds else None,
                arm.seconds or None,
                seconds,
            )
        )
    return DataTable(
        caption="What the time went into; means over trainings, longer ones with what they went on from. "
        "Planned seconds were made gradient steps at a measured speed",
        columns=(
            Column("arm"),
            Column("epochs", "number", 1),
            Column("seconds an epoch", "number", 1),
            Column("steps", "count"),
            Column("pictures a second", "count"),
            Column("seconds planned", "seconds"),
            Column("seconds used", "seconds"),
        ),
        rows=tuple(rows),
    )


def _as_it_was(result: StudyResult) -> DataTable:
    """The study's equal time beside ours."""

    def right(name: str) -> float | None:
        known = {arm.name: arm for arm in result.arms}
        return summarise_shares(list(known[name].values().values())).mean if name in known else None

    none, augmented = _name("none", 1.0), _name("the study's", 1.0)
    return DataTable(
        caption="The study's empty epochs: its log shows '156/156, 0 s' for every second augmented epoch. "
        "Its generator held one pass of pictures, and every second epoch found it used up, so that 9 of 18 "
        f"were real and its average of 5.3 s an epoch is an artefact. '{AS_IT_WAS}' trains these 9",
        columns=(
            Column("arm"),
            Column("epochs in the study"),
            Column("seconds there", "seconds"),
            Column("right there", "share"),
            Column("the arm here"),
            Column("right here", "share"),
        ),
        rows=(
            ("without augmentation", "18", *STUDY_NONE, none, right(none)),
            ("with its augmentation", "18, of them 9 empty", *STUDY_AUGMENTED, AS_IT_WAS, right(AS_IT_WAS)),
            ("with its augmentation, no epoch empty", "not done", None, None, augmented, right(augmented)),
        ),
    )


def _curve(kind: str, result: StudyResult, domain: str) -> Curve:
    known = {arm.name for arm in result.arms}
    arms = [result.arm(name) for factor in FACTORS if (name := _name(kind, factor)) in known]
    summaries = [summarise_shares(list(arm.values(domain=domain).values())) for arm in arms]
    intervals = [summary.ci95 or (None, None) for summary in summaries]
    return Curve(
        name=kind,
        xs=tuple(arm.seconds for arm in arms),
        ys=tuple(summary.mean for summary in summaries),
        lows=tuple(None if low is None else max(0.0, low) for low, _ in intervals),
        highs=tuple(None if high is None else min(1.0, high) for _, high in intervals),
    )


def _name(kind: str, factor: float) -> str:
    return f"{kind}, {factor:g}x"


def _unit_seconds(ask: StudyRequest) -> float:
    if ask.quick:
        return QUICK_SECONDS / 2
    from roadworthy.studies.estimate import training_seconds

    data = {"data.spec": ask.data, "data.classes": ask.classes}
    return training_seconds(
        load_config(None, ask.settings, **sections({**STUDY_CNN, "train.epochs": STUDY_EPOCHS, **data}))
    )


STUDIES.register("equal-time")(EqualTime())
