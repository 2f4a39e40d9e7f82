"""What of a study's trainings is finished, and what it measured; read from their folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roadworthy.studies.files import MEASURED_FURTHER
from roadworthy.studies.plan import Job, Study
from roadworthy.studies.questions.catalogue import STUDIES
from roadworthy.studies.results import RunResult

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
    "images_per_second",
)
USED = ("train_seconds", "epochs", "steps", "samples", "gradients")


def done(job: Job) -> bool:
    """Whether nothing is left to do."""
    folders = [job.folder, *(job.folder / name for name, *_ in further(job))]
    return all(map(finished, folders)) and asked_further(job)


def collect(job: Job, study: Path) -> RunResult:
    """What a finished job of the study in that folder measured and used."""
    own = metrics_of(job.folder)
    return RunResult(
        seed=job.seed,
        fold=job.fold,
        folder=str(job.folder.relative_to(study)),
        metrics={name: own[name] for name in MEASURED if name in own},
        new={
            name: {key: metrics[key] for key in MEASURED if key in metrics}
            for name, *_ in further(job)
            for metrics in [metrics_of(job.folder / name)]
        },
        used={name: own[name] if job.trains else 0 for name in USED},
    )


def further(job: Job) -> Iterator[tuple[str, Path, str]]:
    """What is measured beside the best weights at home: name, weights, data spec."""
    if job.last:
        yield LAST, job.folder / "checkpoints" / "last.safetensors", job.config.data.spec
    for name, spec in job.new.items():
        yield name, job.model, spec


def asked_further(job: Job) -> bool:
    """Whether what its study measures further is measured."""
    study = type(STUDIES.get(job.study))
    return study.measure is Study.measure or (job.folder / MEASURED_FURTHER).is_file()


def finished(folder: Path) -> bool:
    """Whether a training or a measurement is complete."""
    # Written last and in one piece.
    return (folder / "metrics.json").is_file()


def metrics_of(folder: Path) -> Mapping[str, Any]:
    """What was measured in that folder."""
    measured: Mapping[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return measured
