from collections import Counter
from itertools import chain

import numpy as np
import pytest
import torch

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.dataset import Dataset
from roadworthy.data.loader import BatchLoader
from roadworthy.data.records import Record


def dataset(targets, sources=None, shares=(None,)):
    n = len(targets)
    images = np.zeros((n, 8, 8, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1], images[:, 2, 3, 2] = np.arange(n) % 256, np.arange(n) // 256, 9
    images.flags.writeable = False
    return Dataset(
        images=images,
        targets=np.array(targets),
        records=tuple(Record(path=str(i), label="x", source=(sources or [0] * n)[i]) for i in range(n)),
        classes=("a", "b", "c"),
        shares=shares,
    )


def numbers(batches):
    return [(x[:, 0, 0, 0].int() + 256 * x[:, 1, 0, 0].int()).tolist() for x, _ in batches]


def test_batches_hold_the_right_pictures_in_the_right_layout():
    targets = np.arange(300) % 3
    images, labels = next(BatchLoader(dataset(targets), 32, seed=0).epoch(0))
    assert images.shape == (32, 3, 8, 8)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert (images[:, 2, 2, 3] == 9).all()
    assert labels.tolist() == targets[numbers([(images, labels)])[0]].tolist()


def test_an_epoch_shows_each_picture_at_most_once_and_drops_the_rest():
    loader = BatchLoader(dataset([0] * 300), 32, seed=0)
    shown = list(chain.from_iterable(numbers(loader.epoch(0))))
    assert len(loader) == 9
    assert len(shown) == len(set(shown)) == 288


def test_order_depends_on_seed_and_epoch_alone_and_resumes():
    data = dataset([0] * 100)
    whole = numbers(BatchLoader(data, 16, seed=1).epoch(4))
    other = BatchLoader(data, 16, seed=1)
    list(other.epoch(0))
    assert numbers(other.epoch(4)) == whole
    assert numbers(other.epoch(4, start=3)) == whole[3:]
    assert numbers(other.epoch(4, start=6)) == []
    assert numbers(other.epoch(5)) != whole
    assert numbers(BatchLoader(data, 16, seed=2).epoch(4)) != whole


def test_a_set_smaller_than_a_batch_makes_one():
    loader = BatchLoader(dataset([0, 1, 2]), 128, seed=0)
    assert len(loader) == 1
    assert sorted(numbers(loader.epoch(0))[0]) == [0, 1, 2]


def test_balanced_sampling_shows_every_class_as_often_and_all_its_pictures():
    data = dataset([0] * 280 + [1] * 15 + [2] * 5)
    loader = BatchLoader(data, 30, seed=0, balance="sampler")
    shown = list(chain.from_iterable(numbers(loader.epoch(0))))
    counts = Counter(data.targets[shown].tolist())
    assert counts == {0: 100, 1: 100, 2: 100}
    assert set(Counter(i for i in shown if i >= 295).values()) == {20}


def test_shares_hold_in_every_batch():
    data = dataset([0] * 400, [0] * 20 + [1] * 300 + [2] * 80, (0.25, None, None))
    times = Counter()
    for batch in numbers(BatchLoader(data, 40, seed=0).epoch(0)):
        counts = Counter(data.records[i].source for i in batch)
        assert abs(counts[0] - 10) <= 1
        assert abs(counts[1] - 30 * 300 / 380) <= 1.5
        assert sum(counts.values()) == 40
        times.update(i for i in batch if i < 20)
    assert set(times.values()) == {5}  # 100 draws from 20 pictures: five permutations


def test_shares_and_balance_together():
    data = dataset([0] * 90 + [1] * 10 + [0] * 10 + [2] * 90, [0] * 100 + [1] * 100, (0.5, 0.5))
    shown = list(chain.from_iterable(numbers(BatchLoader(data, 20, seed=0, balance="sampler").epoch(0))))
    assert Counter(data.targets[shown].tolist()) == {0: 100, 1: 50, 2: 50}


def test_what_cannot_be_loaded_is_refused():
    with pytest.raises(DataError, match="no pictures"):
        BatchLoader(dataset([]), 4, seed=0)
    with pytest.raises(DataError, match="source 2"):
        BatchLoader(dataset([0] * 4, [0] * 4, (None, 0.5)), 4, seed=0)
    with pytest.raises(ConfigError):
        BatchLoader(dataset([0]), 0, seed=0)
    with pytest.raises(ConfigError):
        BatchLoader(dataset([0]), 4, seed=0, balance="weights")


def test_which_pictures_may_be_turned_comes_with_each_batch() -> None:
    data = dataset([0, 1] * 20)
    turnable = np.arange(40) % 3 == 0
    loader = BatchLoader(data, 16, seed=1, turnable=turnable)
    told = torch.cat([batch[2] for batch in loader.epoch(0)])
    assert torch.equal(told, torch.from_numpy(turnable[loader.order(0)]))
