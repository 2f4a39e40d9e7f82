"""One training, from settings and data to a folder that tells all of it: prepare, build, loop, conclude."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from roadworthy.augment.consistency import build_views
from roadworthy.augment.mix import build_mix
from roadworthy.augment.policy import build_policy
from roadworthy.config import Config
from roadworthy.core.arrays import BoolArray
from roadworthy.core.device import (
    AUTOCAST,
    derive_seed,
    keep_freed_memory,
    peak_rss_mb,
    pick_device,
    provenance,
    set_threads,
    with_threads,
)
from roadworthy.core.errors import CheckpointError, UsageError
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.data.loader import BatchLoader
from roadworthy.data.open import Splits, open_splits, refuse_unmeasurable
from roadworthy.data.recorded_splits import refuse_changed_data
from roadworthy.data.spec import refuse_within_data
from roadworthy.evaluate.analysis.doubts import doubts
from roadworthy.evaluate.analysis.doubts import stored as stored_doubts
from roadworthy.evaluate.results import Metrics
from roadworthy.inference.onnx import PACKAGED, packaged_weights
from roadworthy.models.catalogue import FINDERS, build_model, count_parameters
from roadworthy.models.summary import describe
from roadworthy.train.average import build_average
from roadworthy.train.callbacks import Callback
from roadworthy.train.checkpoint import Card, load_checkpoint, start_from
from roadworthy.train.choice import reason
from roadworthy.train.distributed import Shared
from roadworthy.train.gradient_norm import build_gradient_rules
from roadworthy.train.loop import Batches, TrainingHooks
from roadworthy.train.loop import train as train_loop
from roadworthy.train.losses import balancing_weights, build_loss
from roadworthy.train.optim import build_optimizer
from roadworthy.train.pace import resolve_pace
from roadworthy.train.schedules import build_schedule
from roadworthy.train.start import said_of_classes, settle_start
from roadworthy.train.state import TrainState
from roadworthy.train.track import losses_of, trackers
from roadworthy.workflows import find_training
from roadworthy.workflows.batches import Preparation, augmented_samples, trains_without_colour, turnable
from roadworthy.workflows.checks import check_settings
from roadworthy.workflows.evaluate import (
    UNCALIBRATED,
    Calibration,
    as_predictions,
    frames_per_sign,
    measure,
)
from roadworthy.workflows.report import report
from roadworthy.workflows.run_folder import Run, claim_folder, class_icons, no_empty_folder
from roadworthy.workflows.site import Site, open_site
from roadworthy.workflows.validation import Hardware, calibrate, predict, validate

RUNS = Path("runs")
"""Where trainings go that no folder is named for."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a training is made from.

    config: without an `auto` that changes what is learnt.  source: the network that it starts from, if any.
    resume: whether it was asked to go on.  resumes: whether a state to go on from was kept.
    origin: where its results come from.
    """

    config: Config
    site: Site
    hardware: Hardware
    splits: Splits
    source: tuple[torch.nn.Module, Card] | None
    resume: bool
    resumes: bool
    origin: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the loop is run with, and what is known of it beforehand.

    without_colour: whether it shows signs that only colour tells apart without it.
    """

    prepared: Prepared
    state: TrainState
    batches: Batches
    hooks: TrainingHooks
    without_colour: bool


def train(
    config: Config,
    out: StrPath | None = None,
    *,
    resume: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """A run with its trackers and its report (api.train tells the rules)."""
    if not config.data.spec:
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to continue")
    folder = as_path(RUNS / f"{datetime.now():%Y%m%d-%H%M%S}-{config.model.name}" if out is None else out)
    watchers = [*callbacks, *trackers(config, folder)]
    run_one = find_training.run if config.model.name in FINDERS else run
    done: Path | None = None
    try:
        with no_empty_folder(folder):
            finished = run_one(
                config, folder, resume=resume, command=command, callbacks=watchers, progress=progress
            )
        if finished.folder.is_dir():  # of several processes only the first keeps one
            report(finished.folder, quiet=True)
        done = finished.folder
    finally:
        for watcher in watchers:
            watcher.on_close(done)
    return finished


def run(
    config: Config,
    folder: Path,
    *,
    resume: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    progress: Progress | None = None,
) -> Run:
    """Train as `config` says, choose on validation, calibrate, measure once, and write the run folder.

    resume: go on from the state in `folder`, whose config must be the same.
    progress: told (done, all) while pictures are decoded.
    Where torchrun has started several processes they train one network, and the first writes the folder.
    """
    with open_site(folder, callbacks) as site, with_threads(0):  # a run's own number of threads ends with it
        prepared = prepare(config, site, resume, command, progress)
        training = build(prepared)
        loop(training)
        metrics = conclude(training)
        return Run(folder=site.folder.path, metrics=metrics)


def prepare(config: Config, site: Site, resume: bool, command: str, progress: Progress | None) -> Prepared:
    """Refuse what cannot work, read the data, settle what `auto` is, and write down where all comes from."""
    check_settings(config)
    resumes = resume and site.shared.state.is_file()
    config, source, notes = _take_start(config, resumes)
    site.say(*notes)
    keep_freed_memory()
    if config.train.threads != "auto":
        set_threads(config.train.threads)
    device = pick_device(config.train.device)
    if site.processes.leads:
        refuse_within_data(site.folder.path, config.data.spec)
    claim_folder(site.folder, site.shared.state, resume)

    splits = _read_data(config, site, resumes, progress)
    began, stored = (site.shared.config(), site.shared.provenance()) if resume else (None, {})
    train, pace = resolve_pace(
        config,
        device,
        began=None if began is None else began.train,
        stored=stored.get("pace", {}),
        agree=site.processes.agree,
        say=site.say,
    )
    config = dataclasses.replace(config, train=train)
    hardware = Hardware(device=device, autocast=AUTOCAST[train.precision])
    origin = {
        **provenance(device=device, autocast=hardware.autocast, seed=train.seed, command=command),
        "pace": pace,
    }
    site.folder.write_provenance(origin)
    if source is not None:
        notes.append(said_of_classes(source[1].classes, splits.classes, train.start))
        site.say(notes[-1])
    site.folder.write_splits(splits, notes)
    return Prepared(
        config=config,
        site=site,
        hardware=hardware,
        splits=splits,
        source=source,
        resume=resume,
        resumes=resumes,
        origin=origin,
    )


def _take_start(
    config: Config, resumes: bool
) -> tuple[Config, tuple[torch.nn.Module, Card] | None, list[str]]:
    """The network that the training starts from, the settings that fit it, and in words what changed."""
    start = config.train.start
    if not start or resumes:
        return config, None, []
    source = load_checkpoint(packaged_weights() if start == PACKAGED else as_path(start))
    if source[1].finds:
        raise CheckpointError(
            f"{start} finds signs and does not read them; start from a reader, or add --model finder"
        )
    config, notes = settle_start(config, source[1])
    return config, source, notes


def _read_data(config: Config, site: Site, resumes: bool, progress: Progress | None) -> Splits:
    """The splits, which the first process decodes and the others find in the cache."""
    leads = site.processes.leads
    if not leads:
        site.processes.wait()
    splits = open_splits(
        config.data,
        config.input,
        with_test=config.evaluate.split == "test",
        progress=progress if leads else None,
    )
    if leads:
        refuse_unmeasurable(splits, config.data)
        if resumes:
            refuse_changed_data(splits, site.folder.path)
        site.processes.wait()
    return splits


def build(prepared: Prepared) -> Training:
    """The network, its optimiser, its batches and what a step is made of, each from its own settings."""
    config, splits, folder = prepared.config, prepared.splits, prepared.site.folder
    state = build_state(prepared)
    policy = build_policy(config.augment, splits.classes)
    rank = prepared.site.processes.rank
    preparation = Preparation(
        policy=policy,
        further_views=build_views(config.augment, policy),
        mix=build_mix(config.augment, len(splits.classes)),
        input=config.input,
        device=prepared.hardware.device,
        seed=config.train.seed,
        own=(rank,) if rank else (),
    )
    may_turn = turnable(splits.train)
    folder.begin(config)
    folder.write_augmentation(policy.describe())
    folder.add_pictures(
        **class_icons(splits.train, config.data.spec),
        **augmented_samples(splits.train, policy, config.train.seed, may_turn),
    )
    without_colour = trains_without_colour(splits.train, policy, config.train.seed)
    return Training(
        prepared=prepared,
        state=state,
        batches=build_batches(prepared, may_turn),
        hooks=build_hooks(prepared, state, preparation, without_colour),
        without_colour=without_colour,
    )


def build_state(prepared: Prepared) -> TrainState:
    """A new network with its optimiser and average, or those that were stored when it was stopped."""
    config, classes, site = prepared.config, prepared.splits.classes, prepared.site
    torch.manual_seed(derive_seed(config.train.seed, "weights"))
    model = build_model(config.model, len(classes), config.input)
    if prepared.source is not None:
        start_from(*prepared.source, model, classes)
    model = model.to(prepared.hardware.device)
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
    elif prepared.resume:
        site.say("nothing had been kept when it was stopped; it begins anew")
    return state


def build_batches(prepared: Prepared, may_turn: BoolArray | None = None) -> BatchLoader:
    """Batches of the training pictures, each with every process's part.  may_turn: which may be mirrored."""
    config = prepared.config.train
    return BatchLoader(
        prepared.splits.train,
        config.batch_size * prepared.site.processes.size,
        seed=config.seed,
        balance="sampler" if config.balance == "sampler" else "none",
        turnable=may_turn,
    )


def build_hooks(
    prepared: Prepared, state: TrainState, preparation: Preparation, without_colour: bool
) -> TrainingHooks:
    """What the loop calls: from a batch to its gradients, and what is kept on the way."""
    config, splits, processes = prepared.config, prepared.splits, prepared.site.processes
    weights = (
        balancing_weights(splits.train.class_counts()).to(prepared.hardware.device)
        if config.train.balance == "weights"
        else None
    )
    validating = functools.partial(
        validate, val=splits.val, spec=config.input, config=config.evaluate, hardware=prepared.hardware
    )
    return TrainingHooks(
        prepare=preparation,
        loss=build_loss(config.train.label_smoothing, weights, config.augment.consistency),
        schedule=build_schedule(config.schedule),
        validate=validating,
        keep_best=functools.partial(_keep, prepared, without_colour, "best"),
        save=prepared.site.folder.write_state,
        gradient_rules=build_gradient_rules(config.penalty, state.model, state.optimizer),
        parallel=processes.forward,
        agree=processes.agree,
    )


def loop(training: Training) -> None:
    """Train until the budget is used, or validation stops improving."""
    prepared, batches = training.prepared, training.batches
    config, processes = prepared.config, prepared.site.processes
    if config.optim.l2:
        prepared.site.say("; ".join(f"{column}: {name}" for column, name in losses_of(config).items()))
    train_loop(
        training.state,
        batches if processes.size == 1 else Shared(batches, processes),
        training.hooks,
        config.train,
        l2=config.optim.l2,
        autocast=prepared.hardware.autocast,
        callbacks=prepared.site.callbacks,
    )


def conclude(training: Training) -> Metrics:
    """Calibrate best and last on validation, then open the test split once, with the best.

    In fp32, as every later evaluation: what is measured here is what will be answered.
    """
    prepared, state = training.prepared, training.state
    config, splits, folder = prepared.config, prepared.splits, prepared.site.folder
    hardware = Hardware(device=prepared.hardware.device, autocast=None)
    calibrating = functools.partial(
        calibrate,
        val=splits.val,
        spec=config.input,
        config=config.calibrate,
        evaluate=config.evaluate,
        hardware=hardware,
    )
    _keep(prepared, training.without_colour, "last", state, calibrating(state.evaluated))
    best, card = load_checkpoint(folder.checkpoint("best"), hardware.device)
    best = best.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    of_best = calibrating(best)
    card = dataclasses.replace(card, temperature=of_best.temperature, rejection=of_best.rejection)
    folder.write_weights("best", best, card)

    split, measured = ("test", splits.test) if len(splits.test) else ("val", splits.val)
    logits = predict(best, measured, config.input, config.evaluate, hardware, config.evaluate.views)
    predictions = as_predictions(logits, measured, of_best)
    metrics = measure(
        predictions,
        measured,
        split=split,
        config=config.evaluate,
        frames_per_sign=frames_per_sign(config.data.spec, split, measured),
        facts=_facts(training),
    )
    seconds = round(state.progress.seconds, 2)
    folder.write_provenance({**prepared.origin, "train_seconds": seconds, "peak_rss_mb": peak_rss_mb()})
    metrics = _with_doubts(metrics, training)
    folder.write_results(metrics, predictions, measured.images)
    return metrics


def _keep(
    prepared: Prepared,
    without_colour: bool,
    weights: str,
    state: TrainState,
    calibration: Calibration = UNCALIBRATED,
) -> None:
    """Write the weights as they are now, as `best` or `last`."""
    config = prepared.config
    card = Card(
        model=config.model,
        classes=prepared.splits.classes,
        input=config.input,
        temperature=calibration.temperature,
        rejection=calibration.rejection,
        facts={
            "weights": weights,
            "epoch": state.progress.epoch,
            "averaged": state.average is not None,
            "data": config.data.spec,
            "seed": config.train.seed,
        },
        without_colour=without_colour,
    )
    prepared.site.folder.write_weights(weights, state.evaluated, card)


def _facts(training: Training) -> dict[str, Any]:
    """What metrics.json tells of the training itself."""
    config, splits = training.prepared.config, training.prepared.splits
    progress = training.state.progress
    return {
        "weights": "best",
        "best_epoch": progress.best_epoch,
        "best_epoch_reason": reason(progress.history, progress.best_epoch, config.train.monitor),
        "val_accuracy": progress.history[progress.best_epoch - 1].get("val_accuracy"),
        "epochs": progress.epoch,
        "steps": progress.step,
        "samples": progress.step * training.batches.batch_size,
        "gradients": progress.gradients,
        "train_images": len(splits.train),
        "parameters": count_parameters(build_model(config.model, len(splits.classes), config.input)),
        "train_seconds": round(progress.seconds, 2),
        "unknown_skipped": 0,
    }


def _with_doubts(metrics: Metrics, training: Training) -> Metrics:
    """The metrics with what is to be doubted about them."""
    prepared, progress = training.prepared, training.state.progress
    validated = progress.history[progress.best_epoch - 1] if len(prepared.splits.val) else {}
    found = doubts(metrics, steps=progress.step, validated=validated, config=prepared.config.train)
    return dataclasses.replace(metrics, extra={**metrics.extra, "warnings": stored_doubts(found)})
