"""Carrying out one training of a study, whatever was done of it before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roadworthy.config import DataConfig
from roadworthy.core.files import folder_replacing, write_json
from roadworthy.studies.plan import MEASURED_FURTHER, Job, Study
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.studies.results import RunResult
from roadworthy.workflows.evaluate import evaluate
from roadworthy.workflows.train import run

LAST = "last weights"  # the final ones, measured where the best are
MEASURED = (
    "split",
    "n",
    "accuracy",
    "val_accuracy",
    "balanced_accuracy",
    "macro_f1",
    "nll",
    "ece",
    "danger_per_100",
)
USED = ("train_seconds", "epochs", "steps", "samples", "gradients")


def perform(job: Job) -> None:
    """Train and measure, going on where an earlier attempt stopped; what is done is not done again."""
    if not _finished(job.folder):
        _carry_out(job)
    for name, model, spec in _further(job):
        if not _finished(job.folder / name):
            _measure(job, model, spec, job.folder / name)
    if not _asked_further(job):
        write_json(STUDIES.get(job.study).measure(job), job.folder / MEASURED_FURTHER)


def _carry_out(job: Job) -> None:
    if not job.trains:
        home = _metrics(job.model)
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


def done(job: Job) -> bool:
    """Whether nothing is left to do."""
    folders = [job.folder, *(job.folder / name for name, *_ in _further(job))]
    return all(map(_finished, folders)) and _asked_further(job)


def collect(job: Job, study: Path) -> RunResult:
    """What a finished job of the study in that folder measured and used."""
    own = _metrics(job.folder)
    return RunResult(
        seed=job.seed,
        fold=job.fold,
        folder=str(job.folder.relative_to(study)),
        metrics={name: own[name] for name in MEASURED if name in own},
        new={
            name: {key: metrics[key] for key in MEASURED if key in metrics}
            for name, *_ in _further(job)
            for metrics in [_metrics(job.folder / name)]
        },
        used={name: own[name] if job.trains else 0 for name in USED},
    )


def _further(job: Job) -> Iterator[tuple[str, Path, str]]:
    """What is measured beside the best weights at home: name, weights, data spec."""
    if job.last:
        yield LAST, job.folder / "checkpoints" / "last.safetensors", job.config.data.spec
    for name, spec in job.new.items():
        yield name, job.model, spec


def _asked_further(job: Job) -> bool:
    study = type(STUDIES.get(job.study))
    return study.measure is Study.measure or (job.folder / MEASURED_FURTHER).is_file()


def _finished(folder: Path) -> bool:
    # Written last and in one piece.
    return (folder / "metrics.json").is_file()


def _metrics(folder: Path) -> Mapping[str, Any]:
    metrics: Mapping[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics
