"""Part 3: another domain, as it should have been asked: how it differs, what is lost there, what helps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from roadworthy.core.document import DataTable
from roadworthy.core.files import write_arrays
from roadworthy.core.words import percent
from roadworthy.data.dataset import Dataset
from roadworthy.data.records import Record
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import Part, better, judge, near, untrained
from roadworthy.studies.plan import STUDIES, Arm, Plan, Settings, Study, StudyRequest
from roadworthy.studies.questions import domain_pictures as pictures
from roadworthy.studies.questions import domain_tables as tables
from roadworthy.studies.questions.arm_tables import confusions_of
from roadworthy.studies.questions.baseline import PRETRAINED, installed
from roadworthy.studies.questions.domain_measures import (
    COMBINED,
    DRAWN,
    LONG,
    MEASURES,
    QUICK_DRAWN,
    SEVERAL_ZOOMS,
)
from roadworthy.studies.questions.domain_pictures import before_and_after, large
from roadworthy.studies.questions.measures import reasons, that_changed
from roadworthy.studies.questions.setups import COMPACT, QUICK_SECONDS, QUICK_SEEDS, STUDY_CNN
from roadworthy.studies.results import ArmResult, Claim, Stored, StudyResult

SECONDS = 60.0
# Without what the measures are: each arm adds one of them.
PLAIN: Settings = {**COMPACT, "input.normalise": "unit", "train.ema": 0.0}
NONE = "none"
TWENTY, THIRTY, CONTROL = "study-cnn, 20 epochs augmented", "10 epochs more of it", "10 epochs more without"
# To choose on, and to be opened last; both are drawn as nothing else is.
CHOSEN_ON, DRAWN_TEST = "other-val", "other-test"
HELD_OUT = (CHOSEN_ON, DRAWN_TEST)
PER_CLASS, QUICK_PER_CLASS = 512, 32
# Chosen on GTSRB's validation signs and the drawings of other-val (docs/log.md).
TOGETHER: Settings = {
    "input.size": 48,
    "augment.policy": "light",
    "input.normalise": "per-image",
    "train.ema": 0.99,
    "data.spec": DRAWN,
}
LONGER: Settings = {**TOGETHER, "model.depth": 2, "train.ema": 0.998}
TIMES = 5  # as long
SHOWN, GALLERY = 20, "samples"


class Domains(Study):
    """How does another domain differ, what is lost there, and what helps without a picture of it?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Each measure alone, in equal seconds of training; those that helped on other-val, together.

        The last are not of that budget: what helped with more time, and the study's own trainings.
        """
        arms = [
            Arm(name=NONE),
            *(Arm(name=name, settings=own.settings) for name, own in MEASURES.items() if own.settings),
        ]
        arms += [
            Arm(name="several zooms", settings={"evaluate.views": "zooms"}, after=NONE, trains=False),
            Arm(name="its own BatchNorm", settings={"evaluate.norms": "new"}, after=NONE, trains=False),
            Arm(name=COMBINED, settings=TOGETHER),
            Arm(
                name=SEVERAL_ZOOMS,
                settings={**TOGETHER, "evaluate.views": "zooms"},
                after=COMBINED,
                trains=False,
            ),
        ]
        seconds = QUICK_SECONDS if ask.quick else SECONDS
        longer = {**LONGER, "train.minutes": TIMES * seconds / 60}
        arms.append(Arm(name=LONG, settings=longer, seeds=3))
        if ask.quick:
            arms = for_a_quick_look(arms)
        else:
            arms += self._as_it_was()
            if installed():
                arms.append(
                    Arm(name="pretrained", settings=PRETRAINED)
                )  # its seconds are the budget here too
        unequal = (NONE, LONG, TWENTY, THIRTY, CONTROL)
        pairs = [(arm.name, NONE) for arm in arms if arm.name not in unequal]
        pairs.append((LONG, COMBINED))
        if not ask.quick:
            pairs += [(THIRTY, TWENTY), (THIRTY, CONTROL)]
        return Plan(
            base={**PLAIN, "train.minutes": seconds / 60},
            arms=tuple(arms),
            pairs=tuple(pairs),
            new={**ask.new, **held_out(QUICK_PER_CLASS if ask.quick else PER_CLASS)},
            seeds=QUICK_SEEDS if ask.quick else 0,
            equal_seconds=True,
        )

    def _as_it_was(self) -> list[Arm]:
        """The study's own: 20 augmented epochs of its network, then 10 more of the same, or of none."""
        augmented = {**STUDY_CNN, "train.patience": 0, "augment.policy": "study-flips", "train.minutes": None}
        return [
            Arm(name=TWENTY, settings={**augmented, "train.epochs": 20}),
            Arm(name=THIRTY, settings={**augmented, "train.epochs": 10}, after=TWENTY),
            Arm(
                name=CONTROL,
                settings={**augmented, "train.epochs": 10, "augment.policy": "none"},
                after=TWENTY,
            ),
        ]

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C9 and C10: its two figures; C11: what it credited the gain to."""
        if TWENTY not in [arm.name for arm in result.arms]:
            return untrained("C9", "C10", "C11")
        asked = [domain for domain in result.domains if domain not in HELD_OUT]

        def figure(arm: str, claimed: float) -> list[Part]:
            """Within the interval that the study's own twenty pictures would have had."""
            return [
                near(f"on {domain}", result.arm(arm).values(domain=domain).values(), claimed, margin=0.05)
                for domain in asked
            ] or [Part(verdict="open", evidence="no other domain was given (--new)")]

        gains = [
            part
            for domain in asked
            for part in (
                better(result.comparison(THIRTY, TWENTY, domain), by=0.01),
                better(result.comparison(THIRTY, CONTROL, domain), by=0.01),
            )
        ]
        return [
            judge("C9", *figure(TWENTY, 0.85)),
            judge("C10", *figure(THIRTY, 0.9)),
            judge(
                "C11",
                *(gains or [Part(verdict="open", evidence="no other domain was given (--new)")]),
            ),
        ]

    def answer(self, result: StudyResult, folder: Path) -> str:
        """For each domain that was asked for: how it differs, what is lost, and what helps most."""
        elsewhere = [f"accuracy on {place}" for place in result.domains if place != CHOSEN_ON]
        found = [c for c in result.comparisons if c.b == NONE and c.metric in elsewhere]
        if not found:
            return "Open: no other domain was given (--new)."
        quick = bool(result.asked["quick"])
        reply = gained(found, quick=quick)
        words = {"Yes": "there are measures that help elsewhere", "No": "no measure helps elsewhere"}
        begun = f"{reply}: {words.get(reply, 'whether a measure helps elsewhere is not shown')}"
        return " ".join(
            [f"{begun}. Of the gains {largest(found, quick=quick)}.", *self._sentences(result, folder)]
        )

    def _sentences(self, result: StudyResult, folder: Path) -> Iterator[str]:
        for domain in result.domains:
            if domain == CHOSEN_ON:
                continue
            difference = pictures.difference(result.arm(NONE), folder, domain)
            drop = tables.drop(result.arm(NONE), folder, domain)
            best = max(result.arms, key=lambda arm: np.mean(list(arm.values(domain=domain).values())))
            reads = float(np.mean(list(best.values(domain=domain).values())))
            yield (
                f"{domain} is {difference.words}: {drop.words}. "
                f"Best there is '{best.name}' with {percent(reads)} right."
            )

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """How the domains differ, and what changes from home to there."""
        none = result.arm(NONE)
        found: list[DataTable] = []
        for domain in result.domains:
            found += pictures.difference(none, folder, domain).tables
        baselines = {name: COMBINED if name == LONG else NONE for name in MEASURES}
        found += [
            tables.drops(result, folder),
            tables.gains(result, folder, NONE),
            reasons(result, MEASURES, baselines),
        ]
        for domain in result.domains:
            found += [
                tables.by_class(none, folder, domain),
                tables.worst_signs(none, folder, domain),
                tables.confusions(none, folder, domain),
            ]
        for domain, arm in self._changed(result):
            found += confusions_of(arm, folder, domain)
        found.append(tables.calibration(result, folder))
        found.append(tables.few_pictures(result, folder, NONE, result.asked["samples"]))
        return found

    def galleries(self, result: StudyResult, folder: Path) -> Sequence[Stored]:
        """Pictures of home and of each domain, side by side by class; then what changed from arm to arm."""
        none = result.arm(NONE)
        run = folder / none.runs[0].folder
        home = pictures.opened_home(run).test
        stored = []
        for number, domain in enumerate(result.domains):
            there = pictures.opened(run, domain, home.classes)
            captions, pairs = _side_by_side(run, home, there)
            name = f"{GALLERY}-{number}.npz"
            write_arrays({"images": pairs}, folder / name)
            stored.append(
                Stored(
                    caption=f"Left from home, right from {domain}",
                    file=name,
                    captions=tuple(captions),
                    first=True,
                )
            )
        for number, (domain, arm) in enumerate(self._changed(result)):
            if arm.name != NONE:
                stored += before_and_after(none, arm, folder, domain, f"changed-{number}.npz")
        return stored

    def _changed(self, result: StudyResult) -> list[tuple[str, ArmResult]]:
        """In each domain without a measure, then with each that changed something there by its interval."""
        return [
            (domain, result.arm(name))
            for domain in result.domains
            if domain != CHOSEN_ON
            for name in (NONE, *that_changed(result, NONE, domain, list(MEASURES)))
        ]


def for_a_quick_look(arms: Sequence[Arm]) -> list[Arm]:
    """The same with fewer drawings: to list many takes longer than the seconds that see some of them."""
    return [
        replace(arm, settings={**arm.settings, "data.spec": QUICK_DRAWN})
        if arm.settings.get("data.spec") == DRAWN
        else arm
        for arm in arms
    ]


def held_out(per_class: int, recipes: Sequence[str] = HELD_OUT) -> dict[str, str]:
    """The home market's signs as nothing that is trained on draws them, by the names of their recipes."""
    return {recipe: f"rendered:au?recipe={recipe}&per_class={per_class}" for recipe in recipes}


def _side_by_side(run: Path, home: Dataset, there: Dataset) -> tuple[list[str], np.ndarray]:
    """Pairs of one class, as many of each class as make about SHOWN, larger than a network gets them.

    run: whose settings tell how pictures are cut.
    """
    rng = np.random.default_rng(0)
    shared = np.intersect1d(home.targets, there.targets)
    captions: list[str] = []
    chosen: tuple[list[Record], list[Record]] = ([], [])
    for target in shared.tolist():
        rows = [np.flatnonzero(part.targets == target) for part in (home, there)]
        each = min(max(1, SHOWN // len(shared)), *map(len, rows))
        for records, part, own in zip(chosen, (home, there), rows, strict=True):
            records += [part.records[i] for i in rng.choice(own, each, replace=False).tolist()]
        captions += [home.classes[target]] * each
    return captions, np.concatenate([large(run, records) for records in chosen], axis=2)


STUDIES.register("domains")(Domains())
