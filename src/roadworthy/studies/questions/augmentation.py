"""Part 2: what augmentation does, from scratch and as the study went about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.core.words import percent
from roadworthy.evaluate.results import Comparison
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import better, everywhere, judge, worse
from roadworthy.studies.plan import STUDIES, Arm, Plan, Study, StudyRequest
from roadworthy.studies.questions.arm_tables import confusions_of, last, recall_by_class
from roadworthy.studies.questions.measures import Measure, effect_words, reasons
from roadworthy.studies.questions.setups import base
from roadworthy.studies.results import Claim, StudyResult

SINGLE_SEEDS = 3  # of parts of a policy: there are many of them
_POOLED = {"model.name": "study-cnn-pooled"}
TRANSLATED, WEAKER = 0.2, (0.25, 0.5)  # the study's share of the side, and smaller ones as shares of it
POOLED, POOLED_MOVED = "no dense layer", "no dense layer, translation by 0.2"
NONE, AS_RUN, LONGER = "none", "the study's, trained on", "none, trained on"
MOVED = "the study's: translation alone"


def moved_by(strength: float) -> str:
    """The arm that is shifted by this share of the study's shift."""
    return f"translation by {TRANSLATED * strength:g} alone"


# Arm, its network, the shift as a share of the side, and the arm of the same network without a shift.
SHIFTS = (
    (NONE, "dense layers", 0.0, ""),
    *((moved_by(strength), "dense layers", TRANSLATED * strength, NONE) for strength in WEAKER),
    (MOVED, "dense layers", TRANSLATED, NONE),
    (POOLED, "no dense layer", 0.0, ""),
    (POOLED_MOVED, "no dense layer", TRANSLATED, POOLED),
)

MEASURES: Mapping[str, Measure] = {
    "the study's": Measure(
        reason="mirrors numerals into what is no sign, shifts a fifth of the sign out of the picture",
        at_home="cost",
        elsewhere="no effect",
    ),
    "the study's without flips": Measure(
        reason="no mirrored numerals; the shifts remain", at_home="cost", elsewhere="no effect"
    ),
    "ours": Measure(reason="light, blur, noise and framing as cameras differ in them"),
    "ours, light": Measure(reason="a little of geometry and light, quick to learn from"),
    AS_RUN: Measure(reason="ten more epochs help, mirrored numerals and large shifts do not", at_home="cost"),
    LONGER: Measure(reason="ten more epochs on the same pictures", elsewhere="no effect"),
    "the study's: blind-flip alone": Measure(
        reason="a mirrored 50 or 60 keeps its label and is no sign; stop and no entry lose little",
        at_home="cost",
        elsewhere="cost",
    ),
    "the study's: stretch alone": Measure(reason="signs are seen at an angle", at_home="no effect"),
    "the study's: shear alone": Measure(
        reason="0.2 degrees, as its framework reads the number, change nothing",
        at_home="no effect",
        elsewhere="no effect",
    ),
    MOVED: Measure(
        reason="framing differs between sources; a fifth of the side cuts numerals off",
        at_home="cost",
    ),
    "the study's: rotation alone": Measure(
        reason="poles lean and cameras tilt, by less than 20 degrees", at_home="no effect"
    ),
    **{
        moved_by(strength): Measure(reason="a smaller shift leaves the numeral whole", at_home="no effect")
        for strength in WEAKER
    },
    POOLED_MOVED: Measure(
        reason="averaged over places, a network reads a shifted sign as the same sign", at_home="no effect"
    ),
    "ours: geometry alone": Measure(reason="framing and angle differ between sources"),
    "ours: colour alone": Measure(reason="light differs by day and camera"),
    "ours: filters alone": Measure(reason="distance and cameras blur; here sharp pictures prevail"),
}
BASELINES: Mapping[str, str] = {name: POOLED if name == POOLED_MOVED else NONE for name in MEASURES}
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
            shifts(result, folder),
            what_shifts_say(result, folder),
            reasons(result, MEASURES, BASELINES),
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
                worse(at_home, by=0.0667),
            ),
            judge(
                "C3",
                worse(at_home),
                *everywhere(elsewhere),
            ),
        ]


def shifts(result: StudyResult, folder: Path) -> DataTable:
    """Training accuracy beside test accuracy by the size of the shift, with and without dense layers."""
    known = {arm.name for arm in result.arms}
    rows: list[tuple[Cell, ...]] = []
    for name, network, shift, against in SHIFTS:
        if name not in known:
            continue
        found = result.comparison(name, against) if against in known else None
        rows.append(
            (
                name,
                network,
                shift,
                last(result.arm(name), folder, "train_accuracy"),
                float(np.mean(list(result.arm(name).values().values()))),
                None if found is None else found.effect,
                None if found is None else found.ci95,
            )
        )
    return DataTable(
        caption="Which shift hurts? Training accuracy is that of the last epoch, of pictures as they are "
        "shifted and with dropout; test pictures are not shifted. Points against the same network unshifted",
        columns=(
            Column("arm"),
            Column("network"),
            Column("shift, of the side", "share", 0),
            Column("training", "share"),
            Column("test", "share"),
            Column("points", "points"),
            Column("95 %", "points interval"),
        ),
        rows=tuple(rows),
    )


def what_shifts_say(result: StudyResult, folder: Path) -> DataTable:
    """Three questions about the shift, answered from the numbers by rule."""
    known = {arm.name for arm in result.arms}
    compared = {
        name: result.comparison(name, against)
        for name, _, shift, against in SHIFTS
        if shift and name in known and against in known
    }
    return DataTable(
        caption="What the shifts say, by their 95 % intervals",
        columns=(Column("question"), Column("answer")),
        rows=(
            ("From which size on does a shift cost?", _from_which_size(compared)),
            ("Does the network fit shifted pictures?", _fits(result, folder)),
            ("Is it the dense layers, which know each place?", _by_places(compared)),
        ),
    )


def _costs(found: Comparison) -> bool:
    return found.ci95 is not None and found.ci95[1] < 0


def _from_which_size(compared: Mapping[str, Comparison]) -> str:
    sizes = {shift: name for name, network, shift, _ in SHIFTS if network == "dense layers" and shift}
    costly = [shift for shift, name in sizes.items() if name in compared and _costs(compared[name])]
    if not costly:
        return "of none is a cost shown"
    return f"from {percent(min(costly), 0)} of the side: {effect_words(compared[sizes[min(costly)]])}"


def _fits(result: StudyResult, folder: Path) -> str:
    """It underfits where it reads shifted training pictures worse than test pictures, which are whole."""
    known = {arm.name for arm in result.arms}
    if not {MOVED, NONE} <= known:
        return "not tried here"
    moved, none = (last(result.arm(name), folder, "train_accuracy") for name in (MOVED, NONE))
    if moved is None or none is None:
        return "unknown: no history was kept"
    test = float(np.mean(list(result.arm(MOVED).values().values())))
    said = (
        f"{percent(moved)} of shifted training pictures, {percent(none)} without a shift, "
        f"{percent(test)} of test"
    )
    if moved < test:
        return f"no, it underfits them: {said}"
    return f"yes, better than the test, which has other signs: {said}"


def _by_places(compared: Mapping[str, Comparison]) -> str:
    """Yes where the same shift costs less without dense layers: the intervals do not meet."""
    if not {MOVED, POOLED_MOVED} <= set(compared):
        return "not tried here"
    dense, pooled = compared[MOVED], compared[POOLED_MOVED]
    said = f"{effect_words(dense)} with them, {effect_words(pooled)} without"
    if dense.ci95 is None or pooled.ci95 is None:
        return f"open: {said}"
    if _costs(dense) and pooled.ci95[0] > dense.ci95[1]:
        return f"yes, without them the same shift costs less: {said}"
    if _costs(pooled) and dense.ci95[0] > pooled.ci95[1]:
        return f"no, without them it costs more: {said}"
    return f"open, the intervals meet: {said}"


def _part(whose: str, policy: str, part: str, ops: list[str]) -> Arm:
    settings = {"augment.policy": policy, "augment.only": ops}
    return Arm(name=f"{whose}: {part} alone", settings=settings, seeds=SINGLE_SEEDS)


STUDIES.register("augmentation")(Augmentation())
