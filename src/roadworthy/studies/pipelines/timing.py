"""Where the time of a pipeline goes, measured on a few seconds of training."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as every_module

from roadworthy.config import Config
from roadworthy.core.device import keep_freed_memory, with_threads
from roadworthy.core.timing import StageTimer
from roadworthy.data.dataset import Dataset
from roadworthy.studies.pipelines.arms import Pipeline
from roadworthy.studies.pipelines.feeding import Batch, batches
from roadworthy.studies.pipelines.network import build_step
from roadworthy.studies.profiling import kind, layers_timed

WARM_UP, LEAST = 1, 2  # steps: not timed, and timed at least

Step = Callable[[Tensor, Tensor], None]


class LayerTimer(StageTimer):
    """Seconds of processor time, which other work on the machine does not add to; the backward pass by layer.

    A layer's backward pass lasts from the gradient of its output to that of the next layer's.
    """

    def end(self) -> None:
        """Close the stage that was opened last, and the layer's whose backward pass ends with the whole."""
        self._end_layer()
        super().end()

    def after(self, layer: nn.Module, _: Any, output: Any) -> None:
        """Hook after a layer's forward pass: its backward pass begins at its output's gradient."""
        if not any(layer.children()) and isinstance(output, Tensor) and output.requires_grad:
            name = kind(layer)
            output.register_hook(lambda _: self._begin_layer(name))

    def _now(self) -> float:
        return time.thread_time()

    def _begin_layer(self, name: str) -> None:
        if self.within("backward"):
            self._end_layer()
            self.begin(f"backward: {name}")

    def _end_layer(self) -> None:
        if self._names[-1].startswith("backward: "):
            super().end()


def timed(pipeline: Pipeline, data: Dataset, config: Config, seconds: float, seed: int) -> dict[str, Any]:
    """Train for that long.

    images_per_second: by the clock.  stages: microseconds of processor time a picture, each stage without
    those within it; `other` for what lies between them, `other threads` for what those did.
    cpu: seconds of processor time for each second by the clock; the rest of one thread had other work.
    """
    keep_freed_memory()
    torch.manual_seed(seed)
    feed, timer = batches(pipeline, data, config, seed), LayerTimer()
    with closing(feed), with_threads(int(config.train.threads)):
        step = build_step(pipeline, config, len(data.classes))
        _run(step, feed, WARM_UP)
        with layers_timed(timer), _backward_timed(timer), timer:
            clocks = (time.perf_counter, time.process_time, time.thread_time)
            began = [clock() for clock in clocks]
            steps = _run(step, feed, LEAST, until=began[0] + seconds)
            wall, cpu, own = (clock() - start for clock, start in zip(clocks, began, strict=True))
    images = steps * min(config.train.batch_size, len(data))
    taken = {
        **timer.seconds,
        "other": max(0.0, own - sum(timer.seconds.values())),
        "other threads": max(0.0, cpu - own),
    }
    return {
        "images_per_second": images / wall,
        "cpu": cpu / wall,
        "stages": {name: 1e6 * seconds / images for name, seconds in taken.items()},
        "train_seconds": wall,
        "steps": steps,
        "gradients": steps,
        "samples": images,
        "epochs": images / len(data),
    }


@contextmanager
def _backward_timed(timer: LayerTimer) -> Iterator[None]:
    hook = every_module.register_module_forward_hook(timer.after)
    try:
        yield
    finally:
        hook.remove()


def _run(step: Step, feed: Generator[Batch, None, None], least: int, until: float = 0.0) -> int:
    """So many steps, and further ones until the clock says so; returns how many."""
    steps = 0
    while steps < least or time.perf_counter() < until:
        step(*next(feed))
        steps += 1
    return steps
