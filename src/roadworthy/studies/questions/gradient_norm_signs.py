"""Part 4 on road signs: what penalising the gradient norm is worth, at equal time and at equal epochs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.answers import StoredAnswers
from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.data.open import open_splits
from roadworthy.evaluate.statistics.correlation import rank_correlation
from roadworthy.studies.answers import gained, largest
from roadworthy.studies.claims import everywhere, judge, near, never, no_better, untrained
from roadworthy.studies.plan import STUDIES, Arm, Job, Plan, Settings, Study, StudyRequest, read_measured
from roadworthy.studies.questions import penalty_tables
from roadworthy.studies.questions.corruptions import SHARED, errors_when_corrupted
from roadworthy.studies.questions.domain_measures import DRAWN
from roadworthy.studies.questions.domains import (
    DRAWN_TEST,
    PER_CLASS,
    QUICK_PER_CLASS,
    for_a_quick_look,
    held_out,
)
from roadworthy.studies.questions.gradient_norm import cost_table, sharpness_of, sharpness_table
from roadworthy.studies.questions.gradient_norm_arms import (
    MEASURES,
    PENALTY,
    PLAIN,
    PREDICTS_GAINS,
    SAM,
    SIGNS,
)
from roadworthy.studies.questions.setups import (
    COMPACT,
    MANY_CLASSES,
    PENALISED,
    QUICK_SECONDS,
    STUDY_CNN,
    classes_of,
)
from roadworthy.studies.results import Claim, Curves, Stored, StudyResult

SECONDS = 30.0
EPOCHS = 10
FEW = 10  # classes; with more of them the larger network alone is trained, in equal time
METHODS: Mapping[str, Settings] = {
    PLAIN: {},
    PENALTY: PENALISED,
    SAM: {**PENALISED, "penalty.alpha": 1.0},
    "late penalty": {**PENALISED, "penalty.start": 0.75},
    "EMA": {"train.ema": 0.99},
}
NETWORKS: Mapping[str, Settings] = {
    "compact": {**COMPACT, "augment.policy": "default", "train.ema": 0.0},
    "study-cnn": {**STUDY_CNN, "augment.policy": "default", "train.patience": 0},
}
PICTURES: Mapping[str, Settings] = {"photographs": {}, "half drawn": {"data.spec": DRAWN}}
ORIGINAL = "as it was: study-cnn, its augmentation, ten epochs"
_TINY = 1e-12
MANY_PER_CLASS = 64  # drawings of each class to measure on, where there are many classes
SEVERITY, CORRUPTED_PICTURES = 3, 1000
SHARPNESS_PICTURES, SHARPNESS_PRODUCTS = 125, 12  # two hundred trainings are looked at


class GradientNormSigns(Study):
    """Does penalising the gradient norm help on road signs, at home, elsewhere, and under corruption?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Each method against plain training of the same network on the same pictures in the same budget."""
        names = classes_of(ask)
        if len(names) > FEW:
            return self._many(names, ask)
        seconds = QUICK_SECONDS if ask.quick else SECONDS
        budgets: Mapping[str, Settings] = {
            "equal time": {"train.minutes": seconds / 60},
            "equal epochs": {"train.epochs": EPOCHS},
        }
        networks = ("compact",) if ask.quick else tuple(NETWORKS)
        kinds = list(product(networks, PICTURES, ("equal time",) if ask.quick else budgets))
        arms = [
            Arm(
                name=_name(network, pictures, method, budget),
                settings={**NETWORKS[network], **PICTURES[pictures], **budgets[budget], **METHODS[method]},
            )
            for network, pictures, budget in kinds
            for method in METHODS
        ]
        pairs = [
            (_name(network, pictures, method, budget), _name(network, pictures, PLAIN, budget))
            for network, pictures, budget in kinds
            for method in METHODS
            if method != PLAIN
        ]
        if not ask.quick:
            as_it_was = {
                **STUDY_CNN,
                "augment.policy": "study-flips",
                "train.epochs": 10,
                "train.patience": 0,
            }
            arms.append(Arm(name=ORIGINAL, settings=as_it_was))
        return Plan(
            base={},
            arms=tuple(for_a_quick_look(arms) if ask.quick else arms),
            pairs=tuple(pairs),
            new=_elsewhere(ask, QUICK_PER_CLASS if ask.quick else PER_CLASS),
        )

    def _many(self, names: tuple[str, ...], ask: StudyRequest) -> Plan:
        """All classes: one network, equal time, fewer methods."""
        methods = {name: own for name, own in METHODS.items() if name != SAM}
        base = {**MANY_CLASSES, "augment.policy": "default", "train.ema": 0.0}
        if ask.quick:
            base["train.minutes"] = 2 * QUICK_SECONDS / 60
        return Plan(
            base=base,
            arms=tuple(Arm(name=name, settings=own) for name, own in methods.items()),
            pairs=tuple((name, PLAIN) for name in methods if name != PLAIN),
            new=_elsewhere(ask, QUICK_PER_CLASS if ask.quick else MANY_PER_CLASS),
            seeds=3,
        )

    def measure(self, job: Job) -> Mapping[str, Any]:
        """How sharp the minimum is, and the mean error under ImageNet-C's fifteen at severity 3."""
        from roadworthy.evaluate.corruptions import standard_corruptions

        splits = open_splits(job.config.data, job.config.input)  # once: drawn pictures are drawn each time
        spoilt = errors_when_corrupted(
            job, splits.test, CORRUPTED_PICTURES, standard_corruptions(), (SEVERITY,)
        )
        return {
            **sharpness_of(job, splits.train, SHARPNESS_PICTURES, SHARPNESS_PRODUCTS),
            "corrupted": float(np.mean([errors[0] for errors in spoilt["errors"].values()])),
        }

    def answer(self, result: StudyResult, folder: Path) -> str:
        """Whether the penalty helps anywhere that it was measured."""
        quick = bool(result.asked["quick"])
        found = [c for c in result.comparisons if c.a.rpartition(": ")[2] == PENALTY]
        better, worse = (sum(c.verdict == verdict for c in found) for verdict in ("better", "worse"))
        reply = gained(found, quick=quick)
        words = {"Yes": "in places the penalty helps", "No": "the penalty does not help"}
        return (
            f"{reply}: {words.get(reply, 'no gain by the penalty is shown')}. "
            f"Of {len(found)} comparisons with plain training {better} show a gain and {worse} a loss; "
            f"{largest(found, quick=quick, most=1)}."
        )

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C13: its figures; C14: that the penalty did not help."""
        if ORIGINAL not in [arm.name for arm in result.arms]:
            return (
                untrained("C13", "C14") if result.asked["quick"] else ()
            )  # nor are they about so many classes
        runs = result.arm(ORIGINAL).runs
        sixties = [_share_read_as(StoredAnswers.read(folder / run.folder), "speed-60") for run in runs]
        pair = (_name("study-cnn", "photographs", way, "equal epochs") for way in (PENALTY, PLAIN))
        penalty, plain = pair
        photographs = [domain for domain in result.domains if domain != DRAWN_TEST]
        return [
            judge(
                "C13",
                *everywhere(
                    # The interval that its own twenty photographs would have had: 53 to 89 %.
                    near(
                        f"on {domain}", result.arm(ORIGINAL).values(domain=domain).values(), 0.75, margin=0.18
                    )
                    for domain in photographs
                ),
                never("answers of 60 on the test", sixties),
            ),
            judge(
                "C14",
                *(
                    no_better(result.comparison(penalty, plain, domain), by=0.005)
                    for domain in ("", *photographs)
                ),
            ),
        ]

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """What each method gains where, whether sharpness predicts it, and what it costs."""
        shutil.rmtree(folder / SHARED, ignore_errors=True)
        looked = _looked_at(result, folder)
        return [
            _gains(result, folder),
            penalty_tables.sixties(result, folder),
            *penalty_tables.matrices(result, folder),
            _predicts(looked),
            _predicts_gains(looked),
            sharpness_table(result, folder, SHARPNESS_PICTURES),
            cost_table(result, result.arms[0].name),
        ]

    def curves(self, result: StudyResult, folder: Path) -> Sequence[Curves]:
        """The norm that is penalised."""
        return penalty_tables.norms(
            result, folder, [arm.name for _, arm in penalty_tables.without_and_with(result)]
        )

    def galleries(self, result: StudyResult, folder: Path) -> Sequence[Stored]:
        """What only the plain network, or only the penalised one, reads correctly."""
        return penalty_tables.galleries(result, folder)


def _elsewhere(ask: StudyRequest, per_class: int) -> dict[str, str]:
    """What was asked for, and the home market's signs drawn as nothing that is trained on."""
    return {**ask.new, **held_out(per_class, (DRAWN_TEST,))}


def _name(network: str, pictures: str, method: str, budget: str) -> str:
    return f"{network}, {pictures}, {budget}: {method}"


def _share_read_as(said: StoredAnswers, name: str) -> float:
    return float((said.answers == said.classes.index(name)).mean())


def _gains(result: StudyResult, folder: Path) -> DataTable:
    """Accuracy everywhere, corrupted, and calibration; means over seeds."""
    places = ("", *result.domains)
    rows: list[tuple[Cell, ...]] = []
    for arm in result.arms:
        corrupted = [read_measured(folder / run.folder)["corrupted"] for run in arm.runs]
        right, errs = (
            [float(np.mean(list(arm.values(metric, domain).values()))) for domain in places]
            for metric in ("accuracy", "ece")
        )
        rows.append((arm.name, *right, 1 - float(np.mean(corrupted)), *errs))
    names = [place or "test" for place in places]
    return DataTable(
        caption=f"Accuracy and ECE in percent; corrupted: ImageNet-C's fifteen at severity {SEVERITY}",
        columns=(
            Column("arm"),
            *(Column(name, "percent") for name in (*names, "corrupted")),
            *(Column(f"ECE, {name}", "percent") for name in names),
        ),
        rows=tuple(rows),
    )


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """One training: its arm's setting and method, its seed, errors by place, sharpness by measure."""

    setting: str
    method: str
    seed: int
    errors: Mapping[str, float]
    sharpness: Mapping[str, float]


def _looked_at(result: StudyResult, folder: Path) -> list[_Looked]:
    found = []
    for arm in result.arms:
        setting, _, method = arm.name.rpartition(": ")
        for run in arm.runs:
            measured = read_measured(folder / run.folder)
            errors = {"test": 1 - run.metrics["accuracy"]}
            errors |= {name: 1 - run.new[name]["accuracy"] for name in result.domains}
            found.append(
                _Looked(
                    setting=setting,
                    method=method,
                    seed=run.seed,
                    errors={**errors, "corrupted": measured["corrupted"]},
                    sharpness={name: measured[name] for name in MEASURES},
                )
            )
    return found


def _predicts(looked: Sequence[_Looked]) -> DataTable:
    """Rank correlation of sharpness with errors over all trainings."""
    places = tuple(looked[0].errors)

    def cell(name: str, place: str) -> Cell:
        return _correlation([one.sharpness[name] for one in looked], [one.errors[place] for one in looked])

    return DataTable(
        caption=f"Does sharpness predict errors? Rank correlation over {len(looked)} trainings, 95 %",
        columns=(Column("sharpness"), *(Column(place, "correlation") for place in places)),
        rows=tuple((name, *(cell(name, place) for place in places)) for name in MEASURES),
    )


def _predicts_gains(looked: Sequence[_Looked]) -> DataTable:
    """Whether what flattens more than plain training of the same setting and seed gains more on it.

    The interval is over plain trainings, each with all that is set against it.
    """
    plain = {(one.setting, one.seed): one for one in looked if one.method == PLAIN}
    others = [one for one in looked if one.method != PLAIN and (one.setting, one.seed) in plain]
    against = [plain[one.setting, one.seed] for one in others]
    groups = [f"{one.setting}, {one.seed}" for one in others]
    places = tuple(looked[0].errors)

    def cell(name: str, place: str) -> Cell:
        pairs = list(zip(others, against, strict=True))
        flatter = [base.sharpness[name] / max(one.sharpness[name], _TINY) for one, base in pairs]
        gains = [base.errors[place] - one.errors[place] for one, base in pairs]
        return _correlation(flatter, gains, groups)

    return DataTable(
        caption=f"{PREDICTS_GAINS} Rank correlation over {len(others)} pairs, 95 %",
        columns=(Column("times as flat"), *(Column(place, "correlation") for place in places)),
        rows=tuple((name, *(cell(name, place) for place in places)) for name in MEASURES),
    )


def _correlation(xs: Sequence[float], ys: Sequence[float], groups: Sequence[str] | None = None) -> Cell:
    """The rank correlation and its interval; None where there is none."""
    found = rank_correlation(xs, ys, groups, generator=np.random.default_rng(0))
    return None if found is None else (found.value, *found.ci95)


STUDIES.register(SIGNS)(GradientNormSigns())
