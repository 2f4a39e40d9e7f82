"""Runs a study: its trainings, what they add up to, and what that says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.config import load_config
from roadworthy.core.device import pick_device, with_threads
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.files import alone, make_folder, write_csv, write_json
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.pairing import pair
from roadworthy.evaluate.statistics.verdicts import judge, paired
from roadworthy.studies.estimate import study_seconds
from roadworthy.studies.executors import Executor, carry_out
from roadworthy.studies.jobs import collect, done
from roadworthy.studies.plan import Arm, Job, JobStatus, Plan, Settings, StudyRequest, jobs, sections
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.studies.results import ArmResult, Claim, StudyResult
from roadworthy.studies.watch import Watcher
from roadworthy.train.pace import settle_pace


@dataclass(frozen=True, kw_only=True)
class PreparedStudy:
    """A study that is planned, and about how many seconds its trainings that are not done yet take.

    folder: the study's own.  jobs: all of its trainings, those that are done too.
    """

    name: str
    ask: StudyRequest
    folder: Path
    plan: Plan
    jobs: Sequence[Job]
    seconds: float

    def to_do(self) -> list[Job]:
        """The trainings that are not done yet."""
        return [job for job in self.jobs if not done(job)]


def forecast(name: str, ask: StudyRequest, folder: Path, executor: Executor) -> PreparedStudy:
    """Plan the study `name`, or read its plan again where it has begun, and tell how long it takes.

    Raises UsageError where another process works in the folder, or it holds another question's trainings.
    """
    make_folder(folder)
    # What is tried and timed is timed as the trainings will run.
    with alone(folder), with_threads(executor.threads):
        plan = _planned(name, ask, folder)
        prepared = PreparedStudy(
            name=name, ask=ask, folder=folder, plan=plan, jobs=jobs(name, plan, ask, folder), seconds=0.0
        )
        seconds = study_seconds(prepared.to_do()) / executor.slots
        return dataclasses.replace(prepared, seconds=seconds)


def run_study(
    prepared: PreparedStudy, executor: Executor, watcher: Watcher, provenance: Mapping[str, Any]
) -> StudyResult:
    """Carry out what is not done yet of a study, and write results.json and results.csv.

    folder: the study's own.  An interrupted study resumes; what is done is not done again.
    Raises UsageError where another process works in it, or where it holds another question's trainings.
    """
    folder = prepared.folder

    def say(job: Job, status: JobStatus, reason: str) -> None:
        finished = status is JobStatus.FINISHED
        accuracy = float(collect(job, folder).metrics["accuracy"]) if finished else None
        watcher.on_job(job, status, accuracy, reason)

    with alone(folder):
        to_do = prepared.to_do()
        if to_do:
            watcher.on_start(prepared.name, to_do, prepared.seconds)
        carry_out(to_do, executor, say)
    result = _result(prepared, provenance)
    write_json(result.to_dict(), folder / "results.json")
    _write_csv(result, folder / "results.csv")
    watcher.on_end(result)
    return result


def _result(prepared: PreparedStudy, provenance: Mapping[str, Any]) -> StudyResult:
    """What the trainings add up to, and what the study says of that."""
    study, plan, folder = STUDIES.get(prepared.name), prepared.plan, prepared.folder
    measured = StudyResult(
        study=prepared.name,
        question=study.question,
        arms=tuple(_arm(arm.name, plan, prepared.jobs, folder) for arm in plan.arms),
        asked=dataclasses.asdict(prepared.ask),
        domains=tuple(prepared.jobs[0].new),
        comparisons=tuple(judge(list(_comparisons(plan, prepared.jobs)))),
        provenance=provenance,
    )
    return dataclasses.replace(
        measured,
        answer=study.answer(measured, folder),
        claims=tuple(_reserved(claim, prepared.ask) for claim in study.claims(measured, folder)),
        tables=tuple(study.tables(measured, folder)),
        curves=tuple(study.curves(measured, folder)),
        galleries=tuple(study.galleries(measured, folder)),
    )


def _arm(name: str, plan: Plan, everything: Sequence[Job], folder: Path) -> ArmResult:
    arm = next(arm for arm in plan.arms if arm.name == name)
    own = [job for job in everything if job.arm == name]
    return ArmResult(
        name=name,
        settings=dict(arm.settings),
        after=arm.after,
        extends=arm.extends,
        asked=own[0].config.train.budget,
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
            yield paired(
                a,
                b,
                both.a,
                both.b,
                both.groups,
                metric=f"accuracy on {domain}" if domain else "accuracy",
                generator=np.random.default_rng(0),
            )


def _reserved(claim: Claim, ask: StudyRequest) -> Claim:
    """A quick look settles nothing about a network that it did not train."""
    if not ask.quick:
        return claim
    evidence = (
        f"a quick look, with a small network and seconds of training in place of the study's own, "
        f"says {claim.verdict}: {claim.evidence}"
    )
    return dataclasses.replace(claim, verdict="open", evidence=evidence)


def _planned(name: str, ask: StudyRequest, folder: Path) -> Plan:
    """The plan as it was first made: another day this machine may be slower, and budgets would change.

    Raises UsageError where what its trainings follow from was another.
    """
    path = folder / "plan.json"
    study = STUDIES.get(name)
    asked = {key: dataclasses.asdict(ask)[key] for key in study.asks}
    asked = json.loads(json.dumps(asked))  # as it comes back
    if not path.is_file():
        plan = study.plan(ask)
        plan = dataclasses.replace(plan, base=_with_one_pace(plan.base, ask, folder))
        write_json({"asked": asked, "plan": dataclasses.asdict(plan)}, path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    for key, value in asked.items():
        if stored["asked"][key] != value:
            raise UsageError(
                f"{folder} holds a study with {key} {stored['asked'][key]!r}; {value!r} arrived; "
                "give another --out"
            )
    tree = stored["plan"]
    tree["base"] = _with_one_pace(tree["base"], ask, folder)
    arms = tuple(Arm(**arm) for arm in tree.pop("arms"))
    return Plan(arms=arms, pairs=tuple(map(tuple, tree.pop("pairs"))), **tree)


def _with_one_pace(base: Settings, ask: StudyRequest, folder: Path) -> Settings:
    """With one precision and number of threads for all trainings: each alone might choose otherwise.

    A folder whose plan left them to its trainings keeps to what those found.
    """
    train = load_config(None, ask.settings, **sections(base)).train
    stored = [load_config(path).train for path in sorted(folder.glob("runs/*/*/config.toml"))]
    for name in ("precision", "threads"):
        found = [getattr(one, name) for one in stored if getattr(one, name) != "auto"]
        if getattr(train, name) == "auto" and found:
            base = {**base, f"train.{name}": found[0]}
    config = load_config(None, ask.settings, **sections(base))
    pace = settle_pace(config, pick_device(config.train.device))
    for name in ("precision", "threads"):
        if getattr(config.train, name) == "auto":
            base = {**base, f"train.{name}": getattr(pace, name)}
    return base


def _write_csv(result: StudyResult, path: Path) -> None:
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
