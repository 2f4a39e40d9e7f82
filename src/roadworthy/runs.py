"""One run: data, training and evaluation composed into one folder that tells all of it."""

from __future__ import annotations

import csv
import dataclasses
import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from roadworthy.augment.consistency import build_views
from roadworthy.augment.mix import build_mix
from roadworthy.augment.policy import Policy, build_policy
from roadworthy.colour import has_colour
from roadworthy.config import Config, DataConfig, EvaluateConfig, load_config, write_config
from roadworthy.data.audit import audit_decoded
from roadworthy.data.dataset import Dataset
from roadworthy.data.drawings import check_rendered
from roadworthy.data.loader import BatchLoader
from roadworthy.data.open import Splits, open_dataset, open_splits, refuse_unmeasurable
from roadworthy.data.overview import class_faces, overview
from roadworthy.data.records import Record
from roadworthy.data.spec import parse_spec, refuse_within_data
from roadworthy.data.taken import FILE, place_of, refuse_changed_data, trained_on, write_splits
from roadworthy.errors import CheckpointError, ConfigError, MissingExtraError
from roadworthy.evaluate.adapt import reestimate_batchnorm
from roadworthy.evaluate.calibrate import fit_temperature
from roadworthy.evaluate.doubts import doubts
from roadworthy.evaluate.doubts import stored as stored_doubts
from roadworthy.evaluate.predict import predict_logits
from roadworthy.evaluate.reject import threshold_for
from roadworthy.extras import FOR_MODELS
from roadworthy.files import replacing, scratch, write_text
from roadworthy.inputs import ByteArray, InputSpec, crop_resize, decode
from roadworthy.measuring import (
    Calibration,
    add_pictures,
    check_measured,
    check_split,
    describe_measured,
    frames_per_sign,
    is_undivided,
    measure,
)
from roadworthy.models.catalogue import build_model, count_parameters
from roadworthy.models.summary import describe
from roadworthy.notes import hearing, some
from roadworthy.paths import as_path
from roadworthy.pixels import normalise
from roadworthy.results import IntArray, Metrics, Rejection, Run, make_folder, write_json
from roadworthy.runtime import (
    AUTOCAST,
    derive_seed,
    generator,
    keep_freed_memory,
    peak_rss_mb,
    pick_device,
    provenance,
    set_threads,
    with_threads,
)
from roadworthy.scores import SCORES, log_probabilities
from roadworthy.serve.engine import PACKAGED, packaged_weights, refuse_misspelt
from roadworthy.signs.catalogue import Face, told_by_colour
from roadworthy.signs.draw import draw_icon
from roadworthy.stages import stage
from roadworthy.train.average import build_average
from roadworthy.train.callbacks import Callback
from roadworthy.train.checkpoint import (
    Card,
    find_checkpoint,
    load_checkpoint,
    save_checkpoint,
    start_from,
)
from roadworthy.train.distributed import Shared, World, world
from roadworthy.train.gradient_norm import build_producers
from roadworthy.train.loop import Steps, check_budget, train
from roadworthy.train.losses import balancing_weights, build_loss
from roadworthy.train.optim import OPTIMIZERS, build_optimizer
from roadworthy.train.pace import settle_pace
from roadworthy.train.schedules import build_schedule
from roadworthy.train.start import said_of_classes, settle_start
from roadworthy.train.state import TrainState
from roadworthy.waiting import waiting, warning

SAMPLES_PER_CLASS = 3
GREY_SAMPLE, GREY_SHARE = 256, 0.2
# What a run that a misspelt name ended may have left, and what its trackers open before it begins.
_BEGINNING = {"provenance.json", "data.json", FILE, "model.txt", "tensorboard"}
ICON_PX = 64


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Where a run computes."""

    device: torch.device
    autocast: torch.dtype | None


def run(
    config: Config,
    folder: Path,
    *,
    resume: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Train as `config` says, choose on validation, calibrate, measure once, and write the run folder.

    resume: go on from the state in `folder`, whose config must be the same.
    progress: told (done, all) while pictures are decoded.
    Where torchrun has started several processes they train one network, and the first writes the folder.
    """
    with world() as processes, with_threads(0):  # a run's own number of threads ends with it
        if processes.leads:
            return _run(config, folder, folder, processes, resume, command, callbacks, progress)
        with scratch() as own:
            return _run(config, folder, own / "run", processes, resume, command, (), None)


def _run(
    config: Config,
    shared: Path,
    folder: Path,
    processes: World,
    resume: bool,
    command: str,
    callbacks: Sequence[Callback],
    progress: Callable[[int, int], None] | None,
) -> Run:
    """shared: where the state to resume from lies.  folder: where this process writes."""
    check_budget(config.train)
    if config.train.start:
        refuse_misspelt(config.train.start)
        as_path(config.train.start)  # before the data are read
    if config.evaluate.norms != "stored":
        raise ConfigError(
            "evaluate.norms = 'new' is for roadworthy evaluate; a training measures what it stores"
        )
    check_names(config)
    source, notes = None, list[str]()
    stored = shared / "resume" / "state.safetensors"
    goes_on = resume and stored.is_file()
    if config.train.start and not goes_on:
        source = load_checkpoint(_start(config.train.start))
        config, notes = settle_start(config, source[1])
        _tell(callbacks, *notes)
    keep_freed_memory()
    if config.train.threads != "auto":
        set_threads(config.train.threads)
    device = pick_device(config.train.device)
    if processes.leads:
        refuse_within_data(folder, config.data.spec)
    _check_folder(folder, stored, resume)

    with_test = config.evaluate.split == "test"
    if not processes.leads:
        processes.wait()  # until the first has decoded, so that this one finds the cache
    splits = open_splits(config.data, config.input, with_test=with_test, progress=progress)
    if processes.leads:
        refuse_unmeasurable(splits, config.data)
        if goes_on:
            refuse_changed_data(splits, folder)
        processes.wait()
    config, pace = _settle_pace(config, device, shared if resume else None, processes, callbacks)
    hardware = Hardware(device=device, autocast=AUTOCAST[config.train.precision])
    origin = provenance(device=device, autocast=hardware.autocast, seed=config.train.seed, command=command)
    origin["pace"] = pace
    write_json(origin, folder / "provenance.json")
    if source is not None:
        notes.append(said_of_classes(source[1].classes, splits.classes, config.train.start))
        _tell(callbacks, notes[-1])
    about = splits.report.to_dict()
    about = {
        **about,
        "notes": [*about["notes"], *notes],
        "audit": _audit(splits),
        "first_rows": _first_rows(splits),
    }
    write_json(about, folder / "data.json")
    write_splits(splits, folder)

    torch.manual_seed(derive_seed(config.train.seed, "weights"))
    model = build_model(config.model, len(splits.classes), config.input)
    if source is not None:
        start_from(*source, model, splits.classes)
    model = model.to(device)
    if config.train.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    write_text(describe(model, config.input.size), folder / "model.txt")
    state = TrainState(
        model=model,
        optimizer=build_optimizer(model, config.optim),
        average=build_average(config.train, model),
    )
    if goes_on:
        state.load(stored)
        _tell(callbacks, f"going on after epoch {state.progress.epoch}, step {state.progress.step:,}")
    elif resume:
        _tell(callbacks, "nothing had been kept when it was stopped; it begins anew")
    policy = build_policy(config.augment, splits.classes, _worded(splits))
    further_views = build_views(config.augment, policy)
    mix = build_mix(config.augment, len(splits.classes))
    _begin_run(folder, config)
    _write_pictures(folder, splits, policy, config)
    without_colour = trains_without_colour(splits.train, policy, config.train.seed)

    batches = BatchLoader(
        splits.train,
        config.train.batch_size * processes.size,
        seed=config.train.seed,
        balance="sampler" if config.train.balance == "sampler" else "none",
    )
    weights = (
        balancing_weights(splits.train.class_counts()).to(device)
        if config.train.balance == "weights"
        else None
    )

    own = (processes.rank,) if processes.rank else ()  # each process varies its pictures in its own way

    def prepare(images: Tensor, targets: Tensor, step: int) -> tuple[Tensor, Tensor]:
        with stage("copy"):
            images, targets = images.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        with stage("augment"):
            random = generator(device, config.train.seed, "augment", step, *own)
            augmented, targets = policy(images, targets, random)
            augmented = further_views(augmented, random)
        with stage("normalise"):
            inputs = normalise(augmented, config.input)
        # After normalisation: before it, strong contrast would outweigh the share that its label gets.
        with stage("augment: mix"):
            return mix(inputs, targets, random)

    def save(now: TrainState) -> None:
        now.save(folder / "resume" / "state.safetensors")
        _write_history(now.progress.history, folder / "history.csv")

    steps = Steps(
        prepare=prepare,
        loss=build_loss(config.train.label_smoothing, weights, config.augment.consistency),
        schedule=build_schedule(config.schedule),
        validate=functools.partial(_validate, splits.val, config, hardware),
        keep_best=lambda now: _save_weights(
            now, "best", now.progress.epoch, Calibration(), splits, config, folder, without_colour
        ),
        save=save,
        producers=build_producers(config.penalty, state.model, state.optimizer),
        parallel=processes.forward,
        agree=processes.agree,
    )
    train(
        state,
        batches if processes.size == 1 else Shared(batches, processes),
        steps,
        config.train,
        l2=config.optim.l2,
        autocast=hardware.autocast,
        callbacks=callbacks,
    )
    metrics = _conclude(state, splits, config, hardware, folder, origin, batches.batch_size, without_colour)
    return Run(folder=folder, metrics=metrics)


def check_names(config: Config) -> None:
    """UsageError for what can be known to be wrong before any data are read: names, options, the device."""
    pick_device(config.train.device)
    if config.calibrate.reject != "none":
        SCORES.get(config.calibrate.reject)
    build_schedule(config.schedule)
    build_mix(config.augment, num_classes=2)
    build_policy(config.augment, ())
    for part in parse_spec(config.data.spec):
        if part.source == "rendered":
            check_rendered(part.options)
    if config.model.name in FOR_MODELS:  # its pretrained weights are read as it is built
        OPTIMIZERS.get(config.optim.name)
        return
    with torch.device("meta"):  # where a network takes neither time nor memory
        model = build_model(config.model, 2, config.input)
        build_producers(config.penalty, model, build_optimizer(model, config.optim))


def _settle_pace(
    config: Config,
    device: torch.device,
    begun: Path | None,
    processes: World,
    callbacks: Sequence[Callback],
) -> tuple[Config, dict[str, Any]]:
    """Say what `auto` is and compute with so many threads; also what provenance tells of it.

    begun: the folder of a run that is gone on with, which keeps what it began with.
    """

    pace: dict[str, Any] = {}
    train = config.train
    if begun is not None and (begun / "config.toml").is_file():
        before = load_config(begun / "config.toml").train
        train = dataclasses.replace(
            train,
            threads=before.threads if train.threads == "auto" else train.threads,
            precision=before.precision if train.precision == "auto" else train.precision,
        )
        pace = _stored_pace(begun)
    if "auto" in (train.threads, train.precision):
        found = settle_pace(
            dataclasses.replace(config, train=train), device, say=functools.partial(_tell, callbacks)
        )
        pace = dataclasses.asdict(found)
        threads = int(processes.agree(found.threads)) if train.threads == "auto" else train.threads
        precision = "bf16" if processes.agree(found.precision == "bf16") else "fp32"
        train = dataclasses.replace(train, threads=threads, precision=precision)  # type: ignore[arg-type]
    assert train.threads != "auto"
    if set_threads(train.threads) > 1 and (warned := warning()):
        _tell(callbacks, warned)
    return dataclasses.replace(config, train=train), pace or {"source": "given", "waiting": waiting()}


def _stored_pace(folder: Path) -> dict[str, Any]:
    """What a run's provenance says of its pace."""
    path = folder / "provenance.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return dict(stored.get("pace", {}))


def _start(name: str) -> Path:
    """The network that a training starts from."""
    return packaged_weights() if name == PACKAGED else as_path(name)


def _tell(callbacks: Sequence[Callback], *notices: str) -> None:
    for text in notices:
        for callback in callbacks:
            callback.on_notice(text)


def _check_folder(folder: Path, state_file: Path, resume: bool) -> None:
    if resume:
        if not (state_file.is_file() or (folder / "config.toml").is_file()):
            raise CheckpointError(f"{folder} holds no run to go on with; start one there without --resume")
    elif (folder / "checkpoints").exists() or (folder / "config.toml").exists():
        raise ConfigError(f"{folder} already holds a run; give another --out, or --resume to go on with it")
    elif folder.is_dir() and (foreign := _foreign(folder)):
        raise ConfigError(
            f"{folder} is neither empty nor a run: it holds {some(foreign, 3)}; give --out a new folder"
        )
    make_folder(folder)


def _foreign(folder: Path) -> list[str]:
    """What in a folder is no beginning of a run; hidden files do no harm."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    return sorted(names - _BEGINNING)


def _begin_run(folder: Path, config: Config) -> None:
    """From here on the folder holds a run: after what a misspelt name would end, which can be put right."""
    write_config(config, folder / "config.toml")  # first: --resume goes by it
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "resume").mkdir(exist_ok=True)


def _audit(splits: Splits) -> dict[str, Any]:
    """What is doubtful about the pictures as they are split: above all, the same one in two splits."""
    images = np.concatenate([part.images for part in splits.parts().values() if len(part)])
    return audit_decoded(_records_as_split(splits), images).to_dict()


def _first_rows(splits: Splits) -> dict[str, Any]:
    """The head of each split's table, as the task filtered it."""
    return dict(overview(_records_as_split(splits), splits.classes).table_heads)


def _records_as_split(splits: Splits) -> list[Record]:
    return [
        dataclasses.replace(record, split=name)
        for name, part in splits.parts().items()
        for record in part.records
    ]


def _worded(splits: Splits) -> frozenset[str]:
    """Classes with drawn faces that bear words, which no mirror may turn."""
    if splits.train.renew is None:
        return frozenset()
    from roadworthy.data.drawings import worded

    return worded(splits.train.records)


def _validate(
    val: Dataset, config: Config, hardware: Hardware, model: torch.nn.Module
) -> Mapping[str, float]:
    """Loss and accuracy on validation; nothing where nothing was set aside."""
    if not len(val):
        return {}
    logits = predict(model, val, config.input, config.evaluate, hardware)
    losses = -log_probabilities(logits)[np.arange(len(val)), val.targets]
    right = logits.argmax(1) == val.targets
    return {"val_loss": _chosen_by(val, losses), "val_accuracy": _chosen_by(val, right)}


def _chosen_by(val: Dataset, values: np.ndarray[Any, Any]) -> float:
    """The mean of what is measured on each picture; of a mixture every source and class weighs the same."""
    sources = np.array([record.source for record in val.records])
    if len(set(sources.tolist())) == 1:
        return float(values.mean())
    return float(
        np.mean(
            [
                np.mean([values[own & (val.targets == c)].mean() for c in np.unique(val.targets[own])])
                for own in (sources == source for source in np.unique(sources))
            ]
        )
    )


def predict(
    model: torch.nn.Module,
    data: Dataset,
    spec: InputSpec,
    config: EvaluateConfig,
    hardware: Hardware,
    views: str = "plain",
) -> np.ndarray[Any, Any]:
    """(N, C) logits of `model` on the pictures of `data`; validation and calibration see them plain."""
    return predict_logits(
        model,
        data.images,
        spec,
        batch_size=config.batch_size,
        device=hardware.device,
        autocast_dtype=hardware.autocast,
        views=views,
    )


def _save_weights(
    state: TrainState,
    name: str,
    epoch: int,
    calibration: Calibration,
    splits: Splits,
    config: Config,
    folder: Path,
    without_colour: bool,
) -> None:
    card = Card(
        model=config.model,
        classes=splits.classes,
        input=config.input,
        temperature=calibration.temperature,
        rejection=calibration.rejection,
        facts={
            "weights": name,
            "epoch": epoch,
            "averaged": state.average is not None,
            "data": config.data.spec,
            "seed": config.train.seed,
        },
        without_colour=without_colour,
    )
    save_checkpoint(state.evaluated, card, folder / "checkpoints" / f"{name}.safetensors")


def _conclude(
    state: TrainState,
    splits: Splits,
    config: Config,
    hardware: Hardware,
    folder: Path,
    origin: dict[str, Any],
    batch_size: int,
    without_colour: bool,
) -> Metrics:
    """Calibrate best and last on validation, then open the test split once, with the best.

    In fp32, as every later evaluation: what is measured here is what will be answered.
    """
    hardware = Hardware(device=hardware.device, autocast=None)
    progress = state.progress
    of_last = _calibrate(state.evaluated, splits.val, config, hardware)
    _save_weights(state, "last", progress.epoch, of_last, splits, config, folder, without_colour)
    best_file = folder / "checkpoints" / "best.safetensors"
    best, card = load_checkpoint(best_file, hardware.device)
    best = best.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    of_best = _calibrate(best, splits.val, config, hardware)
    card = dataclasses.replace(card, temperature=of_best.temperature, rejection=of_best.rejection)
    save_checkpoint(best, card, best_file)

    split, measured = ("test", splits.test) if len(splits.test) else ("val", splits.val)
    metrics = measure(
        predict(best, measured, config.input, config.evaluate, hardware, config.evaluate.views),
        measured,
        split=split,
        calibration=of_best,
        config=config.evaluate,
        folder=folder,
        frames_per_sign=frames_per_sign(config.data.spec, split, measured),
        facts={
            "weights": "best",
            "best_epoch": progress.best_epoch,
            "val_accuracy": progress.history[progress.best_epoch - 1].get("val_accuracy"),
            "epochs": progress.epoch,
            "steps": progress.step,
            "samples": progress.step * batch_size,
            "gradients": progress.gradients,
            "train_images": len(splits.train),
            "parameters": count_parameters(build_model(config.model, len(splits.classes), config.input)),
            "train_seconds": round(progress.seconds, 2),
            "unknown_skipped": 0,
        },
    )
    validated = progress.history[progress.best_epoch - 1] if len(splits.val) else {}
    found = doubts(metrics, steps=progress.step, validated=validated, config=config.train)
    metrics = dataclasses.replace(metrics, extra={**metrics.extra, "warnings": stored_doubts(found)})
    write_json(metrics.to_dict(), folder / "metrics.json")
    write_json(
        {**origin, "train_seconds": round(progress.seconds, 2), "peak_rss_mb": peak_rss_mb()},
        folder / "provenance.json",
    )
    return metrics


def _calibrate(model: torch.nn.Module, val: Dataset, config: Config, hardware: Hardware) -> Calibration:
    """Temperature and threshold from validation; neither where nothing was set aside."""
    if not len(val):
        return Calibration()
    asked = config.calibrate
    logits = predict(model, val, config.input, config.evaluate, hardware)
    temperature = fit_temperature(logits, val.targets)
    if asked.reject == "none":
        return Calibration(temperature=temperature)
    threshold = threshold_for(SCORES.get(asked.reject)(logits, temperature), asked.coverage)
    return Calibration(
        temperature=temperature,
        rejection=Rejection(score=asked.reject, threshold=threshold, coverage=asked.coverage, n=len(val)),
    )


def evaluate_checkpoint(
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
    """Measure a checkpoint or run folder on a data set (api.evaluate tells the rules)."""
    check_split(split)
    device = pick_device()
    hardware = Hardware(device=device, autocast=None)
    network, card = load_checkpoint(model, device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    home = _run_folder(find_checkpoint(model))
    trained = None if home is None else load_config(home / "config.toml")
    unknown: Mapping[str, int] = {}
    undivided = False  # a run's own data are cut as they were for it
    with hearing() as notes:
        if trained is not None and data.spec == trained.data.spec:
            splits = open_splits(trained.data, card.input, classes=card.classes, progress=progress)
            measured = splits.parts()[split]
        else:
            measured, unknown = open_dataset(
                data, card.input, card.classes, split=split, skip_unknown=skip_unknown, progress=progress
            )
            undivided = is_undivided(measured)
    check_measured(measured, data.spec, split)
    if out is not None:
        refuse_within_data(out, data.spec)
        make_folder(out)
        origin = provenance(device=device, autocast=None, seed=0, command=command)
        write_json({**origin, "model": str(model)}, out / "provenance.json")
        write_json(describe_measured(data.spec, split, measured, unknown, notes), out / "data.json")
    adapted = {}
    if config.norms == "new":
        network = reestimate_batchnorm(network, measured.images, card.input, batch_size=config.batch_size)
        adapted["norms"] = "new"
    seen = trained_on(home)
    return measure(
        predict(network, measured, card.input, config, hardware, config.views),
        measured,
        split=split,
        calibration=Calibration(temperature=card.temperature, rejection=card.rejection),
        config=config,
        folder=out,
        frames_per_sign=frames_per_sign(data.spec, split, measured),
        facts={
            **{key: card.facts[key] for key in ("weights", "epoch") if key in card.facts},
            **adapted,
            "data": data.spec,
            "parameters": count_parameters(network),
            "unknown_skipped": sum(unknown.values()),
            "undivided": undivided,
            "trained_on": sum(place_of(r) in seen for r in measured.records),
        },
    )


def _run_folder(checkpoint: Path) -> Path | None:
    folder = checkpoint.resolve().parent.parent
    return folder if (folder / "config.toml").is_file() else None


def _write_history(rows: Iterable[Mapping[str, float]], path: Path) -> None:
    rows = list(rows)
    if not rows:
        return
    with replacing(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def samples_by_class(data: Dataset, per_class: int, seed: int = 0) -> IntArray:
    """Indices of a few pictures of each class, in class order, the same for the same seed."""
    rng = np.random.default_rng(seed)
    chosen = [
        np.sort(rng.permutation(np.flatnonzero(data.targets == c))[:per_class])
        for c in range(len(data.classes))
    ]
    return np.concatenate(chosen)


def trains_without_colour(data: Dataset, policy: Policy, seed: int) -> bool:
    """Whether training shows signs that only colour tells apart without it: a fifth of them, at least.

    Looked up in pictures as they are augmented, 256 at most, not in settings: whatever takes colour away
    counts, and data that are grey from the start do.  False where no class of the task is such a sign.
    """
    such = [i for i, name in enumerate(data.classes) if told_by_colour(name)]
    rows = np.flatnonzero(np.isin(data.targets, such))
    if not len(rows):
        return False
    source = np.random.default_rng(derive_seed(seed, "colour"))
    rows = np.sort(source.permutation(rows)[:GREY_SAMPLE])
    batch = torch.from_numpy(np.asarray(data.images[rows])).permute(0, 3, 1, 2)
    images, _ = policy(batch, torch.from_numpy(data.targets[rows]), generator("cpu", seed, "colour"))
    levels = (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return float(np.mean([not has_colour(picture) for picture in levels])) >= GREY_SHARE


def _write_pictures(folder: Path, splits: Splits, policy: Any, config: Config) -> None:
    """Samples before and after augmentation, for the report."""
    data = splits.train
    chosen = samples_by_class(data, SAMPLES_PER_CLASS if len(data.classes) <= 12 else 1)
    images, targets = data.images[chosen], data.targets[chosen]
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    augmented, new_targets = policy(
        batch, torch.from_numpy(targets), generator("cpu", config.train.seed, "preview")
    )
    write_json(policy.describe(), folder / "augment.json")
    add_pictures(
        folder,
        **_icons(splits, config),
        samples_images=images,
        samples_labels=targets,
        augmented_images=(augmented.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy(),
        augmented_labels=new_targets.numpy(),
    )


def _icons(splits: Splits, config: Config) -> dict[str, Any]:
    """The picture of each class that the data bring along, else a face of it, where it has one."""
    records, specs = splits.train.records, [config.data.spec]
    faces = class_faces(records, splits.classes, specs)
    entries = overview(records, splits.classes, specs).classes
    icons = [_icon(entry.icon, faces.get(entry.name)) for entry in entries]
    found = [(label, icon) for label, icon in enumerate(icons) if icon is not None]
    if not found:
        return {}
    return {
        "icons_images": np.stack([icon for _, icon in found]),
        "icons_labels": np.array([label for label, _ in found]),
    }


def _icon(path: str | None, face: Face | None) -> ByteArray | None:
    if path is not None:
        return crop_resize(decode(path), InputSpec(size=ICON_PX))
    try:
        return None if face is None else draw_icon(face, ICON_PX)
    except MissingExtraError:  # a report without icons is still one
        return None
