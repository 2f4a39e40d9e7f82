"""What noise, blur, weather and damage do to each measure's network."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray
from roadworthy.core.document import Column, DataTable
from roadworthy.core.files import replacing
from roadworthy.core.words import percent
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.evaluate.statistics.verdicts import summarise, summarise_shares
from roadworthy.studies.answers import within
from roadworthy.studies.plan import STUDIES, Arm, Job, Plan, Study, StudyRequest, read_measured
from roadworthy.studies.questions.domain_measures import COMBINED, MEASURES
from roadworthy.studies.questions.domains import (
    NONE,
    PLAIN,
    SECONDS,
    TOGETHER,
    for_a_quick_look,
)
from roadworthy.studies.questions.setups import QUICK_SECONDS, QUICK_SEEDS
from roadworthy.studies.results import ArmResult, StudyResult

PICTURES, QUICK_PICTURES = 2000, 200
SHARED = "corrupted"  # pictures that all networks of a study are measured on, until it ends
ARMS = ("the study's augmentation", "our augmentation", "AugMix and consistency", "half of it drawn")


class Corruptions(Study):
    """How much is still read of spoilt pictures, and which measure helps against what?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """The measures that are about robustness, in equal seconds of training."""
        seconds = QUICK_SECONDS if ask.quick else SECONDS
        arms = [Arm(name=NONE), *(Arm(name=name, settings=MEASURES[name].settings) for name in ARMS)]
        arms.append(Arm(name=COMBINED, settings=TOGETHER))
        return Plan(
            base={**PLAIN, "train.minutes": seconds / 60},
            arms=tuple(for_a_quick_look(arms) if ask.quick else arms),
            pairs=tuple((arm.name, NONE) for arm in arms[1:]),
            domains=False,
            seeds=QUICK_SEEDS if ask.quick else 0,
        )

    def measure(self, job: Job) -> Mapping[str, Any]:
        """The error on home's test under every corruption and severity, on the same pictures for all."""
        from roadworthy.evaluate.corruptions import SEVERITIES

        most = QUICK_PICTURES if job.quick else PICTURES
        test = open_splits(job.config.data, job.config.input).test
        kinds = kinds_of_corruption()
        return {**errors_when_corrupted(job, test, most, list(kinds["groups"]), SEVERITIES), **kinds}

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The mean error over the fifteen of each arm."""
        means = {arm.name: summarise(_means(arm, folder)).mean for arm in result.arms}
        best = min(means, key=lambda name: means[name])
        fewer = summarise(
            [
                none - own
                for none, own in zip(
                    _means(result.arm(NONE), folder), _means(result.arm(best), folder), strict=False
                )
            ]
        )
        reply = within(*(fewer.ci95 or (-1.0, 1.0)), 0.0, quick=bool(result.asked["quick"]))
        words = {"Yes": "measures help against corruption", "No": "no measure helps against corruption"}
        return (
            f"{reply}: {words.get(reply, 'whether a measure helps against corruption is not shown')}. "
            f"Over ImageNet-C's fifteen corruptions {percent(means[NONE], 1)} are wrong without any measure "
            f"and {percent(means[best], 1)} with '{best}', {means[best] / max(means[NONE], 1e-9):.2f} of it."
        )

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """Means over the fifteen, then each corruption over its severities; the shared pictures go."""
        shutil.rmtree(folder / SHARED, ignore_errors=True)
        return [_over_all(result, folder), _each(result, folder)]


def _over_all(result: StudyResult, folder: Path) -> DataTable:
    """Each arm over the fifteen and all severities."""
    rows = []
    none = _means(result.arm(NONE), folder)
    for arm in result.arms:
        own = _means(arm, folder)
        summary = summarise_shares(own)
        share = summarise([mean / max(base, 1e-9) for mean, base in zip(own, none, strict=True)])
        clean = summarise_shares([one["clean"] for one in _measured(arm, folder)])
        rows.append((arm.name, clean.mean, summary.mean, summary.ci95, share.mean, summary.n))
    n = _measured(result.arms[0], folder)[0]["n"]
    return DataTable(
        caption=f"Errors on {n:,} pictures, clean and over fifteen corruptions at five severities",
        columns=(
            Column("arm"),
            Column("clean", "share"),
            Column("corrupted", "share"),
            Column("95 % over seeds", "interval"),
            Column("of none's", "number"),
            Column("seeds", "count"),
        ),
        rows=tuple(rows),
    )


def _each(result: StudyResult, folder: Path) -> DataTable:
    """Each corruption over its severities."""
    measured = [_measured(arm, folder) for arm in result.arms]
    groups = kinds_in(measured[0][0])["groups"]
    return DataTable(
        caption="Errors by corruption, means over severities and seeds",
        columns=(
            Column("corruption"),
            Column("group"),
            *(Column(arm.name, "share", 1) for arm in result.arms),
        ),
        rows=tuple(
            (
                name,
                group,
                *(float(np.mean([one["errors"][name] for one in ones])) for ones in measured),
            )
            for name, group in groups.items()
        ),
    )


def kinds_of_corruption() -> dict[str, Any]:
    """The group of each corruption by name, and which are ImageNet-C's fifteen."""
    from roadworthy.evaluate.corruptions import CORRUPTIONS, standard_corruptions

    groups = {name: CORRUPTIONS.get(name).group for name in CORRUPTIONS}
    return {"groups": groups, "standard": standard_corruptions()}


def kinds_in(measured: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same as it was kept beside a training's errors, for to ask the corruptions themselves takes torch.

    They are asked for trainings that were measured before it was kept.
    """
    return measured if "groups" in measured else kinds_of_corruption()


def errors_when_corrupted(
    job: Job, test: Dataset, most: int, names: Sequence[str], severities: Sequence[int]
) -> dict[str, Any]:
    """The error on about so many pictures of home's test, clean and by corruption and severity."""
    import torch

    from roadworthy.inference.torch import predict_logits
    from roadworthy.train.checkpoint import load_checkpoint

    some = test.some_signs(most)
    images, targets = some.images, some.targets
    model, card = load_checkpoint(job.model)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def error(pictures: ByteArray) -> float:
        answers = predict_logits(model, pictures, card.input).argmax(axis=1)
        return float((answers != targets).mean())

    shared = job.folder.parents[2] / SHARED
    return {
        "n": len(some),
        "clean": error(images),
        "errors": {
            name: [error(_corrupted(images, name, severity, shared)) for severity in severities]
            for name in names
        },
    }


def _corrupted(images: ByteArray, name: str, severity: int, shared: Path) -> ByteArray:
    """The same for every network of a study, made once."""
    import torch

    from roadworthy.core.device import derive_seed
    from roadworthy.evaluate.corruptions import corrupt

    path = shared / f"{name}-{severity}-{images.shape[0]}-{images.shape[1]}.npy"
    if not path.is_file():
        shared.mkdir(parents=True, exist_ok=True)
        generator = torch.Generator().manual_seed(derive_seed(0, name, severity))
        with replacing(path) as aside, aside.open("wb") as file:  # another process may be at it too
            np.save(file, corrupt(images, name, severity, generator))
    spoilt: ByteArray = np.load(path, mmap_mode="r")
    return spoilt


def _measured(arm: ArmResult, folder: Path) -> list[Mapping[str, Any]]:
    return [read_measured(folder / run.folder) for run in arm.runs]


def _means(arm: ArmResult, folder: Path) -> list[float]:
    """Of each seed, over the fifteen and all severities."""
    return [
        float(np.mean([one["errors"][name] for name in kinds_in(one)["standard"]]))
        for one in _measured(arm, folder)
    ]


STUDIES.register("corruptions")(Corruptions())
