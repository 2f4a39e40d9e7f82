"""How long a study will take, before it begins."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Iterable
from functools import cache

import torch

from roadworthy.augment.consistency import build_views
from roadworthy.augment.policy import build_policy
from roadworthy.config import Config, DataConfig, PenaltyConfig, TrainConfig, load_config
from roadworthy.core.device import AUTOCAST, generator, keep_freed_memory, pick_device, with_threads
from roadworthy.data.open import open_splits
from roadworthy.imaging import ops
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.studies.plan import Job
from roadworthy.train.gradient_norm import passes_a_step
from roadworthy.train.losses import build_loss
from roadworthy.train.optim import build_optimizer
from roadworthy.train.pace import settle_pace

OVERHEAD_S = 5.0  # of a run: reading, validating, measuring, writing; what small trainings took on two cores
TIMED_OVERHEAD_S = 1.0  # of timing a pipeline: its network, and a step that is not timed
_WARM_UP, _TIMED = 2, 9  # steps


def study_seconds(jobs: Iterable[Job]) -> float:
    """Of training and measuring, one job after the other, from a few trial steps of each kind."""
    every = list(jobs)
    configs = {job.folder: job.config for job in every}

    def trains_for(job: Job) -> float:
        if not job.trains:
            return 0.0
        carried_on = 0.0
        if job.extends and job.start is not None:
            shorter = configs.get(job.start) or load_config(job.start / "config.toml")
            carried_on = training_seconds(shorter)
        return training_seconds(job.config) - carried_on

    return sum(job.timed + TIMED_OVERHEAD_S if job.timed else OVERHEAD_S + trains_for(job) for job in every)


def training_seconds(config: Config) -> float:
    """Of one training, without validation."""
    train = config.train
    if train.minutes is not None:
        return 60 * train.minutes
    samples = train.samples or 0.0
    if not samples and not train.gradients:
        samples = train.epochs * _train_images(config.data, config.input)
    # A penalty shows each batch more than once.
    shown = samples * passes_a_step(config.penalty) or (train.gradients or 0) * train.batch_size
    return shown / noise_speed(config)


def noise_speed(config: Config) -> float:
    """Pictures a second, each through one gradient, from a few steps on noise, without a penalty."""
    train = config.train
    # Neither seed nor budget change the speed: arms that differ in those alone are tried once.
    same = TrainConfig(
        batch_size=train.batch_size,
        ema=train.ema,
        device=train.device,
        precision=train.precision,
        threads=train.threads,
    )
    return _images_per_second(dataclasses.replace(config, train=same, penalty=PenaltyConfig()))


@cache
def _train_images(data: DataConfig, spec: InputSpec) -> int:
    return len(open_splits(data, spec, with_test=False).train)


@cache
def _images_per_second(config: Config) -> float:
    """Augmentation, forward, backward and update on noise; no data, no averaging."""
    keep_freed_memory()
    device = pick_device(config.train.device)
    pace = settle_pace(config, device)
    autocast = AUTOCAST[pace.precision]
    classes = config.data.classes
    model = build_model(config.model, max(2, len(classes)), config.input).to(device)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer(model, config.optim)
    loss = build_loss(0.0, None, config.augment.consistency)
    policy = build_policy(config.augment, classes)
    further_views = build_views(config.augment, policy)
    shape = (config.train.batch_size, config.input.size, config.input.size, 3)
    noise = torch.randint(256, shape, generator=generator("cpu", "estimate"), dtype=torch.uint8)
    images = noise.permute(0, 3, 1, 2).to(device)  # laid out in memory as pictures are
    targets = torch.arange(len(images), device=device) % max(2, len(classes))
    seconds = []
    with with_threads(pace.threads):
        for step in range(_WARM_UP + _TIMED):
            start = time.perf_counter()
            random = generator(device, "estimate", step)
            varied, _ = policy(images, targets, random)
            varied = further_views(varied, random)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
                logits = model(ops.normalise(varied, config.input))
            loss(logits, targets).backward()
            optimizer.step()
            seconds.append(time.perf_counter() - start)
    # The quicker steps: whatever else the machine does for a moment must not make a study twice as long.
    return len(images) / statistics.quantiles(seconds[_WARM_UP:], n=4)[0]
