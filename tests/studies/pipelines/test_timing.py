"""What is timed adds up, and each layer's backward pass is charged to its kind."""

import time

import pytest
import torch
from torch import nn

from roadworthy.config import Config
from roadworthy.core.timing import stage
from roadworthy.data.dataset import Dataset
from roadworthy.studies.pipelines.arms import AS_RUN, EACH_ALONE, PIPELINES
from roadworthy.studies.pipelines.timing import LayerTimer, timed


@pytest.mark.parametrize("name", [AS_RUN, EACH_ALONE, "prefetched", "simpler network"])
def test_stages_make_up_the_processor_time(name: str, data: Dataset, config: Config) -> None:
    found = timed(PIPELINES[name], data, config, 0.05, 0)
    assert found["steps"] >= 2
    assert found["samples"] == 8 * found["steps"] == 8 * found["gradients"]
    assert found["images_per_second"] == pytest.approx(found["samples"] / found["train_seconds"])
    total_us = 1e6 * found["cpu"] * found["train_seconds"] / found["samples"]
    assert sum(found["stages"].values()) == pytest.approx(total_us, rel=0.05)
    assert {"forward: convolution", "backward: convolution", "optimiser"} <= set(found["stages"])
    assert ("waiting for pictures" in found["stages"]) == PIPELINES[name].prefetched
    assert ("augment: interpolation" in found["stages"]) == (name == AS_RUN)
    assert ("decoding" in found["stages"]) == (name in (AS_RUN, EACH_ALONE))


class _Slow(torch.autograd.Function):
    """Takes 20 ms of the processor on the way back."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
        return gradient


class SlowPool(nn.MaxPool2d):
    """Slow on the way back."""

    def forward(self, x):
        return _Slow.apply(super().forward(x))


def test_a_slow_layer_is_the_one_that_is_charged() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), SlowPool(2), nn.ReLU())
    timer = LayerTimer()
    hook = nn.modules.module.register_module_forward_hook(timer.after)
    try:
        with timer:
            with stage("forward"):
                value = model(torch.rand(2, 3, 8, 8)).sum()
            with stage("backward"):
                value.backward()
            with stage("optimiser"):
                pass
    finally:
        hook.remove()
    assert timer.seconds["backward: pooling"] >= 0.02
    others = sum(timer.seconds[f"backward: {name}"] for name in ("convolution", "activation"))
    assert 0 < others < 0.02
    assert set(timer.calls.values()) == {1}
