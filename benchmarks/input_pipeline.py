"""Images per second of the input pipeline: gathering, each augmentation, whole policies, normalisation.

    python benchmarks/input_pipeline.py [--size 48] [--batch 128] [--threads 2] [--repeats 30] [--json]
    python benchmarks/input_pipeline.py --share  # its share of a training step (43 classes, `compact`)

Synthetic pictures in memory, decoding excluded.  `best` is the fastest batch, `median` the usual one;
on a machine with other work only `best` compares.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from roadworthy.augment.ops import Op
from roadworthy.augment.policy import POLICIES, Policy, build_policy, for_objects
from roadworthy.config import AugmentConfig, Config, ModelConfig, OptimConfig, TrainConfig
from roadworthy.core.device import AUTOCAST, keep_freed_memory
from roadworthy.imaging import ops
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.signs.catalogue import sign_classes
from roadworthy.train.losses import build_loss
from roadworthy.train.optim import build_optimizer
from roadworthy.train.pace import settle_pace

Row = dict[str, str | float]


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    keep_freed_memory()  # as every training does
    if args.share:
        step_ms, share = share_of_step(args.size, args.batch, args.repeats)
        print(f"{args.size} px, batches of {args.batch}, {args.threads} threads, {args.repeats} repeats")
        print(f"a training step takes {step_ms:.0f} ms, {share:.1%} of it the input pipeline (medians)")
        return
    rows = measure(args.size, args.batch, args.repeats)
    if args.json:
        setting = {**vars(args), "torch": torch.__version__, "machine": platform.processor()}
        print(json.dumps({"setting": setting, "rows": rows}, indent=2))
        return
    print(f"{args.size} px, batches of {args.batch}, {args.threads} threads, {args.repeats} repeats")
    print(f"{'images/s':<28}{'best':>10}{'median':>10}")
    for row in rows:
        print(f"{row['name']:<28}{row['best']:>10,.0f}{row['median']:>10,.0f}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Images per second of the input pipeline.")
    parser.add_argument("--size", type=int, default=48, help="side of the pictures in pixels")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--share", action="store_true", help="share of a training step instead")
    return parser.parse_args()


def measure(size: int, batch: int, repeats: int) -> list[Row]:
    """One row per step: name, and images per second of the best and of the median batch."""
    generator = torch.Generator().manual_seed(0)
    classes = [name for name, sign in sign_classes().items() if sign.gtsrb is not None]
    objects = [f"object {number}" for number in range(len(classes))]  # some policies refuse signs
    stored = torch.randint(0, 256, (16 * batch, size, size, 3), dtype=torch.uint8, generator=generator)
    targets = torch.randint(0, len(classes), (len(stored),), generator=generator)

    def gather() -> tuple[Tensor, Tensor]:
        chosen = torch.randint(0, len(stored), (batch,), generator=generator)
        return stored[chosen].permute(0, 3, 1, 2), targets[chosen]

    def through(policy: Policy, spec: InputSpec | None = None) -> Callable[[], Tensor]:
        def step() -> Tensor:
            images, _ = policy(*gather(), generator)
            return images if spec is None else ops.normalise(images, spec)

        return step

    def named(name: str) -> Policy:
        return build_policy(AugmentConfig(policy=name), objects if for_objects(name) else classes)

    steps: dict[str, Callable[[], object]] = {"gather": gather, "gather, to float": through(named("none"))}
    for op in distinct_ops():
        steps[f"  + {op.describe().partition(':')[0]}"] = through(Policy([op], [-1] * len(classes)))
    for name in POLICIES:
        steps[f"policy {name}"] = through(named(name))
    for normalisation in ("unit", "per-image"):
        spec = InputSpec(size=size, normalise=normalisation)
        steps[f"policy default, {normalisation}"] = through(named("default"), spec)
    return [{"name": name, **speed(step, batch, repeats)} for name, step in steps.items()]


def share_of_step(size: int, batch: int, repeats: int) -> tuple[float, float]:
    """Milliseconds of a whole training step, and the part of them that goes into making its batch."""
    generator = torch.Generator().manual_seed(0)
    classes = [name for name, sign in sign_classes().items() if sign.gtsrb is not None]
    spec, policy = InputSpec(size=size), build_policy(AugmentConfig(), classes)
    stored = torch.randint(0, 256, (16 * batch, size, size, 3), dtype=torch.uint8, generator=generator)
    targets = torch.randint(0, len(classes), (len(stored),), generator=generator)
    model = build_model(ModelConfig(), len(classes), spec).to(memory_format=torch.channels_last)
    optimizer, loss = build_optimizer(model, OptimConfig()), build_loss(0.0, None)
    asked = Config(input=spec, train=TrainConfig(batch_size=batch))
    autocast = AUTOCAST[settle_pace(asked, torch.device("cpu")).precision]
    whole, making = [], []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        chosen = torch.randint(0, len(stored), (batch,), generator=generator)
        images, labels = policy(stored[chosen].permute(0, 3, 1, 2), targets[chosen], generator)
        images = ops.normalise(images, spec)
        making.append(time.perf_counter() - start)
        with torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):
            logits = model(images)
        optimizer.zero_grad(set_to_none=True)
        loss(logits, labels).backward()
        optimizer.step()
        whole.append(time.perf_counter() - start)
    step = statistics.median(whole[3:])
    return 1000 * step, statistics.median(making[3:]) / step


def distinct_ops() -> list[Op]:
    """Each kind of op once, as strong and as frequent as the first policy that has it has it."""
    found: dict[type[Op], Op] = {}
    for name in ("default", *POLICIES):
        for op in POLICIES.get(name)():
            found.setdefault(type(op), op)
    return list(found.values())


def speed(step: Callable[[], object], batch: int, repeats: int) -> dict[str, float]:
    """Images per second of the best and of the median call, after three to warm up."""
    for _ in range(3):
        step()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return {"best": batch / min(seconds), "median": batch / statistics.median(seconds)}


if __name__ == "__main__":
    main()
