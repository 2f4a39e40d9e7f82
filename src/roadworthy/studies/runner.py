"""Runs a study: its trainings, what they add up to, and what that says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadworthy.config import load_config
from roadworthy.core.device import pick_device, with_threads
from roadworthy.core.errors import UsageError
from roadworthy.core.files import alone, make_folder, write_json
from roadworthy.studies.budgets import in_steps
from roadworthy.studies.conclude import conclude, write_result
from roadworthy.studies.estimate import study_seconds
from roadworthy.studies.executors import Executor, Here, carry_out
from roadworthy.studies.finished import collect, done
from roadworthy.studies.plan import Job, JobStatus, Plan, Settings, StudyRequest, jobs, plan_of, sections
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.studies.results import StudyResult
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
        at_once = 1 if plan.timed else executor.slots
        seconds = study_seconds(prepared.to_do()) / at_once
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
        accuracy = collect(job, folder).metrics.get("accuracy") if finished else None
        watcher.on_job(job, status, accuracy, reason)

    with alone(folder):
        to_do = prepared.to_do()
        if to_do:
            watcher.on_start(prepared.name, to_do, prepared.seconds)
        # What is timed must not be slowed down by what is timed beside it.
        carry_out(to_do, Here() if prepared.plan.timed else executor, say)
    result = conclude(prepared.name, prepared.ask, prepared.plan, prepared.jobs, folder, provenance)
    write_result(result, folder)
    watcher.on_end(result)
    return result


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
        study.prepare(ask, folder)
        plan = in_steps(plan, ask, folder)
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
    return plan_of(tree)


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
