import pytest
import torch
from torch import nn

from roadworthy.config import TrainConfig
from roadworthy.core.errors import ConfigError
from roadworthy.train.average import EqualAverage, WeightAverage, build_average


def test_average_worked_by_hand():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.5)
    for step, value in enumerate([1.0, 2.0], start=1):
        nn.init.constant_(model.weight, value)
        average.update(model, step)
    # decays 1/10 and 2/11: 0.9 * 1, then 2/11 * 0.9 + 9/11 * 2
    assert average.model.weight.item() == pytest.approx(2 / 11 * 0.9 + 9 / 11 * 2)


def test_decay_is_as_asked_once_many_steps_are_done():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.9)
    nn.init.ones_(model.weight)
    average.update(model, step=10_000)
    assert average.model.weight.item() == pytest.approx(0.1)


def test_batchnorm_statistics_are_averaged_and_counters_copied():
    model = nn.BatchNorm1d(2)
    average = WeightAverage(model, decay=0.5)
    model.train()(torch.tensor([[1.0, 3.0], [3.0, 9.0]]))
    average.update(model, step=1000)
    torch.testing.assert_close(average.model.running_mean, model.running_mean / 2)
    assert average.model.num_batches_tracked.item() == 1
    assert not average.model.training
    assert not any(p.requires_grad for p in average.model.parameters())


def follow(average, model, values):
    """The averaged weight after each of the values, the budget being all of them."""
    seen = []
    for step, value in enumerate(values, start=1):
        nn.init.constant_(model.weight, value)
        average.update(model, step, step / len(values))
        seen.append(average.model.weight.item())
    return seen


def test_the_last_part_is_averaged_alike_worked_by_hand():
    model = nn.Linear(1, 1, bias=False)
    seen = follow(EqualAverage(model, 0.5), model, [8.0, 9.0, 10.0, 1.0, 3.0, 8.0])
    assert seen == pytest.approx([8, 9, 10, 1, 2, 4])  # follows, then means of 1; 1, 3; 1, 3, 8


def test_a_constant_is_its_own_mean():
    model = nn.Linear(1, 1, bias=False)
    assert follow(EqualAverage(model, 1.0), model, [0.3] * 9) == [model.weight.item()] * 9


def test_the_setting_names_the_average():
    model = nn.Linear(1, 1)
    swa = build_average(TrainConfig(average="swa", swa_fraction=0.1), model)
    assert isinstance(swa, EqualAverage)
    assert swa.fraction == 0.1
    ema = build_average(TrainConfig(ema=0.5), model)
    assert type(ema) is WeightAverage
    assert ema.decay == 0.5
    assert build_average(TrainConfig(ema=0), model) is None


def test_refuses_a_decay_that_never_learns():
    with pytest.raises(ConfigError, match=r"train\.ema is 1"):
        WeightAverage(nn.Linear(1, 1), 1.0)
