"""Part 2: where the study's training spent its time, and what its recommendations would have given."""

from __future__ import annotations

import json
import statistics
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.config import Config
from roadworthy.core.document import Column, DataTable
from roadworthy.core.words import percent
from roadworthy.studies.claims import Part, judge, largest
from roadworthy.studies.pipelines.arms import AS_RUN, BATCHED, DROPOUT, EACH_ALONE, PIPELINES
from roadworthy.studies.plan import STUDIES, Arm, Job, Plan, Study, StudyRequest
from roadworthy.studies.questions.setups import STUDY_CNN
from roadworthy.studies.results import Bar, Bars, Claim, Stored, StudyResult

if TYPE_CHECKING:
    from roadworthy.data.dataset import Dataset

SECONDS, QUICK_SECONDS = 4.0, 0.5  # that an arm is timed for in each round
UNEVEN = 0.1  # rounds that differ by more are said to
OPERATIONS = "operations.npz"  # what each makes of one picture, in the folder of the first timing

DATA = ("reading", "decoding", "resizing", "to floats", "scaling", "batching", "waiting for pictures")
KINDS = ("convolution", "pooling", "activation", "dropout", "dense", "optimiser")
ELSEWHERE = "other threads"
LONGEST = 2.0  # times what the study's own takes: arms beyond that are not drawn beside it
INPUT_PARTS = {
    "reading": "reading",
    "decoding": "decoding",
    "resizing": "resizing",
    **dict.fromkeys(("to floats", "scaling", "batching", "waiting for pictures"), "batching"),
    **dict.fromkeys(("augment: interpolation", "augment: warp"), "one interpolation"),
    **{f"augment: {name}": name for name in ("rotation", "shift", "shear", "zoom", "flip", "matrices")},
}
NAMED = ("convolution", "augmentation", "data handling")  # by the claim, in this order
REST = "rest"

Stages = Mapping[str, float]


class Profile(Study):
    """Where does the study's training spend its time, and which of its recommendations make it faster?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Its pipeline and one change after the other, each timed in every round, on one thread."""
        from roadworthy.core.device import may_use_bf16, pick_device

        # Where bf16 is emulated a step takes ten times as long: a quick look sees that in one round.
        slow = {"mixed precision": 1} if ask.quick and not may_use_bf16(pick_device("cpu")) else {}
        base = {
            **STUDY_CNN,
            "augment.policy": "study-flips",
            "train.precision": "fp32",
            "train.threads": 1,  # a second by the clock is then one of the processor
        }
        return Plan(
            base=base,
            arms=tuple(Arm(name=name, seeds=slow.get(name, 0)) for name in PIPELINES),
            domains=False,
            timed=QUICK_SECONDS if ask.quick else SECONDS,
        )

    def time(self, job: Job) -> Mapping[str, Any]:
        """A few seconds of training; the first also keeps what the augmentation makes of one picture."""
        from roadworthy.studies.pipelines.timing import timed

        # Without what differs between jobs, so that pictures are opened once.
        data = _pictures(Config(data=job.config.data, input=job.config.input))
        if (job.arm, job.seed) == (AS_RUN, 0):
            _store_operations(data, job.folder / OPERATIONS)
        return timed(PIPELINES[job.arm], data, job.config, job.timed, job.seed)

    def claims(self, result: StudyResult, folder: Path) -> Sequence[Claim]:
        """C4: convolution takes most time, augmentation in Python comes next, then data handling."""
        rounds = [_shares(stages) for stages in _rounds(result, folder, AS_RUN)]
        others = [shares["augmentation"] for shares in map(_shares, _rounds(result, folder, EACH_ALONE))]
        told = [_next_largest(rounds, NAMED[:place]) for place in range(len(NAMED))]
        evidence = (
            f"{told[1].evidence} ({percent(statistics.mean(others), 1)} where each operation interpolates)"
        )
        return [
            judge(
                "C4",
                Part(verdict=told[0].verdict, evidence=f"shares of a step: {told[0].evidence}"),
                Part(verdict=told[1].verdict, evidence=f"next: {evidence}"),
                Part(verdict=told[2].verdict, evidence=f"after it: {told[2].evidence}"),
            )
        ]

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The slowest operation of the input pipeline and what was done about it; what a step goes to."""
        before, after = (_input(_medians(_rounds(result, folder, arm))) for arm in (AS_RUN, BATCHED))
        slowest = max(before, key=lambda name: before[name])
        shares = _shares(_medians(_rounds(result, folder, AS_RUN)))
        ranked = sorted((name for name in shares if name != REST), key=lambda name: -shares[name])
        gains = [
            f"{name} {statistics.median(_gains(result, name)):.2f}x" for name in PIPELINES if name != AS_RUN
        ]
        said = [
            f"The slowest operation of the input pipeline is {_operation(slowest)}: "
            f"{before[slowest]:,.0f} of its {sum(before.values()):,.0f} µs a picture.",
            f"Decoded once and varied in whole batches, pictures take {sum(after.values()):,.0f} µs.",
            "Of a step most goes to "
            + ", ".join(f"{name} ({percent(shares[name], 0)})" for name in ranked[:4])
            + ".",
            f"Speed, each against the pipeline that it changes: {', '.join(gains)}; "
            f"all up to {DROPOUT} together {statistics.median(_gains(result, DROPOUT, AS_RUN)):.2f}x.",
            _unevenness(result),
        ]
        return " ".join(filter(None, said))

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """Stages of the study's own pipeline; what each change gives."""
        return [_stage_table(_rounds(result, folder, AS_RUN)), _gain_table(result, folder)]

    def bars(self, result: StudyResult, folder: Path) -> Sequence[Bars]:
        """Where the time of each arm goes, that of its input pipeline alone, and its speed."""
        medians = {arm.name: _medians(_rounds(result, folder, arm.name)) for arm in result.arms}
        return [_stage_bars(medians), _input_bars(medians), _speed_bars(result)]

    def galleries(self, result: StudyResult, folder: Path) -> Sequence[Stored]:
        """What each operation of the augmentation makes of one picture."""
        file = f"{result.arm(AS_RUN).runs[0].folder}/{OPERATIONS}"
        with np.load(folder / file, allow_pickle=False) as arrays:
            captions = tuple(map(str, arrays["captions"]))
        return [
            Stored(
                caption="What each operation of the study's augmentation does", file=file, captions=captions
            )
        ]


@cache
def _pictures(config: Config) -> Dataset:
    from roadworthy.data.open import open_splits

    return open_splits(config.data, config.input, with_test=False).train


def _store_operations(data: Dataset, path: Path) -> None:
    from roadworthy.studies.pipelines.one_by_one import shown

    every = max(1, len(data) // 100)
    clearest = max(range(0, len(data), every), key=lambda row: float(np.std(data.images[row])))
    made = shown(np.asarray(data.images[clearest]))
    np.savez_compressed(path, images=np.stack(list(made.values())), captions=list(made))


def _rounds(result: StudyResult, folder: Path, arm: str) -> list[Stages]:
    """Microseconds of processor time a picture of each stage, round by round."""
    files = [folder / run.folder / "metrics.json" for run in result.arm(arm).runs]
    return [json.loads(file.read_text(encoding="utf-8"))["stages"] for file in files]


def _medians(rounds: Sequence[Stages]) -> dict[str, float]:
    names = dict.fromkeys(name for stages in rounds for name in stages)
    return {name: statistics.median(stages.get(name, 0.0) for stages in rounds) for name in names}


def _kind(stage: str) -> str:
    """What kind of work a stage is."""
    if stage.startswith("augment"):
        return "augmentation"
    if stage in DATA:
        return "data handling"
    name = stage.rpartition(": ")[2]
    return name if name in (*KINDS, ELSEWHERE) else REST


def _kinds(stages: Stages) -> dict[str, float]:
    taken = dict.fromkeys((*NAMED, *KINDS, ELSEWHERE, REST), 0.0)
    for name, value in stages.items():
        taken[_kind(name)] += value
    return taken


def _shares(stages: Stages) -> dict[str, float]:
    total = sum(stages.values())
    return {kind: taken / total for kind, taken in _kinds(stages).items()}


def _next_largest(rounds: Sequence[Stages], before: Collection[str]) -> Part:
    """Whether the next kind that the claim names is the largest of those that it has not named before."""
    return largest(NAMED[len(before)], rounds, [kind for kind in (*NAMED, *KINDS) if kind not in before])


def _input(stages: Stages) -> dict[str, float]:
    """The input pipeline alone."""
    return {name: taken for name, taken in stages.items() if _kind(name) in ("augmentation", "data handling")}


def _operation(stage: str) -> str:
    return f"the augmentation's {stage.removeprefix('augment: ')}" if stage.startswith("augment") else stage


def _speeds(result: StudyResult, arm: str) -> dict[int, float]:
    """By round."""
    return {run.seed: run.metrics["images_per_second"] for run in result.arm(arm).runs}


def _gains(result: StudyResult, arm: str, than: str = "") -> list[float]:
    """How many times as fast as another, as what it changes where none is named, in each round of both."""
    own, other = _speeds(result, arm), _speeds(result, than or PIPELINES[arm].than)
    return [own[seed] / other[seed] for seed in own if seed in other]


def _unevenness(result: StudyResult) -> str:
    """What to think of the speeds where rounds differ much."""
    spreads = {
        arm.name: max(speeds) / min(speeds) - 1
        for arm in result.arms
        for speeds in [_speeds(result, arm.name).values()]
    }
    worst = max(spreads, key=lambda name: spreads[name])
    if spreads[worst] <= UNEVEN:
        return ""
    return (
        f"Rounds differ by up to {percent(spreads[worst], 0)} in speed ({worst}), as on a machine with other "
        "work: shares, which are of processor time, are surer than speeds."
    )


def _with_range(values: Collection[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


def _stage_table(rounds: Sequence[Stages]) -> DataTable:
    medians = _medians(rounds)
    fed, whole = _input(medians), sum(medians.values())
    return DataTable(
        caption=f"Processor time of each stage {AS_RUN}: median over rounds and their range",
        columns=(
            Column("stage"),
            Column("µs a picture", "estimate", 0),
            Column("of a step", "share", 1),
            Column("of the input pipeline", "share", 1),
        ),
        rows=tuple(
            (
                name,
                _with_range([stages.get(name, 0.0) for stages in rounds]),
                taken / whole,
                fed[name] / sum(fed.values()) if name in fed else None,
            )
            for name, taken in sorted(medians.items(), key=lambda row: -row[1])
            if taken >= 0.5
        ),
    )


def _gain_table(result: StudyResult, folder: Path) -> DataTable:
    return DataTable(
        caption="What each change gives, against the pipeline that it is made to and in the same rounds: "
        "median over rounds and their range",
        columns=(
            Column("pipeline"),
            Column("made to"),
            Column("the change"),
            Column("processor time, µs a picture", "number", 0),
            Column("pictures/s", "estimate", 0),
            Column("times as fast", "estimate", 2),
            Column("as the study", "times", 2),
            Column("rounds", "count"),
        ),
        rows=tuple(
            (
                name,
                pipeline.than or None,
                pipeline.change or None,
                sum(_medians(_rounds(result, folder, name)).values()),
                _with_range(_speeds(result, name).values()),
                _with_range(_gains(result, name)) if pipeline.than else None,
                statistics.median(_gains(result, name, AS_RUN)),
                len(_speeds(result, name)),
            )
            for name, pipeline in PIPELINES.items()
        ),
    )


def _stage_bars(medians: Mapping[str, Stages]) -> Bars:
    """Kinds of work in each arm, but those beside which the others could not be read."""
    most = LONGEST * sum(medians[AS_RUN].values())
    shown = {name: _kinds(stages) for name, stages in medians.items() if sum(stages.values()) <= most}
    left_out = [f"{name} {sum(medians[name].values()):,.0f}" for name in medians if name not in shown]
    return _bars(
        "profile-stages",
        "Where the processor's time goes, median over rounds"
        + (f" (not drawn: {', '.join(left_out)})" if left_out else ""),
        shown,
    )


def _input_bars(medians: Mapping[str, Stages]) -> Bars:
    """Those of the arms whose pictures are prepared by the thread that trains, which alone is timed."""
    shown = {}
    for name in (one for one in medians if not PIPELINES[one].prefetched):
        shown[name] = dict.fromkeys(dict.fromkeys(INPUT_PARTS.values()), 0.0)
        for stage, taken in _input(medians[name]).items():
            shown[name][INPUT_PARTS[stage]] += taken
    return _bars("profile-input", "The input pipeline alone, median over rounds", shown)


def _bars(name: str, caption: str, shown: Mapping[str, Mapping[str, float]]) -> Bars:
    return Bars(
        name=name,
        caption=caption,
        unit="µs a picture",
        parts=tuple(shown[AS_RUN]),
        bars=tuple(Bar(name=arm, sizes=tuple(sizes.values())) for arm, sizes in shown.items()),
    )


def _speed_bars(result: StudyResult) -> Bars:
    drawn = []
    for arm in result.arms:
        median, low, high = _with_range(_speeds(result, arm.name).values())
        drawn.append(Bar(name=arm.name, sizes=(median,), low=low, high=high))
    return Bars(
        name="profile-speeds",
        caption="Speed in training, median over rounds and their range",
        unit="pictures a second",
        parts=("pictures a second",),
        bars=tuple(drawn),
    )


STUDIES.register("profile")(Profile())
