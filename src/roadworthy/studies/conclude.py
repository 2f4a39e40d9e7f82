"""What a study's finished trainings add up to: arms, comparisons, claims, answer, tables.  Trains nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.errors import DataError
from roadworthy.core.files import write_csv, write_json
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.pairing import Pairing, pair
from roadworthy.evaluate.statistics.unjudged import at_chance, unequal_seconds
from roadworthy.evaluate.statistics.verdicts import judge, paired
from roadworthy.studies.finished import collect, metrics_of
from roadworthy.studies.plan import Job, Plan, Study, StudyRequest
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.studies.results import ArmResult, Claim, StudyResult


def conclude(
    name: str,
    ask: StudyRequest,
    plan: Plan,
    done: Sequence[Job],
    folder: Path,
    provenance: Mapping[str, Any],
    study: Study | None = None,
) -> StudyResult:
    """What the finished trainings of the study in `folder` add up to, and what the study says of that.

    study: the one of that name without.
    """
    study = study or STUDIES.get(name)
    measured = StudyResult(
        study=name,
        question=study.question,
        arms=tuple(_arm(arm.name, plan, done, folder) for arm in plan.arms),
        asked=dataclasses.asdict(ask),
        domains=tuple(done[0].new),
        comparisons=tuple(judge(list(_comparisons(plan, done)), quick=ask.quick)),
        provenance=provenance,
    )
    return dataclasses.replace(
        measured,
        answer=study.answer(measured, folder),
        claims=tuple(_reserved(claim, ask, plan) for claim in study.claims(measured, folder)),
        tables=tuple(study.tables(measured, folder)),
        curves=tuple(study.curves(measured, folder)),
        bars=tuple(study.bars(measured, folder)),
        galleries=tuple(study.galleries(measured, folder)),
    )


def write_result(result: StudyResult, folder: Path) -> None:
    """results.json and results.csv."""
    write_json(result.to_dict(), folder / "results.json")
    write_runs(result, folder / "results.csv")


def _arm(name: str, plan: Plan, everything: Sequence[Job], folder: Path) -> ArmResult:
    arm = next(arm for arm in plan.arms if arm.name == name)
    own = [job for job in everything if job.arm == name]
    return ArmResult(
        name=name,
        settings=dict(arm.settings),
        after=arm.after,
        extends=arm.extends,
        seconds=arm.seconds,
        asked=f"{plan.timed:g} s in each round" if plan.timed else own[0].config.train.budget,
        runs=tuple(collect(job, folder) for job in own),
    )


def _comparisons(plan: Plan, everything: Sequence[Job]) -> Iterator[Comparison]:
    """Each pair at home and in every other domain, over the seeds and folds that both arms have."""
    for domain in ("", *(everything[0].new if everything else ())):
        for a, b in plan.pairs:
            runs = [
                {(job.seed, job.fold): job.folder for job in everything if job.arm == arm} for arm in (a, b)
            ]
            shared = [key for key in runs[0] if key in runs[1]]
            both = pair(*([own[key] / domain for key in shared] for own in runs))
            if both.left_out:
                raise DataError(f"the trainings of {a} and {b} were measured on different pictures")
            found = compared(a, b, both, f"accuracy on {domain}" if domain else "accuracy")
            trainings = [[own[key] for key in shared] for own in runs]
            reasons = filter(None, (found.reason, _unequal(plan, a, b, trainings)))
            yield dataclasses.replace(found, reason="; ".join(reasons))


def compared(a: str, b: str, both: Pairing, metric: str = "accuracy") -> Comparison:
    """Arm a against arm b, with the reason not to judge it where one of them is at chance."""
    found = paired(
        a,
        b,
        both.a,
        both.b,
        both.groups,
        metric=metric,
        frames_per_sign=both.unnamed_frames,
        generator=np.random.default_rng(0),
    )
    return dataclasses.replace(found, reason=at_chance(a, b, both))


def _unequal(plan: Plan, a: str, b: str, folders: Sequence[Sequence[Path]]) -> str:
    """Whether two arms that were promised the same seconds had them, in words; empty where they had.

    folders: of the trainings of either arm, of the same seeds.
    """
    promised = {arm.name: arm.seconds if arm.trains else 0.0 for arm in plan.arms}
    if not plan.equal_seconds or not promised[a] or promised[a] != promised[b]:
        return ""
    used = ([float(metrics_of(folder)["train_seconds"]) for folder in own] for own in folders)
    return unequal_seconds(a, b, *used)


def _reserved(claim: Claim, ask: StudyRequest, plan: Plan) -> Claim:
    """A quick look settles nothing about a network that it did not train; one that is timed is the same."""
    if not ask.quick or plan.timed:
        return claim
    evidence = (
        f"a quick look, with a small network and seconds of training in place of the study's own, "
        f"says {claim.verdict}: {claim.evidence}"
    )
    return dataclasses.replace(claim, verdict="open", evidence=evidence)


def write_runs(result: StudyResult, path: Path) -> None:
    """A row for each training and domain."""
    measures = list(result.arms[0].runs[0].metrics)
    used = list(result.arms[0].runs[0].used)
    rows: list[Sequence[Any]] = [["arm", "seed", "fold", "domain", *measures, *used]]
    for arm in result.arms:
        for run in arm.runs:
            for domain, metrics in {"": run.metrics, **run.new}.items():
                row = [metrics.get(name, "") for name in measures] + [run.used[name] for name in used]
                rows.append([arm.name, run.seed, run.fold, domain, *row])
    write_csv(rows, path)
