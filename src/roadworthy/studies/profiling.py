"""Where a training's time goes, stage by stage, which part binds, and what would make it faster."""

from __future__ import annotations

import dataclasses
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as every_module

from roadworthy.config import Config, TrainConfig, config_to_dict, write_config
from roadworthy.core.device import peak_rss_mb, pick_device, provenance
from roadworthy.core.errors import UsageError
from roadworthy.core.extras import missing
from roadworthy.core.files import make_folder, scratch, write_json
from roadworthy.core.timing import StageTimer
from roadworthy.core.words import percent
from roadworthy.data.spec import read_records
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.train.callbacks import Callback
from roadworthy.train.track import Trace
from roadworthy.workflows.checks import check_names
from roadworthy.workflows.train import run

WARM_UP = 8  # steps that are not timed
FILES = 400  # read and decoded one by one
GROUPS = {
    "data": ("waiting for data", "copy"),
    "augmentation": ("augment",),
    "network": ("forward", "loss", "backward", "optimiser", "averaging"),
    "rest": ("normalise", "metrics", "other"),
}
LAYERS: tuple[tuple[str, tuple[type[nn.Module], ...]], ...] = (
    ("convolution", (nn.Conv2d,)),
    ("normalisation", (nn.BatchNorm2d,)),
    ("dense", (nn.Linear,)),
    ("pooling", (nn.MaxPool2d,)),
    ("dropout", (nn.Dropout,)),
    ("activation", (nn.ReLU,)),
)
# Of autograd's functions, by a part of their names.
BACKWARD = {
    "Convolution": "convolution",
    "BatchNorm": "normalisation",
    "Addmm": "dense",
    "Pool": "pooling",
    "Dropout": "dropout",
    "Relu": "activation",
}


def profile(
    config: Config, folder: Path, *, steps: int = 60, with_fix: bool = False, command: str = ""
) -> dict[str, Any]:
    """Where a training's time goes; with `with_fix`, what makes it faster (api.profile tells the rules)."""
    if not config.data.spec:
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    if steps < 1:
        raise UsageError(f"--steps is {steps}; at least 1 is needed")
    found = _profile(config, folder, steps, command)
    return {**found, "fix": fix(config, folder)} if with_fix else found


def _profile(config: Config, folder: Path, steps: int, command: str) -> dict[str, Any]:
    """Train `steps` steps as `config` says and tell where the time goes; also profile.json and trace.json.

    stages: seconds, share of the training and microseconds a picture, each stage without those within it;
    forward and backward are shared out among kinds of layers.  preparing: seconds a picture of what is done
    once and cached.  verdict: the group of stages that takes most.
    """
    check_names(config)
    make_folder(folder)
    stages, seconds, images = timed_training(config, steps)
    rows = dict(stages.seconds)
    backward = rows.pop("backward")
    rows |= {f"backward: {kind}": backward * share for kind, share in _backward(config, folder).items()}
    rows["other"] = max(0.0, seconds - sum(rows.values()))
    shares = groups(rows)
    tree = {
        "config": config_to_dict(config),
        "steps": steps,
        "images_per_second": images / seconds,
        "stages": [
            {
                "stage": name,
                "seconds": taken,
                "share": taken / seconds,
                "us_per_image": 1e6 * taken / images,
            }
            for name, taken in sorted(rows.items(), key=lambda row: -row[1])
        ],
        "preparing": preparing(config),
        "peak_rss_mb": peak_rss_mb(),
        "groups": shares,
        "verdict": verdict(shares),
        "provenance": provenance(
            device=pick_device(config.train.device), autocast=None, seed=config.train.seed, command=command
        ),
    }
    write_json(tree, folder / "profile.json")
    _scalars(tree, folder / "tensorboard")
    return tree


def _scalars(tree: Mapping[str, Any], folder: Path) -> None:
    """The same for TensorBoard, where roadworthy[track] is installed."""
    if missing("track"):
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        writer.add_scalar("images per second", tree["images_per_second"])
        for row in tree["stages"]:
            writer.add_scalar(f"share/{row['stage']}", row["share"])
            writer.add_scalar(f"microseconds a picture/{row['stage']}", row["us_per_image"])
        for name, share in tree["groups"].items():
            writer.add_scalar(f"group/{name}", share)


def timed_training(config: Config, steps: int) -> tuple[StageTimer, float, int]:
    """Stages, seconds and pictures of `steps` steps after a few that warm up, validation left out."""
    device = pick_device(config.train.device)
    stages = StageTimer(torch.cuda.synchronize if device.type == "cuda" else None)
    stopwatch = _Stopwatch(stages)
    with _short(config, WARM_UP + steps) as (short, folder), layers_timed(stages), stages:
        metrics = run(short, folder, callbacks=[stopwatch]).metrics
    pictures = metrics.extra["samples"] // metrics.extra["steps"] * stopwatch.steps
    return stages, stopwatch.seconds, pictures


def images_per_second(config: Config, steps: int) -> float:
    """Pictures trained on in a second, without any stage being timed."""
    stopwatch = _Stopwatch(None)
    with _short(config, WARM_UP + steps) as (short, folder):
        metrics = run(short, folder, callbacks=[stopwatch]).metrics
    return float(metrics.extra["samples"] / metrics.extra["steps"] * stopwatch.steps / stopwatch.seconds)


class _Stopwatch(Callback):
    """Seconds and number of the steps after warming up; stands still between epochs."""

    def __init__(self, stages: StageTimer | None) -> None:
        self.seconds, self.steps = 0.0, 0
        self._stages, self._last = stages, 0.0

    def on_step(self, step: int, loss: float, images_per_second: float, fraction_done: float) -> None:
        """Count it, once warm."""
        now = time.perf_counter()
        if step > WARM_UP:
            self.seconds += now - self._last
            self.steps += 1
        elif step == WARM_UP and self._stages is not None:
            self._stages.seconds.clear()
            self._stages.calls.clear()
        self._last = now

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """Validation is over."""
        self._last = time.perf_counter()


@contextmanager
def _short(config: Config, steps: int) -> Iterator[tuple[Config, Path]]:
    """The same training for a few steps, in a folder that is gone afterwards."""
    train = dataclasses.replace(
        config.train,
        samples=steps * config.train.batch_size,
        minutes=None,
        min_steps=0,
        stretch=TrainConfig.stretch,
        gradients=None,
        patience=0,
        tensorboard=False,
        trace=False,
    )
    evaluate = dataclasses.replace(config.evaluate, split="val", bootstrap=1)
    with scratch() as folder:
        yield dataclasses.replace(config, train=train, evaluate=evaluate), folder / "run"


@contextmanager
def layers_timed(stages: StageTimer) -> Iterator[None]:
    """Charge the forward pass of every layer to its kind."""

    def begin(layer: nn.Module, _: Any) -> None:
        if stages.within("forward") and not any(layer.children()):
            stages.begin(f"forward: {kind(layer)}")

    def end(layer: nn.Module, *_: Any) -> None:
        if stages.within("forward") and not any(layer.children()):
            stages.end()

    hooks = [
        every_module.register_module_forward_pre_hook(begin),
        every_module.register_module_forward_hook(end),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def kind(layer: nn.Module) -> str:
    """What a layer is, in words."""
    return next((name for name, types in LAYERS if isinstance(layer, types)), type(layer).__name__)


def _backward(config: Config, folder: Path) -> dict[str, float]:
    """How the backward pass is shared out among kinds of layers; and trace.json, which Perfetto opens."""
    trace = Trace(folder / "trace.json")
    with _short(config, 12) as (short, run_folder):
        run(short, run_folder, callbacks=[trace])
    taken: defaultdict[str, float] = defaultdict(float)
    for event in trace.averages:
        _, _, function = event.key.partition("evaluate_function: ")
        if function:
            name = next((name for part, name in BACKWARD.items() if part in function), "other")
            taken[name] += event.cpu_time_total
    total = sum(taken.values())
    return {name: value / total for name, value in taken.items()} if total else {"other": 1.0}


def preparing(config: Config) -> dict[str, float]:
    """Microseconds a picture for what is done once and then cached: read, decode, crop and resize."""
    records = [
        record for record in read_records(config.data.spec, config.data.labels) if record.drawing is None
    ]
    chosen = records[:: max(1, len(records) // FILES)][:FILES]
    taken: dict[str, list[float]] = {"read": [], "decode": [], "crop and resize": []}
    for record in chosen:
        start = time.perf_counter()
        data = Path(record.path).read_bytes()
        read = time.perf_counter()
        image = decode(data)
        decoded = time.perf_counter()
        crop_resize(image, config.input.for_box() if record.in_frame else config.input, record.box)
        times = (read - start, decoded - read, time.perf_counter() - decoded)
        for values, value in zip(taken.values(), times, strict=True):
            values.append(value)
    return {name: 1e6 * statistics.median(values) for name, values in taken.items() if values}


def groups(seconds: Mapping[str, float]) -> dict[str, float]:
    """Shares of the training by group of stages."""
    total = sum(seconds.values())
    return {
        group: sum(taken for name, taken in seconds.items() if name.partition(":")[0] in members) / total
        for group, members in GROUPS.items()
    }


def verdict(shares: Mapping[str, float]) -> str:
    """Which group binds, in words."""
    name = max(shares, key=lambda group: shares[group])
    return f"{name} binds: {percent(shares[name], 0)} of the training"


def fix(config: Config, folder: Path, *, steps: int = 30) -> dict[str, Any]:
    """Try settings that may make this training faster on this machine, and write those that do as fixed.toml.

    Each is measured in turn with the best so far, twice each; it is kept where it gains a twentieth.  Also
    fix.json: every trial, and before and after measured in turn.  No setting that changes what is learnt is
    tried (batch size, input size, network): that is for whoever trains to decide.
    """
    best, trials = config, []
    for name, change in _candidates(config):
        changed = dataclasses.replace(best, train=dataclasses.replace(best.train, **change))
        before, after = in_turn([best, changed], steps)
        kept = after > 1.05 * before
        trials.append({"setting": name, "before": before, "after": after, "kept": kept})
        best = changed if kept else best
    before, after = in_turn([config, best], 2 * steps)
    tree = {"trials": trials, "before": before, "after": after, "gain": after / before}
    make_folder(folder)
    write_config(best, folder / "fixed.toml")
    write_json(tree, folder / "fix.json")
    return tree


def in_turn(configs: Sequence[Config], steps: int, repeats: int = 2) -> list[float]:
    """The best speed of each, measured in turn: a machine that slows down meanwhile slows all."""
    speeds = [[images_per_second(config, steps) for config in configs] for _ in range(repeats)]
    return [max(values) for values in zip(*speeds, strict=True)]


def _candidates(config: Config) -> list[tuple[str, dict[str, Any]]]:
    cores = os.cpu_count() or 1
    candidates: list[tuple[str, dict[str, Any]]] = [
        (f"train.threads = {n}", {"threads": n})
        for n in sorted({1, max(1, cores // 2), cores} - {config.train.threads})
    ]
    other_layout = not config.train.channels_last
    precision = "fp32" if config.train.precision == "bf16" else "bf16"
    return [
        *candidates,
        (f"train.precision = {precision}", {"precision": precision}),
        (f"train.channels_last = {other_layout}", {"channels_last": other_layout}),
        ("train.compile = true", {"compile": True}),
    ]
