"""Whatever answers, measured on a set of pictures: one way for runs, checkpoints and bundles.

A bundle is measured without torch; what needs it is imported where a checkpoint is opened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadworthy.config import DataConfig, EvaluateConfig
from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ConfigError, DataError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import make_folder
from roadworthy.core.notes import hearing, say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.predictions import Predictions, log_probabilities, probabilities
from roadworthy.core.progress import Progress
from roadworthy.core.provenance import provenance_of
from roadworthy.core.rejection import Rejection
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_dataset, open_splits
from roadworthy.data.recorded_splits import place_of, trained_on
from roadworthy.data.records import SPLITS
from roadworthy.data.spec import extras_for, parse_spec, refuse_within_data
from roadworthy.evaluate.analysis.mistakes import most_confused
from roadworthy.evaluate.calibration import reliability
from roadworthy.evaluate.detection.results import FinderMetrics
from roadworthy.evaluate.metrics import compute_metrics, negative_log_likelihood
from roadworthy.evaluate.rejection import rejection_summary
from roadworthy.evaluate.results import Metrics
from roadworthy.inference.classifier import model_path
from roadworthy.inference.network import Network, all_logits
from roadworthy.inference.onnx import load_engine
from roadworthy.workflows.find_evaluate import evaluate_finder, finds
from roadworthy.workflows.own_test import OwnTest, against_own_test, read_own_test
from roadworthy.workflows.report import report
from roadworthy.workflows.run_folder import RunFolder, refuse_run


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What validation says of confidence."""

    temperature: float = 1.0
    rejection: Rejection | None = None


UNCALIBRATED = Calibration()


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """A network to be measured, and what its files tell of it.

    name: of its file.  provenance: where a result of it comes from.  weights, size: facts for metrics.json.
    trained: how the data of its run were read; None for a network without its run folder.
    seen: the places of the pictures that it was trained on; None where nothing tells.
    home: the folder of its run; None for a network without one.
    """

    name: str
    network: Network
    provenance: Callable[[], dict[str, Any]]
    weights: Mapping[str, Any]
    size: Mapping[str, Any]
    trained: DataConfig | None = None
    seen: Set[str] | None = None
    home: RunFolder | None = None


def evaluate(
    model: StrPath,
    data: DataConfig,
    *,
    split: str = "test",
    skip_unknown: bool = False,
    out: StrPath | None = None,
    config: EvaluateConfig | None = None,
    command: str = "",
    with_report: bool = True,
    progress: Progress | None = None,
) -> Metrics | FinderMetrics:
    """Measure whatever answers, or finds, on a data set (api.evaluate tells the rules)."""
    path = model_path(model)
    if finds(path):
        if skip_unknown:
            raise UsageError("--skip-unknown is for readers; a finder does not name what it finds")
        return evaluate_finder(
            path, data, split=split, out=out, config=config, command=command, progress=progress
        )
    config = config or EvaluateConfig()
    folder = None if out is None else RunFolder(as_path(out))
    if folder is not None:
        refuse_run(folder)
        refuse_within_data(folder.path, data.spec)
    subject = _open(path, data, config, split, command)
    with hearing() as notes:
        measured, unknown, undivided = _pictures(subject, data, split, skip_unknown, progress)
    check_measured(measured, data.spec, split)
    if folder is not None:
        make_folder(folder.path)
        folder.write_provenance(subject.provenance())
        folder.write_data(describe_measured(data.spec, split, measured, unknown, notes))
    network, adapted = _adapted(subject.network, measured, config)
    predictions = as_predictions(
        all_logits(network, measured.images, config.batch_size),
        measured,
        Calibration(temperature=network.temperature, rejection=network.rejection),
    )
    seen = subject.seen
    overlap = {} if seen is None else {"trained_on": sum(place_of(r) in seen for r in measured.records)}
    frames = frames_per_sign(data.spec, split, measured)
    own = _own_test(subject, data.spec, config)
    metrics = measure(
        predictions,
        measured,
        split=split,
        config=config,
        frames_per_sign=frames,
        facts={
            **subject.weights,
            **adapted,
            "data": data.spec,
            **subject.size,
            "unknown_skipped": sum(unknown.values()),
            "undivided": undivided,
            **overlap,
            **({} if own is None else {"own_test": against_own_test(own, predictions, frames)}),
        },
    )
    if folder is not None:
        if own is not None and own.pictures:
            folder.add_pictures(**own.pictures)
        folder.write_results(metrics, predictions, measured.images)
        if with_report:
            report(folder.path, quiet=True)
    return metrics


def _own_test(subject: _Subject, spec: str, config: EvaluateConfig) -> OwnTest | None:
    """What the network's own run measured, where another set is measured in the same way."""
    if subject.home is None or subject.trained is None or spec == subject.trained.spec:
        return None
    own = read_own_test(subject.home)
    if own is None or own.predictions.classes != tuple(subject.network.classes):
        return None
    ways = {"weights": subject.weights.get("weights"), "views": config.views, "norms": config.norms}
    usual = {"weights": None, "views": "plain", "norms": "stored"}
    return own if all(own.metrics.get(name, usual[name]) == way for name, way in ways.items()) else None


def _open(path: Path, data: DataConfig, config: EvaluateConfig, split: str, command: str) -> _Subject:
    """What is at `path`: a bundle, or a run folder or checkpoint, which needs torch."""
    bundled = path.suffix.lower() == ".onnx"
    purpose = "measuring on drawn signs" if bundled else "evaluating a checkpoint"
    require(purpose, *([] if bundled else ["train"]), *extras_for(data.spec))
    check_split(split)
    return _open_bundle(path, config, command) if bundled else _open_weights(path, config, command)


def _open_bundle(path: Path, config: EvaluateConfig, command: str) -> _Subject:
    if config.views != "plain" or config.norms != "stored":
        raise ConfigError(
            f"evaluate.views={config.views} and evaluate.norms={config.norms} need the weights themselves, "
            f"and {path} is a bundle; evaluate the run that it was exported from"
        )
    engine = load_engine(path)
    return _Subject(
        name=path.name,
        network=engine,
        provenance=lambda: {**provenance_of(command), "model": str(path), "sha256": engine.sha256},
        weights={},
        size={"precision": engine.manifest.precision},
    )


def _open_weights(path: Path, config: EvaluateConfig, command: str) -> _Subject:
    from roadworthy.core.device import provenance
    from roadworthy.inference.torch import Weights
    from roadworthy.models.catalogue import count_parameters
    from roadworthy.train.checkpoint import find_checkpoint

    network = Weights(path, "auto", channels_last=True, views=config.views)
    home = RunFolder(find_checkpoint(path).resolve().parent.parent)
    began = home.config()
    return _Subject(
        name=path.name,
        network=network,
        provenance=lambda: {
            **provenance(device=network.device, autocast=None, seed=0, command=command),
            "model": str(path),
        },
        weights={key: network.card.facts[key] for key in ("weights", "epoch") if key in network.card.facts},
        size={"parameters": count_parameters(network.model)},
        trained=None if began is None else began.data,
        seen=trained_on(None if began is None else home.path),
        home=None if began is None else home,
    )


def _pictures(
    subject: _Subject, data: DataConfig, split: str, skip_unknown: bool, progress: Progress | None
) -> tuple[Dataset, Mapping[str, int], bool]:
    """What is measured on, the labels left out, and whether the whole set is taken.

    A run's own data are cut as they were for it.
    """
    network, trained = subject.network, subject.trained
    if trained is not None and data.spec == trained.spec:
        splits = open_splits(trained, network.spec, classes=network.classes, progress=progress)
        return splits.parts()[split], {}, False
    measured, unknown = open_dataset(
        data, network.spec, network.classes, split=split, skip_unknown=skip_unknown, progress=progress
    )
    undivided = is_undivided(measured)
    if undivided and subject.seen is None:
        say(
            f"{subject.name} does not tell which pictures it was trained on; where some are among these, "
            "the figures flatter it"
        )
    return measured, unknown, undivided


def _adapted(
    network: Network, measured: Dataset, config: EvaluateConfig
) -> tuple[Network, Mapping[str, Any]]:
    """The network as `evaluate.norms` wants it, and what of it is a fact of the result."""
    if config.norms == "stored":
        return network, {}
    from roadworthy.evaluate.adapt import reestimate_batchnorm
    from roadworthy.inference.torch import Weights

    assert isinstance(network, Weights)  # a bundle was refused as it was opened
    model = reestimate_batchnorm(network.model, measured.images, network.spec, batch_size=config.batch_size)
    return network.with_model(model), {"norms": config.norms}


def as_predictions(logits: FloatArray, data: Dataset, calibration: Calibration) -> Predictions:
    """(N, C) logits as what a model said of `data`."""
    return Predictions(
        classes=data.classes,
        logits=logits,
        targets=data.targets,
        paths=tuple(r.path for r in data.records),
        groups=tuple(r.group for r in data.records),
        temperature=calibration.temperature,
        rejection=calibration.rejection,
    )


def measure(
    predictions: Predictions,
    data: Dataset,
    *,
    split: str,
    config: EvaluateConfig,
    facts: Mapping[str, Any],
    frames_per_sign: float | None = None,
) -> Metrics:
    """Metrics of what was said of `data`, with all that a report tells beside them."""
    probs = probabilities(predictions.logits, predictions.temperature)
    bins = reliability(probs, data.targets, config.ece_bins)
    details: dict[str, Any] = {
        "cross_entropy": negative_log_likelihood(log_probabilities(predictions.logits), data.targets),
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
    return compute_metrics(
        predictions,
        split=split,
        config=config,
        frames_per_sign=frames_per_sign,
        extra={**facts, **details},
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
    """30 in GTSRB's official test, where none of its pictures says which sign it shows."""
    if any(record.group for record in measured.records):
        return None
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
