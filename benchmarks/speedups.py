"""What each part of the pipeline gives over the way in which the study trained.

    python benchmarks/speedups.py [--steps 40]

The study's network, input and batches (64 px, 32 pictures) with its augmentation, on GTSRB's four classes.
First as it was: every picture decoded anew each time it is shown, and varied on its own, operation by
operation, each with an interpolation of its own; planes of colour one after the other; fp32.  Then one change
after the other.  Each is measured in turn with the one before, twice; the better counts.
Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from roadworthy.augment.policy import POLICIES, Policy
from roadworthy.config import DataConfig, ModelConfig, OptimConfig
from roadworthy.core.device import AUTOCAST, generator
from roadworthy.data.open import open_splits
from roadworthy.imaging.preprocess import read_square
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.models.dropout import Dropout
from roadworthy.train.losses import build_loss, l2_penalty
from roadworthy.train.optim import build_optimizer

SPEC = InputSpec(size=64, resize="nearest", normalise="unit")
CLASSES = ("speed-50", "speed-60", "stop", "no-entry")
BATCH = 32


@dataclass(frozen=True)
class Pipeline:
    """Which of the changes are in."""

    cache: bool = False
    batched: bool = False
    fused: bool = False
    channels_last: bool = False
    dropout: bool = False
    pooled: bool = False
    mixed: bool = False


STEPS = {
    "as the study": Pipeline(),
    "+ cache: decoded once": Pipeline(cache=True),
    "+ augmentation of whole batches": Pipeline(cache=True, batched=True),
    "+ one interpolation for all operations": Pipeline(cache=True, batched=True, fused=True),
    "+ channels last": Pipeline(cache=True, batched=True, fused=True, channels_last=True),
    "+ dropout with 16 random bits a value": Pipeline(
        cache=True, batched=True, fused=True, channels_last=True, dropout=True
    ),
    "+ activation after pooling": Pipeline(
        cache=True, batched=True, fused=True, channels_last=True, dropout=True, pooled=True
    ),
    "+ mixed precision": Pipeline(
        cache=True, batched=True, fused=True, channels_last=True, dropout=True, pooled=True, mixed=True
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the study's training, change by change.")
    parser.add_argument("--steps", type=int, default=40)
    asked = parser.parse_args()
    data = DataConfig(spec="gtsrb:", classes=CLASSES)
    train = open_splits(data, SPEC, with_test=False).train
    records, images, targets = train.records, np.asarray(train.images), train.targets

    def speed(pipeline: Pipeline) -> float:
        step = stepper(pipeline)
        rng = np.random.default_rng(0)
        for number in range(-4, asked.steps):
            if number == 0:
                start = time.perf_counter()
            rows = rng.integers(len(targets), size=BATCH)
            if pipeline.cache:
                pictures = images[rows]
            else:
                pictures = np.stack([read_square(records[i].path, SPEC, records[i].box) for i in rows])
            step(torch.from_numpy(pictures).permute(0, 3, 1, 2), torch.from_numpy(targets[rows]), number)
        return asked.steps * BATCH / (time.perf_counter() - start)

    print("| pipeline | pictures/s | against the study's | by this change |")
    print("|---|---|---|---|")
    first = 0.0
    for name, (own, earlier) in compared(speed):
        first = first or own
        gain = own / (earlier or own)
        print(f"| {name} | {own:,.0f} | {own / first:.2f}x | {gain:.2f}x |", flush=True)


def compared(speed: Callable[[Pipeline], float]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Each pipeline's speed, and that of the one before, measured in turn with it."""
    earlier: Pipeline | None = None
    for name, pipeline in STEPS.items():
        pairs = [(speed(pipeline), speed(earlier) if earlier else 0.0) for _ in range(2)]
        yield name, (max(own for own, _ in pairs), max(old for _, old in pairs))
        earlier = pipeline


def stepper(pipeline: Pipeline) -> Callable[[Tensor, Tensor, int], None]:
    """One training step."""
    model = build_model(ModelConfig(name="study-cnn"), len(CLASSES), SPEC)
    for layer in model.modules():
        if isinstance(layer, Dropout) and not pipeline.dropout:
            layer.forward = functools.partial(nn.Dropout.forward, layer)  # type: ignore[method-assign]
    if not pipeline.pooled:
        model.stages = activated_first(model.stages)
    if pipeline.channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(model, OptimConfig(name="adam", lr=1e-3, weight_decay=0.0))
    loss, ops = build_loss(0.0, None), POLICIES.get("study-flips")()
    fused = Policy(ops, [-1] * len(CLASSES))
    single = [Policy([op], [-1] * len(CLASSES)) for op in ops]
    autocast = AUTOCAST["bf16" if pipeline.mixed else "fp32"]

    def vary(images: Tensor, targets: Tensor, number: int) -> Tensor:
        random = generator("cpu", "speedups", number)
        if pipeline.fused:
            return fused(images, targets, random)[0]
        if pipeline.batched:
            return one_by_one(images, targets, random)
        rows = [one_by_one(images[i : i + 1], targets[i : i + 1], random) for i in range(len(images))]
        return torch.cat(rows)

    def one_by_one(images: Tensor, targets: Tensor, random: torch.Generator) -> Tensor:
        for policy in single:
            images = (policy(images, targets, random)[0] * 255).round().to(torch.uint8)
        return ops.to_float(images)

    def step(images: Tensor, targets: Tensor, number: int) -> None:
        inputs = vary(images, targets, number)
        if pipeline.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):
            logits = model(inputs)
        optimizer.zero_grad(set_to_none=True)
        (loss(logits.float(), targets) + 1e-3 * l2_penalty(model)).backward()
        optimizer.step()

    return step


def activated_first(stages: nn.Sequential) -> nn.Sequential:
    """The same layers, each activation before the pooling that it follows in ours."""
    layers = list(stages)
    for place, layer in enumerate(stages):
        if isinstance(layer, nn.ReLU):
            layers[place - 1 : place + 1] = [layer, layers[place - 1]]
    return nn.Sequential(*layers)


if __name__ == "__main__":
    main()
