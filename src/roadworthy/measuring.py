"""From logits to everything that is said of a model on a set of pictures.  No torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.config import DataConfig, EvaluateConfig
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_dataset
from roadworthy.data.records import SPLITS
from roadworthy.data.spec import parse_spec, refuse_within_data
from roadworthy.errors import ConfigError, DataError
from roadworthy.evaluate.calibrate import reliability
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.evaluate.mistakes import most_confused, surest_mistakes
from roadworthy.evaluate.reject import rejection_summary
from roadworthy.inputs import FloatArray
from roadworthy.notes import hearing, say
from roadworthy.origin import origin
from roadworthy.results import Metrics, Predictions, Rejection, make_folder, write_arrays, write_json
from roadworthy.scores import probabilities
from roadworthy.serve.engine import load_engine

MISTAKES_SHOWN = 48


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What validation says of confidence."""

    temperature: float = 1.0
    rejection: Rejection | None = None


def measure(
    logits: FloatArray,
    data: Dataset,
    *,
    split: str,
    calibration: Calibration,
    config: EvaluateConfig,
    folder: Path | None,
    facts: Mapping[str, Any],
    frames_per_sign: float | None = None,
) -> Metrics:
    """Metrics of (N, C) logits for `data`; with `folder`, also metrics.json, predictions, surest mistakes."""
    predictions = Predictions(
        classes=data.classes,
        logits=logits,
        targets=data.targets,
        paths=tuple(r.path for r in data.records),
        groups=tuple(r.group for r in data.records),
        temperature=calibration.temperature,
        rejection=calibration.rejection,
    )
    probs = probabilities(predictions.logits, calibration.temperature)
    bins = reliability(probs, data.targets, config.ece_bins)
    details: dict[str, Any] = {
        "rejection": rejection_summary(predictions),
        "reliability": [dataclasses.asdict(b) for b in bins],
        "confused": [
            {"target": c.target, "predicted": c.predicted, "count": c.n} for c in most_confused(predictions)
        ],
    }
    if drawn := sum(record.drawing is not None for record in data.records):
        details["drawn"] = drawn
    if config.views != "plain":
        details["views"] = config.views
    if frames_per_sign is not None:
        details["signs_estimated"] = round(len(data) / frames_per_sign)
    metrics = compute_metrics(
        predictions,
        split=split,
        config=config,
        frames_per_sign=frames_per_sign,
        extra={**facts, **details},
    )
    if folder is not None:
        predictions.write(folder)
        write_json(metrics.to_dict(), folder / "metrics.json")
        wrong = surest_mistakes(predictions, top=MISTAKES_SHOWN)
        add_pictures(folder, mistakes_images=data.images[wrong], mistakes_index=wrong)
    return metrics


def evaluate_bundle(
    model: Path,
    data: DataConfig,
    *,
    split: str,
    skip_unknown: bool,
    out: Path | None,
    config: EvaluateConfig,
    command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Metrics:
    """Measure a bundle on a data set (api.evaluate tells the rules)."""
    check_split(split)
    if config.views != "plain" or config.norms != "stored":
        raise ConfigError(
            f"evaluate.views={config.views} and evaluate.norms={config.norms} cannot be had of a bundle; "
            "evaluate the run that it was exported from"
        )
    engine = load_engine(model)
    with hearing() as notes:
        measured, unknown = open_dataset(
            data, engine.spec, engine.classes, split=split, skip_unknown=skip_unknown, progress=progress
        )
        if is_undivided(measured):
            say(
                f"{model.name} does not tell which pictures it was trained on; where some are among these, "
                "the figures flatter it"
            )
    check_measured(measured, data.spec, split)
    if out is not None:
        refuse_within_data(out, data.spec)
        make_folder(out)
        write_json({**origin(command), "model": str(model), "sha256": engine.sha256}, out / "provenance.json")
        write_json(describe_measured(data.spec, split, measured, unknown, notes), out / "data.json")
    return measure(
        engine.all_logits(measured.images, config.batch_size),
        measured,
        split=split,
        calibration=Calibration(temperature=engine.temperature, rejection=engine.rejection),
        config=config,
        folder=out,
        frames_per_sign=frames_per_sign(data.spec, split, measured),
        facts={
            "data": data.spec,
            "precision": engine.manifest.precision,
            "unknown_skipped": sum(unknown.values()),
            "undivided": is_undivided(measured),
        },
    )


def check_split(split: str) -> None:
    """Refuse what is no split."""
    if split not in SPLITS:
        raise ConfigError(f"split {split!r} is unknown; use train, val or test")


def is_undivided(measured: Dataset) -> bool:
    """Whether no picture came with a split, so that the whole set is measured on."""
    return not any(record.split for record in measured.records)


def check_measured(measured: Dataset, spec: str, split: str) -> None:
    """Refuse to measure on nothing."""
    if not len(measured):
        raise DataError(f"{spec} leaves no picture to measure on in its {split} split")


def frames_per_sign(spec: str, split: str, measured: Dataset) -> float | None:
    """30 in GTSRB's official test, whose pictures do not say which of them show the same sign."""
    parts = parse_spec(spec)
    sources = {parts[record.source].source for record in measured.records}
    return 30.0 if split == "test" and sources == {"gtsrb"} else None


def describe_measured(
    spec: str, split: str, data: Dataset, unknown: Mapping[str, int], notes: Sequence[str]
) -> dict[str, Any]:
    """What data.json says of a measured set."""
    counts = dict(zip(data.classes, data.class_counts().tolist(), strict=True))
    return {
        "spec": spec,
        "classes": data.classes,
        "counts": {split: counts},
        "dropped": dict(unknown),
        "notes": list(notes),
    }


def add_pictures(folder: Path, **arrays: Any) -> None:
    """Put more pictures beside those that a folder keeps for its report."""
    path = folder / "pictures.npz"
    stored: dict[str, Any] = {}
    if path.is_file():
        with np.load(path, allow_pickle=False) as old:
            stored = {name: old[name] for name in old.files}
    write_arrays(path, **{**stored, **arrays})
