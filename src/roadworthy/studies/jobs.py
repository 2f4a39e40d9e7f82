"""Carrying out one training of a study, whatever was done of it before."""

from __future__ import annotations

import shutil
from pathlib import Path

from roadworthy.config import DataConfig
from roadworthy.core.files import folder_replacing, make_folder, write_json
from roadworthy.studies.files import MEASURED_FURTHER
from roadworthy.studies.finished import asked_further, finished, further, metrics_of
from roadworthy.studies.plan import Job
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.workflows.evaluate import evaluate
from roadworthy.workflows.train import run


def perform(job: Job) -> None:
    """Train and measure, going on where an earlier attempt stopped; what is done is not done again."""
    if not finished(job.folder):
        _carry_out(job)
    for name, model, spec in further(job):
        if not finished(job.folder / name):
            _measure(job, model, spec, job.folder / name)
    if not asked_further(job):
        write_json(STUDIES.get(job.study).measure(job), job.folder / MEASURED_FURTHER)


def _carry_out(job: Job) -> None:
    if job.timed:
        make_folder(job.folder)
        write_json(STUDIES.get(job.study).time(job), job.folder / "metrics.json")
        return
    if not job.trains:
        home = metrics_of(job.model)
        _measure(job, job.model, job.config.data.spec, job.folder, split=home["split"])
        return
    resume = (job.folder / "resume" / "state.safetensors").is_file()
    if not resume and job.folder.exists():
        shutil.rmtree(job.folder)  # killed before it had stored anything
    if job.extends and job.start is not None and not resume:
        _take_over(job.start, job.folder)
        resume = True
    run(job.config, job.folder, resume=resume, command=f"study arm {job.arm}")


def _take_over(start: Path, folder: Path) -> None:
    """Make another run's state this folder's own: at once, or, where that is interrupted, not at all."""
    with folder_replacing(folder) as aside:
        for name in ("resume", "checkpoints"):
            shutil.copytree(start / name, aside / name)
        shutil.copy2(start / "config.toml", aside)


def _measure(job: Job, model: Path, spec: str, out: Path, split: str = "test") -> None:
    evaluate(
        model,
        DataConfig(spec=spec, labels=job.config.data.labels),
        split=split,
        skip_unknown=True,
        out=out,
        config=job.config.evaluate,
        with_report=False,
    )
