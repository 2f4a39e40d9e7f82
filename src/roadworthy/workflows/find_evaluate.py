"""Whatever finds, measured on a set of frames: runs, checkpoints and bundles alike.

A bundle is measured without torch; what needs it is imported where a checkpoint is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadworthy.config import DataConfig, EvaluateConfig
from roadworthy.core.errors import ConfigError
from roadworthy.core.extras import missing, require
from roadworthy.core.files import make_folder
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.notes import hearing, say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.core.provenance import provenance_of
from roadworthy.data.open_frames import FrameSet, open_own_split, open_split
from roadworthy.data.records import SPLITS
from roadworthy.data.spec import extras_for, refuse_within_data
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.evaluate.detection.results import FinderMetrics
from roadworthy.inference.boxes import Finding
from roadworthy.inference.bundle import kind_of
from roadworthy.inference.classifier import load
from roadworthy.inference.onnx import packaged
from roadworthy.inference.onnx_finder import load_finder
from roadworthy.workflows.find_frames import results
from roadworthy.workflows.report import report
from roadworthy.workflows.run_folder import RunFolder, refuse_run


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """A finder to be measured, and what its files tell of it."""

    finder: Finding
    rule: FindingRule
    provenance: Mapping[str, Any]
    facts: Mapping[str, Any]


def finds(path: Path) -> bool:
    """Whether the model there finds signs in frames, and does not read them."""
    if path.suffix.lower() == ".onnx":
        return kind_of(path) == "find"
    if missing("train"):  # which opening it will say
        return False
    from roadworthy.train.checkpoint import is_finder

    return is_finder(path)


def evaluate_finder(
    path: Path,
    data: DataConfig,
    *,
    split: str = "test",
    out: StrPath | None = None,
    config: EvaluateConfig | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> FinderMetrics:
    """Measure a finder, and the packaged reader on what it finds, on a set of frames."""
    config = config or EvaluateConfig()
    if config.views != "plain" or config.norms != "stored":
        raise ConfigError("evaluate.views and evaluate.norms are for readers; leave them out for a finder")
    folder = None if out is None else RunFolder(as_path(out))
    subject = _open(path, data, command)
    if folder is not None:
        refuse_run(folder)
        refuse_within_data(folder.path, data.spec)
    with hearing() as notes:
        measured, undivided = _frames(path, data, split, progress)
    if folder is not None:
        make_folder(folder.path)
        folder.write_provenance(subject.provenance)
        folder.write_data({"spec": data.spec, "frames": {split: len(measured.frames)}, "notes": notes})
    reader = load() if packaged() is not None else None
    found = results(subject.finder, measured, reader=reader, sure=subject.rule.sure, progress=progress)
    predictions = FinderPredictions(frames=found, threshold=subject.rule.threshold)
    metrics = compute_finder_metrics(
        predictions,
        split=split,
        config=config,
        extra={**subject.facts, "data": data.spec, "undivided": undivided},
    )
    if folder is not None:
        folder.write_finder_results(metrics, predictions, config.danger, measured.picture)
        report(folder.path, quiet=True)
    return metrics


def _frames(path: Path, data: DataConfig, split: str, progress: Progress | None) -> tuple[FrameSet, bool]:
    """What is measured on, and whether a set without splits is taken whole.

    A run's own frames are divided as they were for it.
    """
    trained = None if path.suffix.lower() == ".onnx" else _trained_on(path)
    if trained is not None and data.spec == trained.spec and split in SPLITS:
        return open_own_split(trained, split, progress=progress), False
    measured = open_split(data, split, progress=progress)
    undivided = not any(frame.split for frame in measured.frames)
    if undivided:
        say(
            f"{path.name} does not tell which frames it was trained on; where some are among these, the "
            "figures flatter it"
        )
    return measured, undivided


def _trained_on(path: Path) -> DataConfig | None:
    """The data of the run that a checkpoint belongs to, where it lies in its folder."""
    from roadworthy.train.checkpoint import find_checkpoint

    config = RunFolder(find_checkpoint(path).resolve().parent.parent).config()
    return None if config is None else config.data


def _open(path: Path, data: DataConfig, command: str) -> _Subject:
    """What is at `path`: a bundle, or a run folder or checkpoint, which needs torch."""
    if path.suffix.lower() == ".onnx":
        require("measuring on drawn streets", *extras_for(data.spec))
        engine = load_finder(path)
        return _Subject(
            finder=engine,
            rule=engine.rule,
            provenance={**provenance_of(command), "model": str(path), "sha256": engine.sha256},
            facts={"bundle_precision": engine.manifest.precision},
        )
    require("evaluating a checkpoint", "train", *extras_for(data.spec))
    import torch

    from roadworthy.core.device import pick_device, provenance
    from roadworthy.inference.torch_finder import FinderWeights
    from roadworthy.models.catalogue import count_parameters
    from roadworthy.train.checkpoint import load_checkpoint

    device = pick_device("auto")
    model, card = load_checkpoint(path, device)
    assert card.finding is not None
    told = {key: card.facts[key] for key in ("weights", "epoch") if key in card.facts}
    return _Subject(
        finder=FinderWeights(model.to(memory_format=torch.channels_last)),  # type: ignore[call-overload]
        rule=card.finding,
        provenance={
            **provenance(device=device, autocast=None, seed=0, command=command),
            "model": str(path),
        },
        facts={**told, "parameters": count_parameters(model)},
    )
