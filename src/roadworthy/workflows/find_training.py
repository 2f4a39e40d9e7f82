"""One training of a finder, from settings and frames to a run folder: prepare, build, loop, conclude."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from roadworthy.augment.policy import POLICIES, Policy, build_policy, for_frames
from roadworthy.config import Config, OptimConfig, TrainConfig
from roadworthy.core.device import (
    derive_seed,
    generator,
    keep_freed_memory,
    peak_rss_mb,
    pick_device,
    provenance,
    set_threads,
    with_threads,
)
from roadworthy.core.errors import CheckpointError, ConfigError, UsageError
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.paths import as_path
from roadworthy.core.progress import Progress
from roadworthy.core.timing import stage
from roadworthy.data.crops import FrameCrops, Mixture
from roadworthy.data.open_frames import FrameSet, FrameSplits, open_frames
from roadworthy.data.spec import refuse_within_data
from roadworthy.evaluate.detection.free_response import Sweep, average_precision, resampled_weights
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.evaluate.detection.sure import sure_boxes
from roadworthy.evaluate.detection.tally import tally
from roadworthy.inference.classifier import load
from roadworthy.inference.onnx import PACKAGED, packaged
from roadworthy.inference.torch_finder import FinderWeights
from roadworthy.models.catalogue import build_finder, count_parameters
from roadworthy.models.summary import describe
from roadworthy.train.average import build_average
from roadworthy.train.callbacks import Callback
from roadworthy.train.checkpoint import Card, load_checkpoint
from roadworthy.train.choice import reason
from roadworthy.train.finding import finding_loss
from roadworthy.train.gradient_norm import build_gradient_rules
from roadworthy.train.loop import TrainingHooks, check_budget
from roadworthy.train.loop import train as train_loop
from roadworthy.train.optim import build_optimizer
from roadworthy.train.schedules import build_schedule
from roadworthy.train.state import TrainState
from roadworthy.workflows.find_frames import HardNegatives, results
from roadworthy.workflows.run_folder import Run, claim_folder
from roadworthy.workflows.site import Site, open_site

CLASSES = ("sign",)
SIZE, BATCH = 256, 24  # of squares, where the settings leave those of readers
_RESAMPLES = 100  # of validation frames, for the standard error of AP50
_OPTIM = OptimConfig(name="adamw", lr=0.002, weight_decay=0.02)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a finder's training is made from."""

    config: Config
    site: Site
    device: torch.device
    frames: FrameSplits
    source: torch.nn.Module | None  # whose weights the training starts from
    resumes: bool
    origin: Mapping[str, Any]


def run(
    config: Config,
    folder: Path,
    *,
    resume: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """Train as `config` says, choose on validation frames, measure once, write the run folder."""
    config = settled(config)
    with open_site(folder, callbacks) as site, with_threads(0):
        prepared = prepare(config, site, resume, command, progress)
        state = build_state(prepared)
        loop(prepared, state)
        return conclude(prepared, state)


def settled(config: Config) -> Config:
    """A finder's own values in place of a reader's defaults; ConfigError for what it has no use for."""
    check_budget(config.train)
    reader = Config()
    unused = {
        "input.resize": config.input.resize != reader.input.resize,
        "input.normalise": config.input.normalise != reader.input.normalise,
        "input.crop": config.input.crop != reader.input.crop,
        "train.balance": config.train.balance != reader.train.balance,
        "train.label_smoothing": config.train.label_smoothing != 0,
        "augment.mix": config.augment.mix != "none",
        "augment.consistency": config.augment.consistency != 0,
        "data.classes": config.data.classes != reader.data.classes,
        "data.group_by": config.data.group_by != "none",
    }
    if wrong := [name for name, given in unused.items() if given]:
        raise ConfigError(
            f"{', '.join(wrong)} has no effect with model.name={config.model.name}; leave it out"
        )
    if config.train.monitor not in ("accuracy", "ap50"):
        raise ConfigError(f"train.monitor={config.train.monitor} is for readers; a finder takes ap50")
    size = SIZE if config.input.size == reader.input.size else config.input.size
    if size % 32:
        raise ConfigError(f"input.size is {size}; a finder's squares are a multiple of 32 px, like {SIZE}")
    train: TrainConfig = dataclasses.replace(
        config.train,
        batch_size=BATCH if config.train.batch_size == reader.train.batch_size else config.train.batch_size,
        monitor="ap50",
        # Autocast does not pay for so large maps on processors (docs/results/finding.md).
        precision="fp32" if config.train.precision == "auto" else config.train.precision,
        threads=0 if config.train.threads == "auto" else config.train.threads,
    )
    policy = "frames" if config.augment.policy == reader.augment.policy else config.augment.policy
    if not for_frames(policy):
        fit = ", ".join(name for name in POLICIES if for_frames(name))
        raise ConfigError(
            f"augment.policy={policy} moves or hides what a finder's boxes mark; use one of {fit}"
        )
    return dataclasses.replace(
        config,
        input=dataclasses.replace(reader.input, size=size),
        train=train,
        augment=dataclasses.replace(config.augment, policy=policy),
        optim=_OPTIM if config.optim == reader.optim else config.optim,
    )


def prepare(config: Config, site: Site, resume: bool, command: str, progress: Progress | None) -> Prepared:
    """Refuse what cannot work, read the frames, and write down where all comes from."""
    if site.processes.size > 1:
        raise UsageError("a finder trains in one process; start it without torchrun")
    build_schedule(config.schedule)
    build_policy(config.augment, ())
    with torch.device("meta"):
        build_optimizer(build_finder(config.model), config.optim)
    keep_freed_memory()
    set_threads(int(config.train.threads))
    device = pick_device(config.train.device)
    refuse_within_data(site.folder.path, config.data.spec)
    state = site.shared.state
    resumes = resume and state.is_file()
    # Before any frame is decoded, and before there is a folder.
    source = opened_start(config) if config.train.start and not resumes else None
    claim_folder(site.folder, state, resume)
    frames = open_frames(config.data, with_test=config.evaluate.split == "test", progress=progress)
    origin = provenance(device=device, autocast=None, seed=config.train.seed, command=command)
    site.folder.write_provenance(origin)
    site.folder.write_data(frames.about())
    site.say(frames.said())
    return Prepared(
        config=config,
        site=site,
        device=device,
        frames=frames,
        source=source,
        resumes=resumes,
        origin=origin,
    )


def build_state(prepared: Prepared) -> TrainState:
    """A new network with its optimiser and average, or those that were stored when it was stopped."""
    config, site = prepared.config, prepared.site
    torch.manual_seed(derive_seed(config.train.seed, "weights"))
    model = build_finder(config.model)
    if prepared.source is not None:
        model.load_state_dict(prepared.source.state_dict())
    model = model.to(prepared.device)
    if config.train.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    site.folder.write_model(describe(model, config.input.size))
    state = TrainState(
        model=model,
        optimizer=build_optimizer(model, config.optim),
        average=build_average(config.train, model),
    )
    if prepared.resumes:
        state.load(site.shared.state)
        site.say(f"going on after epoch {state.progress.epoch}, step {state.progress.step:,}")
    site.folder.begin(config)
    return state


def opened_start(config: Config) -> torch.nn.Module:
    """The finder that the training starts from.

    Raises CheckpointError where that is no finder, or has another shape.
    """
    start = config.train.start
    if start == PACKAGED:
        raise CheckpointError(
            "the packaged finder is a bundle, whose weights no training can start from; give a finder's run"
        )
    source, card = load_checkpoint(as_path(start))
    if not card.finds:
        raise CheckpointError(f"{start} reads signs and does not find them; start from a finder")
    with torch.device("meta"):
        wanted = build_finder(config.model)
    if _shapes(source) != _shapes(wanted):
        has = f"model.width={card.model.width:g} and model.depth={card.model.depth}"
        raise CheckpointError(f"{start}, which the training starts from, has {has}; set the same")
    return source


def _shapes(model: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


def loop(prepared: Prepared, state: TrainState) -> None:
    """Train until the budget is used, or validation stops improving."""
    config, frames, folder = prepared.config, prepared.frames, prepared.site.folder
    finding, size = config.finding, config.input.size
    batches = FrameCrops(
        frames.train.frames,
        frames.train.pixels,
        size=size,
        batch_size=config.train.batch_size,
        per_epoch=finding.squares,
        seed=config.train.seed,
        shares=frames.shares,
        mixture=Mixture(
            signs=finding.signs, hard=finding.hard, least_px=finding.least_px, most_px=finding.most_px
        ),
        renew=HardNegatives(
            FinderWeights(state.evaluated),
            frames.train.frames,
            frames.train.pixels,
            most=finding.mined,
            seed=config.train.seed,
            kept=folder.path / "resume" / "hard.json",
            trained=prepared.source is not None,
        ),
    )
    hooks = TrainingHooks(
        prepare=_Varied(build_policy(config.augment, ()), prepared.device, config.train.seed),
        loss=lambda outputs, targets: finding_loss(outputs, targets, size, size),
        schedule=build_schedule(config.schedule),
        validate=lambda model: validated(model, frames.val, config.finding.false_per_frame),
        keep_best=lambda state: _keep(prepared, "best", state),
        save=folder.write_state,
        gradient_rules=build_gradient_rules(config.penalty, state.model, state.optimizer),
        right=None,
    )
    train_loop(state, batches, hooks, config.train, l2=config.optim.l2, callbacks=prepared.site.callbacks)


@dataclass(frozen=True)
class _Varied:
    """(squares, targets, step) of a batch -> squares in [0, 1], varied as a camera does, and targets."""

    policy: Policy
    device: torch.device
    seed: int

    def __call__(self, images: Tensor, targets: Tensor, *, step: int) -> tuple[Tensor, Tensor]:
        with stage("augment"):
            random = generator(self.device, self.seed, "augment", step)
            nobody = torch.zeros(len(images), dtype=torch.long, device=self.device)
            varied, _ = self.policy(images.to(self.device), nobody, random)
        return varied, targets.to(self.device)


def validated(model: torch.nn.Module, val: FrameSet, false_per_frame: float) -> Mapping[str, float]:
    """How well signs of validation frames are found; nothing where no frames were set aside."""
    if not val.frames:
        return {}
    counted = tally(FinderPredictions(frames=results(FinderWeights(model), val)))
    sweep = Sweep(counted)
    curve = sweep.curve()
    if not curve.signs:
        return {}
    drawn = resampled_weights(counted.units, _RESAMPLES, np.random.default_rng(0))
    resampled = [average_precision(sweep.curve(weights)) for weights in drawn]
    return {
        "val_ap50": average_precision(curve),
        "val_ap50_se": float(np.nanstd(resampled, ddof=1)),
        "val_recall": curve.recall_at(false_per_frame),
    }


def conclude(prepared: Prepared, state: TrainState) -> Run:
    """Choose the best weights' thresholds on validation, then measure test frames once, with the reader."""
    config, frames, folder = prepared.config, prepared.frames, prepared.site.folder
    _keep(prepared, "last", state)
    best, card = load_checkpoint(folder.checkpoint("best"), prepared.device)
    finder = FinderWeights(best.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    reader = load() if packaged() is not None else None
    rule = chosen_rule(results(finder, frames.val, reader=reader), config)
    card = dataclasses.replace(card, finding=rule)
    folder.write_weights("best", best, card)

    split, measured = ("test", frames.test) if frames.test.frames else ("val", frames.val)
    if not measured.frames:
        split, measured = "train", frames.train
    found = results(finder, measured, reader=reader, sure=rule.sure)
    predictions = FinderPredictions(frames=found, threshold=rule.threshold)
    metrics = compute_finder_metrics(
        predictions, split=split, config=config.evaluate, extra=_facts(prepared, state)
    )
    seconds = round(state.progress.seconds, 2)
    folder.write_provenance({**prepared.origin, "train_seconds": seconds, "peak_rss_mb": peak_rss_mb()})
    folder.write_finder_results(metrics, predictions, config.evaluate.danger, measured.picture)
    return Run(folder=folder.path, metrics=metrics)


def chosen_rule(found: Sequence[FrameResult], config: Config) -> FindingRule:
    """Thresholds for validation frames: of boxes that are shown, and of those whose reading is accepted.

    The lowest with no more false boxes a frame, and the lowest with no more frames that say something surely
    and wrongly, than was asked.  Without frames both are guesses.
    """
    asked = config.finding
    rule = FindingRule(false_per_frame=asked.false_per_frame, sure_wrong=asked.sure_wrong)
    if not found:
        return rule
    predictions = FinderPredictions(frames=tuple(found))
    threshold = min(Sweep(tally(predictions)).curve().threshold_for(asked.false_per_frame), 1.0)
    worst: dict[int, float] = {}  # by frame: how sure its surest wrong answer is
    for box in sure_boxes(predictions, config.evaluate.danger):
        if box.wrong:
            frame = found[box.frame]
            assert frame.confidence is not None  # else nothing is sure
            sure = float(frame.scores[box.box] * frame.confidence[box.box])
            worst[box.frame] = max(worst.get(box.frame, 0.0), sure)
    return dataclasses.replace(
        rule,
        threshold=threshold,
        sure=max(threshold, _above(sorted(worst.values(), reverse=True), asked.sure_wrong * len(found))),
        frames=len(found),
    )


def _above(scores: Sequence[float], allowed: float) -> float:
    """The least number that no more than `allowed` of the descending scores reach."""
    return float(np.nextafter(scores[int(allowed)], 2.0)) if len(scores) > allowed else 0.0


def _keep(prepared: Prepared, weights: str, state: TrainState) -> None:
    """Write the weights as they are now, as `best` or `last`."""
    config = prepared.config
    card = Card(
        model=config.model,
        classes=CLASSES,
        input=config.input,
        facts={
            "weights": weights,
            "epoch": state.progress.epoch,
            "averaged": state.average is not None,
            "data": config.data.spec,
            "seed": config.train.seed,
        },
        finding=FindingRule(false_per_frame=config.finding.false_per_frame),
    )
    prepared.site.folder.write_weights(weights, state.evaluated, card)


def _facts(prepared: Prepared, state: TrainState) -> dict[str, Any]:
    """What metrics.json tells of the training itself."""
    config, progress = prepared.config, state.progress
    chosen = progress.history[progress.best_epoch - 1]
    return {
        "weights": "best",
        "best_epoch": progress.best_epoch,
        "best_epoch_reason": reason(progress.history, progress.best_epoch, config.train.monitor),
        "val_ap50": chosen.get("val_ap50"),
        "epochs": progress.epoch,
        "steps": progress.step,
        "samples": progress.step * config.train.batch_size,
        "train_frames": len(prepared.frames.train.frames),
        "train_signs": prepared.frames.train.signs,
        "parameters": count_parameters(state.model),
        "train_seconds": round(progress.seconds, 2),
    }
