"""Runs a study: its trainings, what they add up to, and what that says."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.config import load_config
from roadworthy.errors import DataError, UsageError
from roadworthy.evaluate.compare import judge, paired
from roadworthy.evaluate.pairing import pair
from roadworthy.files import alone, replacing
from roadworthy.results import ArmResult, Claim, Comparison, StudyResult, make_folder, write_json
from roadworthy.runtime import pick_device, with_threads
from roadworthy.studies.catalogue import STUDIES
from roadworthy.studies.estimate import study_seconds
from roadworthy.studies.executors import Executor, carry_out
from roadworthy.studies.jobs import collect, done
from roadworthy.studies.plan import Arm, Ask, Job, Plan, Settings, jobs, sections
from roadworthy.studies.watch import Watcher
from roadworthy.train.pace import settle_pace


def forecast(name: str, ask: Ask, folder: Path, executor: Executor) -> tuple[int, float]:
    """How many trainings the study `name` still needs, and about how many seconds they take."""
    make_folder(folder)
    with alone(folder), with_threads(executor.threads):
        to_do = [job for job in jobs(name, _planned(name, ask, folder), ask, folder) if not done(job)]
        return len(to_do), study_seconds(to_do) / executor.slots


def run_study(
    name: str, ask: Ask, folder: Path, executor: Executor, watcher: Watcher, provenance: Mapping[str, Any]
) -> StudyResult:
    """Carry out what is not done yet of the study `name`, and write results.json and results.csv.

    folder: the study's own.  One that was interrupted is gone on with; what is done is not done again.
    Raises UsageError where another process works in it, or where it holds another question's trainings.
    """
    study = STUDIES.get(name)
    make_folder(folder)
    with alone(folder):
        with with_threads(executor.threads):  # what is tried and timed is timed as the trainings will run
            plan = _planned(name, ask, folder)
            everything = jobs(name, plan, ask, folder)
            to_do = [job for job in everything if not done(job)]
            seconds = study_seconds(to_do) / executor.slots
        if to_do:
            watcher.on_start(name, to_do, seconds)
        carry_out(to_do, executor, lambda job, what: watcher.on_job(job, what, _accuracy(job, what, folder)))
    measured = StudyResult(
        study=name,
        question=study.question,
        arms=tuple(_arm(arm.name, plan, everything, folder) for arm in plan.arms),
        asked=dataclasses.asdict(ask),
        domains=tuple(everything[0].new),
        comparisons=tuple(judge(list(_comparisons(plan, everything)))),
        provenance=provenance,
    )
    result = dataclasses.replace(
        measured,
        answer=study.answer(measured, folder),
        claims=tuple(_reserved(claim, ask) for claim in study.claims(measured, folder)),
        tables=tuple(study.tables(measured, folder)),
        curves=tuple(study.curves(measured, folder)),
        galleries=tuple(study.galleries(measured, folder)),
    )
    write_json(result.to_dict(), folder / "results.json")
    _write_csv(result, folder / "results.csv")
    watcher.on_end(result)
    return result


def _accuracy(job: Job, what: str, folder: Path) -> float | None:
    return float(collect(job, folder).metrics["accuracy"]) if what == "finished" else None


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


def _reserved(claim: Claim, ask: Ask) -> Claim:
    """A study in a hurry settles nothing about a network that it did not train."""
    if not ask.quick:
        return claim
    evidence = (
        f"a quick look, with a small network and seconds of training in place of the study's own, "
        f"says {claim.verdict}: {claim.evidence}"
    )
    return dataclasses.replace(claim, verdict="open", evidence=evidence)


def _planned(name: str, ask: Ask, folder: Path) -> Plan:
    """The plan as it was first made: another day this machine may be slower, and budgets would change.

    Raises UsageError where what its trainings follow from was another.
    """
    path = folder / "plan.json"
    study = STUDIES.get(name)
    asked = {key: dataclasses.asdict(ask)[key] for key in study.asks}
    asked = json.loads(json.dumps(asked))  # as it comes back
    if not path.is_file():
        plan = study.plan(ask)
        plan = dataclasses.replace(plan, base=_settled(plan.base, ask, folder))
        write_json({"asked": asked, "plan": dataclasses.asdict(plan)}, path)
        return plan
    stored = json.loads(path.read_text(encoding="utf-8"))
    for key, value in asked.items():
        if stored["asked"][key] != value:
            raise UsageError(
                f"{folder} holds a study with {key} {stored['asked'][key]!r}; {value!r} arrived; "
                "give another --out"
            )
    tree = stored["plan"]
    tree["base"] = _settled(tree["base"], ask, folder)
    arms = tuple(Arm(**arm) for arm in tree.pop("arms"))
    return Plan(arms=arms, pairs=tuple(map(tuple, tree.pop("pairs"))), **tree)


def _settled(base: Settings, ask: Ask, folder: Path) -> Settings:
    """With one precision and number of threads for all trainings: each alone might choose otherwise.

    A folder whose plan left them to its trainings goes on with what those found.
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
    with replacing(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        measures = list(result.arms[0].runs[0].metrics)
        used = list(result.arms[0].runs[0].used)
        writer.writerow(["arm", "seed", "fold", "domain", *measures, *used])
        for arm in result.arms:
            for run in arm.runs:
                for domain, metrics in {"": run.metrics, **run.new}.items():
                    row = [metrics.get(name, "") for name in measures] + [run.used[name] for name in used]
                    writer.writerow([arm.name, run.seed, run.fold, domain, *row])
